"""What a `VideoWidget` shows, judged by its pixels."""

import resource
import time
from random import Random
from typing import TYPE_CHECKING

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QLabel, QWidget
from tests.unit.qt.conftest import player_of

from camgraph.qt import Box, VideoWidget

if TYPE_CHECKING:
    from tests.unit.qt.conftest import Gui

RED, GREEN, BLUE, WHITE, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)
BACKGROUND = (0x20, 0x24, 0x2A)


def noise(width, height):
    return np.random.default_rng(7).integers(0, 256, (height, width, 4), dtype=np.uint8)


def shown(site, gui: "Gui", size, stream="door", **kinds) -> VideoWidget:
    widget = VideoWidget(site.streams[stream])
    widget.resize(*size)
    widget.show()
    gui.play(site.streams[stream], widget, **kinds)
    return widget


def test_a_picture_of_the_tiles_proportions_fills_it_pixel_by_pixel(gui, make_site):
    site = make_site(door=(1280, 720))
    widget = shown(site, gui, (640, 360), draw=noise)
    assert list(site.readers("door")) == [(640, 360)]
    expected = noise(640, 360)[:, :, 2::-1]
    np.testing.assert_array_equal(gui.pixels(widget), expected)


def test_colours_are_where_they_belong(gui, make_site):
    widget = shown(make_site(door=(1280, 720)), gui, (320, 180))
    pixels = gui.pixels(widget)
    places = {(0, 0): RED, (0, 319): GREEN, (179, 0): BLUE, (179, 319): WHITE, (89, 159): RED}
    assert {place: tuple(pixels[place]) for place in places} == places


@pytest.mark.parametrize(
    ("source", "tile", "asked"),
    [
        ((1280, 720), (400, 400), (400, 225)),
        ((720, 1280), (400, 400), (225, 400)),
        ((640, 480), (641, 361), (481, 361)),
        ((1920, 1080), (641, 361), (641, 361)),
    ],
)
def test_other_proportions_get_black_bars(gui, make_site, source, tile, asked):
    site = make_site(door=source)
    widget = shown(site, gui, tile, draw=noise)
    assert list(site.readers("door")) == [asked]
    pixels = gui.pixels(widget)
    left, top = (tile[0] - asked[0]) // 2, (tile[1] - asked[1]) // 2
    inside = pixels[top : top + asked[1], left : left + asked[0]]
    np.testing.assert_array_equal(inside, noise(*asked)[:, :, 2::-1])
    outside = np.ones(pixels.shape[:2], bool)
    outside[top : top + asked[1], left : left + asked[0]] = False
    assert not pixels[outside].any()


