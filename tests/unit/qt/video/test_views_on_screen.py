"""Pictures cut, zoomed, turned and mirrored, judged by their pixels."""

import time
from random import Random
from typing import TYPE_CHECKING, get_args

import numpy as np
import pytest
from qtpy.QtCore import QPointF
from tests.unit.qt.conftest import noise, player_of

from camgraph.qt import Box, VideoWidget, View
from camgraph.qt.video.player import MOVED_MS
from camgraph.qt.video.view import Fit
from camgraph.ring.writer import FrameMeta

if TYPE_CHECKING:
    from tests.unit.qt.conftest import DrawnSite, Gui, Pixels

RED, GREEN, BLUE, WHITE, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)


def checks(width, height):
    """Squares of 2 px, black and white."""
    rows, columns = np.indices((height, width)) // 2
    picture = np.zeros((height, width, 4), np.uint8)
    picture[(rows + columns) % 2 == 1] = 255
    return picture


def publish(site: "DrawnSite", camera: "Pixels") -> None:
    """Give every ring of the stream what it asks for of a camera's picture."""
    for request, ring in list(site.rings.items()):
        roi = request.roi if any(request.roi) else None
        picture = read(camera, roi, (request.width, request.height))
        ring.publish([picture], FrameMeta(arrival_ns=time.monotonic_ns()))


