"""When widgets show pictures: real rings, real widgets, times that the test gives to the frames."""

import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import pytest
from tests.unit.qt.conftest import DrawnSite, Gui, player_of, quarters

from camgraph.qt import Fixed, InStep, Now, Smooth, VideoWall, VideoWidget
from camgraph.qt.video.layers import Canvas
from camgraph.qt.video.presentation import Hold
from camgraph.ring.frame import Frame
from camgraph.ring.writer import FrameMeta

MS = 1_000_000
SIZE = (64, 36)
FRAME_MS = 20


class Watcher:
    """A layer that notes which frames are painted, and when."""

    def __init__(self) -> None:
        self.painted: dict[int, int] = {}

    def paint(self, painter: object, canvas: Canvas) -> None:
        if canvas.picture is not None:
            frame: Frame = canvas.picture.frame
            self.painted.setdefault(frame.tag, time.monotonic_ns())


class Camera:
    """Publishes pictures into the rings of a stream, taken and sent at times that the test chooses."""

    def __init__(self, site: DrawnSite, stream: str) -> None:
        self.site, self.stream = site, stream
        self.sent: dict[int, int] = {}
        self.taken: dict[int, int] = {}

    def send(
        self, number: int, *, age_ms: float = 0, pts_ms: float | None = None, capture: bool = True
    ) -> None:
        now = time.monotonic_ns()
        self.sent[number], self.taken[number] = now, now - int(age_ms * MS)
        meta = FrameMeta(
            pts=None if pts_ms is None else round(pts_ms),
            time_base=Fraction(1, 1000),
            capture_ns=time.time_ns() - int(age_ms * MS) if capture else 0,
            arrival_ns=now,
            tag=number,
        )
        for request, ring in self.site.rings.items():
            if request.stream == self.stream:
                ring.publish([quarters(request.width, request.height)], meta)


@pytest.fixture
def open_widget(make_site: Any, gui: Gui) -> Iterator[Callable[..., tuple[VideoWidget, Camera, Watcher]]]:
    """Show a stream in a widget, with a presentation; return once it reads."""
    made = make_site(door=SIZE, yard=SIZE)
    widgets = []

    def open_widget(presentation: Any, stream: str = "door") -> tuple[VideoWidget, Camera, Watcher]:
        widget = VideoWidget(made.streams[stream])
        widgets.append(widget)
        widget.presentation = presentation
        watcher = Watcher()
        widget._scene.layers.append(watcher)
        widget.resize(*SIZE)
        widget.show()
        gui.until(lambda: made.readers(stream))
        return widget, Camera(made, stream), watcher

    yield open_widget
    for widget in widgets:
        widget.close()


def accounts(widget: VideoWidget) -> None:
    numbers = widget.statistics()
    lost = numbers.superseded + numbers.overdue + numbers.late + numbers.behind + numbers.dropped
    assert numbers.lost == lost
    assert numbers.published == numbers.shown + numbers.lost + numbers.waiting


def play(gui: Gui, count: int, send: Callable[[int], None], first: int = 1) -> None:
    """Have a frame sent every `FRAME_MS`."""
    began = time.monotonic()
    for number in range(count):
        due = began + number * FRAME_MS / 1000
        gui.until(lambda due=due: time.monotonic() >= due)  # type: ignore[misc]
        send(first + number)