def test_a_new_size_is_asked_for_when_it_has_settled_and_shown_when_it_is_there(gui, make_site):
    site = make_site(door=(1280, 720))
    widget = shown(site, gui, (640, 360))
    for width in range(600, 320, -40):
        widget.resize(width, width * 9 // 16)
        gui.turn()
    widget.resize(320, 180)
    gui.turn()
    assert list(site.readers("door")) == [(640, 360)]
    # The old picture fills the new tile.
    pixels = gui.pixels(widget)
    assert (tuple(pixels[2, 2]), tuple(pixels[177, 317])) == (RED, WHITE)

    began = time.monotonic()
    gui.until(lambda: (320, 180) in site.readers("door"))
    assert time.monotonic() - began > 0.05
    assert site.readers("door") == {(640, 360): 1, (320, 180): 1}
    gui.turn()
    assert widget.statistics().width == 640

    gui.until(lambda: site.show("door", noise) and site.readers("door") == {(320, 180): 1})
    gui.settle()
    np.testing.assert_array_equal(gui.pixels(widget), noise(320, 180)[:, :, 2::-1])
    statistics = widget.statistics()
    assert (statistics.width, statistics.height) == (320, 180)


def test_a_size_given_up_before_it_came_is_let_go(gui, make_site):
    site = make_site(door=(1280, 720))
    widget = shown(site, gui, (640, 360))
    widget.resize(320, 180)
    gui.until(lambda: (320, 180) in site.readers("door"))
    widget.resize(640, 360)
    gui.until(lambda: site.readers("door") == {(640, 360): 1})
    gui.play(site.streams["door"], widget, noise)
    np.testing.assert_array_equal(gui.pixels(widget), noise(640, 360)[:, :, 2::-1])


def test_a_camera_that_changes_its_size_is_shown_in_its_new_proportions(gui, make_site):
    site = make_site(door=(1280, 720))
    widget = shown(site, gui, (400, 400))
    site.sizes["door"] = (640, 480)
    site.status("door")
    gui.until(lambda: site.show("door", noise) and site.readers("door") == {(400, 300): 1})
    gui.settle()
    np.testing.assert_array_equal(gui.pixels(widget)[50:350], noise(400, 300)[:, :, 2::-1])


def test_nothing_is_read_before_the_size_is_known_and_the_state_is_told(gui, make_site):
    site = make_site(door=(0, 0))
    site.status("door", "opening", sentence="Asking the camera.")
    widget = VideoWidget(site.streams["door"])
    widget.resize(320, 180)
    widget.show()
    gui.turn()
    pixels = gui.pixels(widget)
    assert tuple(pixels[0, 0]) == BACKGROUND
    assert (pixels.max(axis=2) > 150).sum() > 100
    assert site.readers("door") == {}
    site.sizes["door"] = (1280, 720)
    site.status("door")
    gui.play(site.streams["door"], widget)
    assert tuple(gui.pixels(widget)[0, 0]) == RED


def test_a_state_that_is_not_live_is_told_at_once_and_the_picture_let_go(gui, make_site):
    site = make_site(door=(1280, 720))
    widget = shown(site, gui, (320, 180))
    (ring,) = site.rings.values()
    began = time.monotonic()
    site.status("door", "backing_off", sentence="The camera closed the connection; next attempt in 2 s.")
    gui.until(lambda: tuple(gui.pixels(widget)[0, 0]) == BACKGROUND)
    assert time.monotonic() - began < 1.0
    assert ring.statistics().readers == 1
    site.status("door")
    gui.settle()
    # What was shown before is not shown again.
    assert tuple(gui.pixels(widget)[0, 0]) == BACKGROUND
    gui.play(site.streams["door"], widget)
    assert tuple(gui.pixels(widget)[0, 0]) == RED


def test_silence_is_told_after_two_seconds_and_pictures_come_back(gui, make_site):
    site = make_site(door=(1280, 720))
    widget = shown(site, gui, (320, 180))
    began = time.monotonic()
    gui.until(lambda: tuple(gui.pixels(widget)[0, 0]) == BACKGROUND)
    assert 1.5 < time.monotonic() - began < 3.0
    gui.play(site.streams["door"], widget)
    assert tuple(gui.pixels(widget)[0, 0]) == RED


def test_a_media_process_that_comes_back_is_shown_again(gui, make_site):
    site = make_site(door=(1280, 720))
    widget = shown(site, gui, (320, 180))
    site.media_dies()
    site.status("door", "backing_off", sentence="The media process died.")
    gui.until(lambda: tuple(gui.pixels(widget)[0, 0]) == BACKGROUND)
    site.status("door")
    gui.play(site.streams["door"], widget)
    assert tuple(gui.pixels(widget)[0, 0]) == RED


def test_a_refused_ring_is_told_and_asked_for_again(gui, make_site):
    site = make_site(door=(1280, 720))
    site.refusal = "no room for another ring"
    widget = VideoWidget(site.streams["door"])
    widget.resize(320, 180)
    widget.show()
    gui.until(lambda: player_of(widget).message.sentence == "no room for another ring")
    assert tuple(gui.pixels(widget)[0, 0]) == BACKGROUND
    site.refusal = ""
    gui.play(site.streams["door"], widget)
    assert tuple(gui.pixels(widget)[0, 0]) == RED


def test_boxes_are_drawn_in_source_pixels(gui, make_site):
    site = make_site(door=(1280, 720))
    widget = shown(site, gui, (640, 400))
    widget.set_boxes([Box(100, 200, 400, 300, color="#ff00ff")])
    gui.turn()
    pixels = gui.pixels(widget)
    magenta = (pixels == (255, 0, 255)).all(axis=2)
    rows, columns = np.flatnonzero(magenta.any(axis=1)), np.flatnonzero(magenta.any(axis=0))
    # Half the size, 20 px lower for the bar above; lines of 2 px around the edges.
    assert abs(columns[0] - 50) <= 1
    assert abs(columns[-1] - 250) <= 1
    assert abs(rows[0] - 120) <= 1
    assert abs(rows[-1] - 270) <= 1
    assert tuple(pixels[150, 100]) == RED, "the inside stays"
    widget.set_boxes(None)
    gui.turn()
    assert not (gui.pixels(widget) == (255, 0, 255)).all(axis=2).any()


def test_boxes_stay_while_pictures_go_on(gui, make_site):
    site = make_site(door=(1280, 720))
    widget = shown(site, gui, (640, 360))
    widget.set_boxes([Box(100, 200, 400, 300, color="#ff00ff")])
    gui.play(site.streams["door"], widget)
    assert (gui.pixels(widget) == (255, 0, 255)).all(axis=2).sum() > 1000


def test_a_click_tells_the_streams_name(gui, make_site):
    widget = shown(make_site(door=(1280, 720)), gui, (320, 180))
    clicks: list[object] = []
    widget.clicked.connect(clicks.append)
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton)
    QTest.mouseClick(widget, Qt.MouseButton.RightButton)
    QTest.mousePress(widget, Qt.MouseButton.LeftButton)
    QTest.mouseRelease(widget, Qt.MouseButton.LeftButton, pos=QPoint(-5, 5))
    assert clicks == ["door"]