def read(camera: "Pixels", roi: tuple[int, ...] | None, size: tuple[int, int]) -> "Pixels":
    """Cut a part out of a picture, and make it smaller by means, or by the nearest pixels."""
    x, y, width, height = roi or (0, 0, *camera.shape[1::-1])
    part = camera[y : y + height, x : x + width]
    if height % size[1] == 0 and width % size[0] == 0:
        blocks = part.reshape(size[1], height // size[1], size[0], -1, 4)
        means: Pixels = blocks.mean(axis=(1, 3)).astype(np.uint8)
        return means
    rows, columns = (np.arange(new) * old // new for new, old in ((size[1], height), (size[0], width)))
    return part[rows][:, columns].copy()


def asked(site):
    """Which parts are read, and how large."""
    site.readers("door")
    read = [request for request, ring in site.rings.items() if ring.readers]
    return [(one.roi if any(one.roi) else None, (one.width, one.height)) for one in read]


def shown(site, gui: "Gui", size, camera, view=None) -> VideoWidget:
    widget = VideoWidget(site.streams["door"])
    if view is not None:
        widget.view = view
    widget.resize(*size)
    widget.show()
    see(site, gui, widget, camera)
    return widget


def see(site, gui: "Gui", widget, camera) -> "Pixels":
    """Let the camera play until the widget shows what it wants, and nothing else is read."""
    wanted = widget.view.place(camera.shape[1::-1], (widget.width(), widget.height())).wanted

    def there():
        publish(site, camera)
        player = player_of(widget)
        return asked(site) == [wanted] and player.roi == wanted.roi and player.picture is not None

    gui.until(there)
    gui.settle()
    return gui.pixels(widget)


def test_a_fine_pattern_becomes_visible_by_zooming(gui, make_site):
    site, camera = make_site(door=(1280, 720)), checks(1280, 720)
    widget = shown(site, gui, (320, 180), camera)
    assert set(np.unique(gui.pixels(widget))) == {127}, "squares of half a pixel are grey"
    widget.zoom_by(4)
    pixels = see(site, gui, widget, camera)
    assert asked(site) == [((480, 270, 320, 180), (320, 180))]
    np.testing.assert_array_equal(pixels, camera[270:450, 480:800, 2::-1])
    widget.reset_view()
    assert widget.view == View()
    assert set(np.unique(see(site, gui, widget, camera))) == {127}


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("quarter_turns", range(4))
def test_turned_and_mirrored_pictures_are_right_to_the_pixel(gui, make_site, quarter_turns, mirrored):
    site, camera = make_site(door=(320, 180)), noise(320, 180)
    expected = np.rot90(camera[:, ::-1] if mirrored else camera, -quarter_turns)[:, :, 2::-1]
    height, width = expected.shape[:2]
    view = View(quarter_turns=quarter_turns, mirrored=mirrored)
    widget = shown(site, gui, (width + 20, height), camera, view)
    pixels = gui.pixels(widget)
    np.testing.assert_array_equal(pixels[:, 10:-10], expected)
    assert not pixels[:, :10].any()
    assert not pixels[:, -10:].any()
    widget.view = View("stretch", quarter_turns, mirrored, zoom=2, center=(0.25, 0.75))
    widget.resize(width, height)
    pixels = see(site, gui, widget, camera)
    (roi, size) = asked(site)[0]
    assert (roi, size) == ((0, 90, 160, 90), (320, 180))
    part = camera[90:, :160].repeat(2, axis=0).repeat(2, axis=1)
    expected = np.rot90(part[:, ::-1] if mirrored else part, -quarter_turns)[:, :, 2::-1]
    np.testing.assert_array_equal(pixels, expected)


def test_the_three_fits(gui, make_site):
    site, camera = make_site(door=(320, 180)), noise(320, 180)
    widget = shown(site, gui, (180, 180), camera)
    assert not gui.pixels(widget)[:39].any(), "all of the picture, with bars"
    widget.view = View("cover")
    pixels = see(site, gui, widget, camera)
    np.testing.assert_array_equal(pixels, camera[:, 70:250, 2::-1])
    widget.view = View("stretch")
    columns = np.arange(180) * 320 // 180
    np.testing.assert_array_equal(see(site, gui, widget, camera), camera[:, columns, 2::-1])


def test_what_is_there_is_shown_where_it_belongs_until_the_new_part_has_come(gui, make_site):
    site = make_site(door=(1280, 720))
    widget = VideoWidget(site.streams["door"])
    widget.resize(320, 180)
    widget.show()
    gui.play(site.streams["door"], widget)
    widget.zoom_by(2, QPointF(320, 180))
    assert set(map(tuple, gui.pixels(widget).reshape(-1, 3))) == {WHITE}
    widget.pan_by(160, 90)
    gui.turn()
    pixels = gui.pixels(widget)
    corners = [tuple(pixels[place]) for place in ((0, 0), (0, 319), (179, 0), (179, 319))]
    assert corners == [RED, GREEN, BLUE, WHITE]
    assert [tuple(pixels[89, 159]), tuple(pixels[90, 160])] == [RED, WHITE]


def test_what_has_not_come_yet_is_black(gui, make_site):
    site, camera = make_site(door=(1280, 720)), np.full((720, 1280, 4), 200, np.uint8)
    widget = shown(site, gui, (320, 180), camera, View(zoom=4))
    widget.reset_view()
    pixels = gui.pixels(widget)
    assert set(np.unique(pixels[68:112, 120:200])) == {200}
    pixels[67:113, 120:200] = 0
    assert not pixels.any()


def test_a_part_that_is_moved_stays_sharp_and_is_asked_for_now_and_then(gui, make_site):
    site, camera = make_site(door=(1280, 720)), noise(1280, 720)
    widget = shown(site, gui, (320, 180), camera, View(zoom=4))
    before, began = len(site.rings), time.monotonic()
    widget.pan_by(-101, 0)
    np.testing.assert_array_equal(gui.pixels(widget)[:, :200], camera[270:450, 581:781, 2::-1])
    views: list[object] = []
    widget.view_changed.connect(views.append)

    def beyond():
        widget.pan_by(1, 0)
        publish(site, camera)
        return any(request.width > 400 for request in site.rings)

    # While it moves on, what lies beyond the edges is read as well.
    gui.until(beyond)
    assert views[-1] is widget.view
    assert len(site.rings) - before <= (time.monotonic() - began) * 1000 / MOVED_MS + 1
    wanted = widget.view.place((1280, 720), (320, 180)).wanted
    see(site, gui, widget, camera)
    assert wanted.roi is not None
    assert wanted.roi[2:] == wanted.size, "pixel by pixel"


def test_a_part_that_never_comes_is_not_waited_for(gui, make_site):
    site, camera = make_site(door=(1280, 720)), noise(1280, 720)
    widget = shown(site, gui, (320, 180), camera, View(zoom=4))
    widget.pan_by(40, 0)
    gui.until(lambda: len(asked(site)) == 2)
    widget.pan_by(40, 0)
    gui.until(lambda: ((400, 270, 320, 180), (320, 180)) in asked(site), 2)
    assert len(asked(site)) == 2


def test_boxes_follow_the_view(gui, make_site):
    site, camera = make_site(door=(1280, 720)), np.zeros((720, 1280, 4), np.uint8)
    widget = shown(site, gui, (320, 180), camera, View(zoom=2, center=(1, 1), mirrored=True))
    widget.set_boxes([Box(900, 400, 100, 200, color="#ff00ff")])
    gui.turn()
    rows, columns = np.nonzero((gui.pixels(widget) == (255, 0, 255)).all(axis=2))
    # From 640 to 1280 px, half as large, and from the right.
    assert abs(columns.min() - (1280 - 1000) / 2) <= 1
    assert abs(columns.max() - (1280 - 900) / 2) <= 1
    assert abs(rows.min() - 20) <= 1
    assert abs(rows.max() - 120) <= 1


def test_a_view_before_there_is_a_picture_is_kept(gui, make_site):
    widget = VideoWidget()
    widget.resize(320, 180)
    widget.zoom_by(2)
    widget.pan_by(5, 5)
    assert widget.view == View()
    widget.rotate()
    widget.mirror()
    assert widget.view == View(quarter_turns=3, mirrored=True)
    site, camera = make_site(door=(180, 320)), noise(180, 320)
    widget.set_stream(site.streams["door"])
    widget.show()
    pixels = see(site, gui, widget, camera)
    np.testing.assert_array_equal(pixels, np.rot90(camera[:, ::-1], -3)[:, :, 2::-1])


def test_another_stream_is_shown_whole_and_as_it_comes(gui, make_site):
    site, camera = make_site(door=(1280, 720), yard=(640, 480)), noise(1280, 720)
    widget = shown(site, gui, (320, 180), camera, View("stretch", 1, mirrored=True, zoom=4))
    widget.set_stream(site.streams["yard"])
    assert widget.view == View("stretch")


@pytest.mark.parametrize("seed", range(3))
def test_whatever_happens_the_right_picture_is_shown_in_the_end(gui, make_site, seed):
    random = Random(seed)
    site, camera = make_site(door=(1280, 720)), noise(1280, 720)
    widget = shown(site, gui, (320, 180), camera)

    def look_elsewhere():
        parts = random.random(), random.random()
        turns, mirrored = random.randrange(4), random.random() < 0.5
        widget.view = View(random.choice(get_args(Fit)), turns, mirrored, 1 + 9 * random.random() ** 2, parts)

    def zoom():
        at = QPointF(random.random() * widget.width(), random.random() * widget.height())
        widget.zoom_by(random.choice([0.5, 0.9, 1.1, 3]), at)

    def drag():
        widget.pan_by(random.randrange(-200, 200), random.randrange(-200, 200))

    def resize():
        widget.resize(random.randrange(60, 700), random.randrange(40, 500))

    def go_away():
        widget.setVisible(not widget.isVisible())

    steps = [look_elsewhere, zoom, zoom, drag, drag, drag, resize, go_away, widget.rotate, widget.mirror]
    for _ in range(60):
        random.choice(steps)()
        if random.random() < 0.5:
            publish(site, camera)
        gui.turn()
    widget.show()
    pixels = see(site, gui, widget, camera)
    wanted, area, _, target = widget.view.place((1280, 720), (widget.width(), widget.height()))
    picture = read(camera, *wanted)[:, :, 2::-1]
    picture = picture[:, ::-1] if widget.view.mirrored else picture
    picture = np.rot90(picture, -widget.view.quarter_turns)
    expected = np.zeros_like(pixels)
    inside = picture[area.y - target.y :, area.x - target.x :][: area.height, : area.width]
    expected[area.y : area.y + area.height, area.x : area.x + area.width] = inside
    np.testing.assert_array_equal(pixels, expected)