@pytest.mark.parametrize("capture", [True, False])
def test_fixed_shows_each_picture_so_long_after_it_was_taken(gui, open_widget, capture) -> None:
    widget, camera, watcher = open_widget(Fixed(150))
    age_ms = 60 if capture else 0
    play(gui, 30, lambda number: camera.send(number, age_ms=age_ms, capture=capture))
    gui.until(lambda: 30 in watcher.painted)
    # The first one is shown at once: nothing moves without it.
    assert watcher.painted[1] < camera.taken[1] + 150 * MS
    # At 50 pictures a second there is not enough room at first.
    late = [at - camera.taken[number] - 150 * MS for number, at in watcher.painted.items() if number > 15]
    assert min(late) >= -MS
    assert sorted(late)[len(late) // 2] < 20 * MS
    assert widget.statistics().delay_ms == 150
    accounts(widget)


def test_now_shows_a_picture_at_once_and_needs_no_more_leases(gui, open_widget, make_site) -> None:
    widget, camera, watcher = open_widget(Now())
    assert isinstance(VideoWidget().presentation, Now)
    play(gui, 10, lambda number: camera.send(number, age_ms=500))
    gui.until(lambda: 10 in watcher.painted)
    delays = sorted(at - camera.sent[number] for number, at in watcher.painted.items())
    assert delays[len(delays) // 2] < 10 * MS
    assert (widget.statistics().delay_ms, widget.statistics().overdue) == (0, 0)


def test_smooth_evens_out_what_the_network_did(gui, open_widget) -> None:
    widget, camera, watcher = open_widget(Smooth(300))
    began = time.monotonic_ns()
    late_ms = [number * 11 % 20 for number in range(75)]

    def send(number: int) -> None:
        gui.until(lambda: time.monotonic_ns() >= began + (number * FRAME_MS + late_ms[number]) * MS)
        camera.send(number, pts_ms=1000 + number * FRAME_MS)

    for number in range(75):
        send(number)
    gui.until(lambda: 74 in watcher.painted)
    off = sorted(
        abs(watcher.painted[number + 1] - watcher.painted[number] - FRAME_MS * MS)
        for number in range(50, 74)
        if number in watcher.painted and number + 1 in watcher.painted
    )
    # By the network it would be 9 to 11 ms.
    assert off[len(off) // 2] < 6 * MS
    assert 10 <= widget.statistics().delay_ms <= 60
    assert list(watcher.painted) == sorted(watcher.painted)
    accounts(widget)


def test_a_stream_that_begins_anew_goes_on_at_once(gui, open_widget) -> None:
    widget, camera, watcher = open_widget(Smooth(300))
    play(gui, 20, lambda number: camera.send(number, pts_ms=3_600_000 + number * FRAME_MS))
    play(gui, 20, lambda number: camera.send(number, pts_ms=number * FRAME_MS), first=21)
    gui.until(lambda: 40 in watcher.painted)
    assert watcher.painted[40] - camera.sent[40] < 200 * MS
    assert list(watcher.painted) == sorted(watcher.painted)
    accounts(widget)


def test_what_is_overdue_with_a_newer_one_is_counted_and_the_newest_is_shown(gui, open_widget) -> None:
    widget, camera, watcher = open_widget(Fixed(50))
    camera.send(1)
    gui.until(lambda: 1 in watcher.painted)
    for number in range(2, 7):
        camera.send(number, age_ms=500)
    gui.until(lambda: 6 in watcher.painted)
    assert list(watcher.painted) == [1, 6]
    numbers = widget.statistics()
    assert (numbers.shown, numbers.overdue, numbers.superseded, numbers.shown_late) == (2, 4, 0, 1)
    camera.send(7)
    gui.until(lambda: 7 in watcher.painted)
    assert widget.statistics().shown_late <= 2
    accounts(widget)


def test_only_what_was_painted_counts_as_shown_late(gui, open_widget) -> None:
    widget, camera, watcher = open_widget(Fixed(0))
    camera.send(1)
    gui.until(lambda: 1 in watcher.painted)
    before, feed = widget.statistics(), player_of(widget)._shown
    assert feed is not None
    for number in (2, 3, 4):
        camera.send(number, age_ms=500)
        feed.take()
    gui.until(lambda: 4 in watcher.painted)
    now = widget.statistics()
    assert (now.shown - before.shown, now.shown_late - before.shown_late, now.superseded) == (1, 1, 2)
    accounts(widget)


def test_no_more_wait_than_there_is_room_for(gui, open_widget) -> None:
    widget, camera, watcher = open_widget(Fixed(200))
    for number in range(1, 41):
        camera.send(number)
        gui.turn()
    gui.until(lambda: widget.statistics().shown >= 30)
    assert widget.statistics().waiting <= 2 * 14 + 2
    gui.until(lambda: 40 in watcher.painted)
    accounts(widget)


def test_pictures_of_cameras_in_step_are_shown_together(gui, open_widget) -> None:
    together = InStep(400)
    widget, door, door_seen = open_widget(together)
    other, yard, yard_seen = open_widget(together, "yard")

    def send(number: int) -> None:
        door.send(number)
        if number > 5:
            # Taken when the other one's was; it came 100 ms later.
            yard.send(number - 5, age_ms=5 * FRAME_MS)

    play(gui, 45, send)
    gui.until(lambda: 40 in yard_seen.painted and 40 in door_seen.painted)
    apart = [
        abs(door_seen.painted[number] - yard_seen.painted[number])
        for number in range(25, 41)
        if number in door_seen.painted and number in yard_seen.painted
    ]
    assert len(apart) >= 8
    assert sorted(apart)[len(apart) // 2] < FRAME_MS * MS / 2
    assert widget.statistics().delay_ms >= 90

    other.hide()
    play(gui, 60, door.send, first=46)
    assert widget.statistics().delay_ms <= 60


def test_nothing_is_seen_moving_backwards_when_a_clock_is_set(gui, open_widget) -> None:
    widget, camera, watcher = open_widget(Fixed(150))
    play(gui, 4, camera.send)
    for number in range(5, 9):
        camera.send(number, age_ms=3_600_000)
    gui.until(lambda: 8 in watcher.painted)
    assert list(watcher.painted) == sorted(watcher.painted)
    assert watcher.painted[8] >= camera.sent[4] + 149 * MS
    accounts(widget)


def test_what_waits_for_as_long_as_silence_takes_to_be_told_is_shown(gui, open_widget) -> None:
    widget, camera, watcher = open_widget(Fixed(2000))
    camera.send(1)
    gui.until(lambda: 1 in watcher.painted)
    camera.send(2)
    gui.until(lambda: 2 in watcher.painted)
    assert watcher.painted[2] >= camera.sent[2] + 1999 * MS
    assert widget.statistics().dropped == 0


def test_what_waits_is_given_back_when_the_widget_is_hidden(gui, open_widget) -> None:
    widget, camera, watcher = open_widget(Fixed(1000))
    play(gui, 5, camera.send)
    gui.until(lambda: widget.statistics().waiting == 4)
    widget.hide()
    numbers = widget.statistics()
    assert (numbers.published, numbers.shown, numbers.dropped, numbers.waiting) == (5, 1, 4, 0)
    assert not camera.site.readers("door")
    widget.show()
    gui.until(lambda: camera.site.readers("door"))
    camera.send(9)
    gui.until(lambda: 9 in watcher.painted)
    accounts(widget)


def test_what_waits_is_given_back_when_the_stream_is_lost(gui, open_widget) -> None:
    widget, camera, _ = open_widget(Fixed(1000))
    play(gui, 5, camera.send)
    gui.until(lambda: widget.statistics().waiting == 4)
    camera.site.status("door", "stalled")
    gui.until(lambda: widget.statistics().waiting == 0)
    assert widget.statistics().dropped == 4
    accounts(widget)


def test_the_presentation_can_be_changed_while_pictures_come(gui, open_widget) -> None:
    widget, camera, _ = open_widget(Now())
    number = 0

    def send(number: int) -> None:
        camera.site.serve()
        camera.send(number, pts_ms=number * FRAME_MS)

    for presentation in (Smooth(100), Fixed(100), Fixed(20), InStep(), Now()):
        widget.presentation = presentation
        assert widget.presentation is presentation
        shown = widget.statistics().shown
        # The reader that is there goes when another one has a picture.
        for _ in range(50):
            play(gui, 5, send, first=number + 1)
            number += 5
            if widget.statistics().shown > shown and sum(camera.site.readers("door").values()) == 1:
                break
        else:
            raise AssertionError(f"{presentation} shows nothing, or keeps a reader")
        accounts(widget)
    assert player_of(widget).delay_ms == 0


def test_pictures_go_on_until_those_of_another_presentation_are_there(gui, open_widget) -> None:
    # The timestamps of some devices are those of the wall clock.
    widget, camera, watcher = open_widget(Smooth())
    wall_ms = time.time_ns() // MS
    play(gui, 30, lambda number: camera.send(number, pts_ms=wall_ms + number * FRAME_MS))
    # No new ring comes for a while.
    gui.serving.remove(camera.site)
    widget.presentation = Now()
    play(gui, 20, lambda number: camera.send(number, pts_ms=wall_ms + number * FRAME_MS), first=31)
    gui.until(lambda: 48 in watcher.painted)
    gui.serving.append(camera.site)
    gui.until(lambda: camera.site.show("door") and widget.statistics().delay_ms == 0)
    accounts(widget)


def test_what_is_due_when_the_site_is_gone_is_counted(gui, open_widget) -> None:
    widget, camera, watcher = open_widget(Fixed(0))
    camera.send(1)
    gui.until(lambda: 1 in watcher.painted)
    for number in (2, 3, 4):
        camera.send(number)
    gui.serving.remove(camera.site)
    camera.site._listener.close()
    camera.site.media_dies()
    gui.until(lambda: player_of(widget).message.state == "not available")
    gui.serving.append(camera.site)
    assert widget.statistics().published == 4
    accounts(widget)


@pytest.mark.parametrize("presentation", [Now(), Smooth(100)])
def test_pictures_are_held_for_who_has_something_to_say(gui, open_widget, presentation) -> None:
    widget, camera, watcher = open_widget(presentation)
    hold = Hold(300)
    widget._scene.hold = hold
    gui.until(lambda: camera.site.serve() or player_of(widget)._coming is None or camera.site.readers("door"))
    hold.needed_ms = 60
    play(gui, 60, lambda number: camera.send(number, pts_ms=number * FRAME_MS))
    gui.until(lambda: 60 in watcher.painted)
    held = [watcher.painted[n] - camera.sent[n] for n in range(45, 61) if n in watcher.painted]
    assert len(held) >= 10
    assert min(held) >= 58 * MS
    assert sorted(held)[len(held) // 2] < 120 * MS
    hold.needed_ms = 1000
    assert hold.needed_ms == 300


def test_what_is_no_presentation_is_refused(gui) -> None:
    for make in (Smooth, Fixed, InStep, Hold):
        with pytest.raises(ValueError, match="to 2000 ms, not 2001"):
            make(2001)
    with pytest.raises(ValueError, match="delay_ms is 0 to 2000 ms, not -1"):
        Fixed(-1)
    with pytest.raises(TypeError, match=r"Now\(\), Smooth\(\), Fixed\(\) or InStep\(\), not 'smooth'"):
        VideoWidget().presentation = "smooth"  # type: ignore[assignment]
    assert InStep() != InStep()
    assert Smooth() == Smooth(500)


def test_all_tiles_of_a_wall_have_its_presentation_and_those_that_come(gui, make_site) -> None:
    site = make_site(door=SIZE, yard=SIZE, hall=SIZE)
    wall = VideoWall([site.streams["door"], site.streams["yard"]])
    together = InStep()
    wall.presentation = together
    wall["yard"].dropped.emit(site.streams["hall"], None)
    assert wall.order == ("door", "hall")
    assert {tile.presentation for tile in wall} == {together}
    with pytest.raises(TypeError):
        wall.presentation = "in step"  # type: ignore[assignment]
    assert wall.presentation is together