def test_a_child_widget_lies_over_the_picture(gui, make_site):
    widget = shown(make_site(door=(1280, 720)), gui, (320, 180))
    label = QLabel(widget)
    label.setStyleSheet("background: #123456")
    label.setGeometry(10, 10, 50, 20)
    label.show()
    gui.turn()
    assert tuple(gui.pixels(widget)[15, 15]) == (0x12, 0x34, 0x56)


def test_frames_painted_and_lost_are_counted(gui, make_site):
    site = make_site(door=(1280, 720))
    widget = shown(site, gui, (320, 180))
    before = widget.statistics()
    assert before.lost == 0
    for _ in range(3):
        site.show("door")
    gui.until(lambda: widget.statistics().shown == before.shown + 1)
    after = widget.statistics()
    assert (after.lost, after.superseded) == (2, 2)
    assert after.published == before.published + 3 == after.shown + 2
    assert 0 <= after.age_ms_p50 <= after.age_ms_p99
    assert after.first_shown_ns < after.last_shown_ns <= time.monotonic_ns()
    widget.repaint()
    gui.pixels(widget)
    assert widget.statistics() == after, "the same frame painted again is one frame"


def test_losses_are_counted_by_their_reason(gui, make_site):
    site = make_site(door=(1280, 720))
    widget = shown(site, gui, (320, 180))
    before = widget.statistics()
    for _ in range(100):
        site.show("door")
    gui.settle()
    after = widget.statistics()
    assert after.published == before.published + 100
    assert after.behind > 30, "the reader's socket was full"
    assert after.behind + after.superseded == 99
    assert after.shown == before.shown + 1

    feed = player_of(widget)._shown
    assert feed is not None
    for _ in range(2):
        site.show("door")
        feed.take()
    assert widget.statistics().superseded == after.superseded + 1, "a newer one came before it was painted"
    assert widget.statistics().waiting == 1
    site.status("door", "stalled")
    player_of(widget)._on_status(site.board.status_of("door"))
    assert widget.statistics().dropped == 1, "not live any more"
    assert widget.statistics().waiting == 0

    site.status("door")
    gui.play(site.streams["door"], widget)
    site.show("door")
    widget.hide()
    assert widget.statistics().dropped == 2, "hidden before it was painted"


@pytest.mark.parametrize("seed", range(4))
def test_every_frame_is_accounted_for_whatever_happens(gui, make_site, seed):
    random = Random(seed)
    site = make_site(door=(1280, 720))
    widget = shown(site, gui, (320, 180))
    rings = set(site.rings.values())

    def resize():
        widget.resize(random.choice([160, 320, 321]), 180)
        gui.settle()
        if player_of(widget)._settled.isActive():
            gui.until(lambda: not player_of(widget)._settled.isActive())

    def burst():
        for _ in range(random.randrange(70)):
            site.show("door")

    def die():
        gui.settle()
        site.media_dies()

    def reconnect():
        feed = player_of(widget)._coming or player_of(widget)._shown
        if widget.isVisible() and feed is not None:
            gui.until(lambda: site.readers("door"))

    steps = [
        resize,
        burst,
        burst,
        die,
        gui.settle,
        widget.hide,
        widget.show,
        lambda: site.status("door", "stalled"),
        lambda: site.status("door"),
    ]
    for _ in range(60):
        random.choice(steps)()
        gui.turn()
        reconnect()
        gui.settle()
        site.readers("door")
        rings |= set(site.rings.values())
        site.show("door")
    gui.settle()
    widget.hide()
    statistics = widget.statistics()
    assert statistics.waiting == 0
    assert statistics.published == statistics.shown + statistics.lost
    assert statistics.lost == (
        statistics.superseded + statistics.late + statistics.behind + statistics.dropped
    )
    published = sum(ring.statistics().published for ring in rings)
    assert statistics.published == published


def test_a_hidden_widget_reads_nothing_and_goes_on_when_shown(gui, make_site):
    site = make_site(door=(1280, 720))
    widget = shown(site, gui, (320, 180))
    widget.hide()
    gui.until(lambda: site.readers("door") == {})
    gui.pixels(widget)
    gui.turn()
    assert site.readers("door") == {}, "grabbing a hidden widget does not make it read"
    widget.show()
    gui.play(site.streams["door"], widget)
    assert tuple(gui.pixels(widget)[0, 0]) == RED


def test_many_widgets_of_one_stream_and_size_share_a_ring(gui, make_site):
    site = make_site(door=(1280, 720))
    window = QWidget()
    widgets = [VideoWidget(site.streams["door"], window) for _ in range(3)]
    for place, widget in enumerate(widgets):
        widget.setGeometry(place * 160, 0, 160, 90)
    window.resize(480, 90)
    window.show()
    gui.until(lambda: site.readers("door") == {(160, 90): 3})
    gui.until(lambda: site.show("door") and all(widget.statistics().shown for widget in widgets))
    assert [tuple(gui.pixels(window)[0, x]) for x in (0, 160, 320)] == [RED] * 3


def test_an_exception_while_painting_is_logged_once_and_ends_nothing(gui, make_site, caplog):
    site = make_site(door=(1280, 720))
    widget = shown(site, gui, (320, 180))
    widget._scene.layers.append("no layer")  # type: ignore[arg-type]
    for _ in range(3):
        widget.repaint()
    assert [record.message for record in caplog.records] == ["stream door can't be painted"]
    widget._scene.layers.clear()
    gui.play(site.streams["door"], widget)
    assert tuple(gui.pixels(widget)[0, 0]) == RED


def test_a_rate_beyond_what_can_be_asked_for_is_none(gui, make_site):
    site = make_site(door=(320, 180))
    widget = VideoWidget(site.streams["door"])
    widget.resize(320, 180)
    widget.max_fps = 5
    widget.show()
    gui.play(site.streams["door"], widget)
    widget.max_fps = 5000
    gui.until(
        lambda: site.show("door") and [it.fps for it, ring in site.rings.items() if ring.readers] == [0]
    )


def test_a_widget_within_a_device_pixel_reads_as_before(gui, make_site):
    site = make_site(door=(320, 180))
    widget = VideoWidget(site.streams["door"])
    widget.resize(320, 180)
    widget.show()
    gui.play(site.streams["door"], widget)
    # What a painter finds where a screen has fewer pixels than widgets count.
    widget._scene.look(0, 1)
    widget._scene.look(1, 0)
    assert site.readers("door") == {(320, 180): 1}


def test_where_no_descriptor_is_left_that_is_told_and_tried_again(gui, make_site):
    site = make_site(door=(320, 180))
    widget = VideoWidget(site.streams["door"])
    widget.resize(320, 180)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, before[1]))
    try:
        widget.show()
        for _ in range(3):
            gui.app.processEvents()
        said = player_of(widget).message
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert (said.state, "Too many open files" in said.sentence) == ("not available", True)
    gui.play(site.streams["door"], widget)


def test_a_widget_that_asks_for_few_pictures_is_not_told_of_silence_between_them(gui, make_site):
    site = make_site(door=(320, 180))
    widget = VideoWidget(site.streams["door"])
    widget.resize(320, 180)
    widget.max_fps = 0.5
    widget.show()
    gui.play(site.streams["door"], widget)
    shown = time.monotonic()
    gui.until(lambda: time.monotonic() > shown + 2.5)
    assert player_of(widget).picture is not None
    gui.until(lambda: player_of(widget).picture is None)
    assert time.monotonic() > shown + 3.9
    assert player_of(widget).message.sentence == "No picture has come for 4 s."
