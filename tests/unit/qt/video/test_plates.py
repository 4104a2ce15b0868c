"""The stream's name and its numbers, over the picture."""

import numpy as np
from tests.unit.qt.conftest import DrawnSite, Gui

from camgraph.control.messages import StreamStatus
from camgraph.qt import VideoWidget
from camgraph.qt.video.panel import lines_of
from camgraph.qt.video.statistics import FrameCounts, PaintedCounter

MS = 1_000_000


def black(width, height):
    return np.zeros((height, width, 4), np.uint8)


def shown(site: DrawnSite, gui: Gui, size: tuple[int, int] = (640, 360)) -> VideoWidget:
    widget = VideoWidget(site.streams["door"])
    widget.resize(*size)
    widget.show()
    gui.play(site.streams["door"], widget, black)
    return widget


def inked(gui: Gui, widget: VideoWidget) -> tuple[slice, slice] | None:
    """The rows and columns that have letters; None: no pixel has."""
    letters = gui.pixels(widget).min(axis=2) > 200
    rows, columns = np.flatnonzero(letters.any(axis=1)), np.flatnonzero(letters.any(axis=0))
    return (slice(rows[0], rows[-1]), slice(columns[0], columns[-1])) if len(rows) else None


def test_the_name_stands_at_the_bottom_left_while_there_is_a_picture(gui, make_site):
    site = make_site(door=(1280, 720))
    widget = shown(site, gui)
    assert not widget.name_shown
    assert inked(gui, widget) is None
    widget.name_shown = widget.name_shown = True
    gui.play(site.streams["door"], widget, black)
    place = inked(gui, widget)
    assert place is not None
    rows, columns = place
    assert rows.start > 335
    assert rows.stop < 360
    assert columns.start < 10
    assert 15 < columns.stop < 60, "four letters"
    site.status("door", "stopped")
    gui.settle()
    assert not (gui.pixels(widget)[340:, :60] > 200).any(), "the message has the name"
    site.status("door")
    gui.play(site.streams["door"], widget, black)
    widget.name_shown = False
    gui.settle()
    assert inked(gui, widget) is None


def test_the_name_follows_the_stream(gui, make_site):
    site = make_site(door=(1280, 720), a_much_longer_name_of_a_camera=(1280, 720))
    widget = shown(site, gui)
    widget.name_shown = True
    gui.turn()
    before = inked(gui, widget)
    widget.set_stream(site.streams["a_much_longer_name_of_a_camera"])
    gui.play(site.streams["a_much_longer_name_of_a_camera"], widget, black)
    after = inked(gui, widget)
    assert before is not None
    assert after is not None
    assert after[1].stop > 3 * before[1].stop


def test_numbers_stand_at_the_top_left_and_follow_twice_a_second(gui, make_site):
    site = make_site(door=(1280, 720))
    widget = shown(site, gui)
    widget.statistics_shown = True
    gui.turn()
    place = inked(gui, widget)
    assert place is not None
    assert place[0].start < 10
    assert place[0].stop > 40, "several lines"
    before = gui.pixels(widget)[:100, :300]

    def differs() -> bool:
        gui.play(site.streams["door"], widget, black)
        return bool((gui.pixels(widget)[:100, :300] != before).any())

    gui.until(differs)
    widget.statistics_shown = False
    gui.settle()
    assert inked(gui, widget) is None


def test_what_does_not_fit_is_left_out(gui, make_site):
    site = make_site(door=(1280, 720))
    widget = shown(site, gui, (48, 27))
    widget.statistics_shown = widget.name_shown = True
    gui.play(site.streams["door"], widget, black)
    widget.resize(16, 9)
    gui.play(site.streams["door"], widget, black)


def test_numbers_in_words():
    counter = PaintedCounter()
    for number in range(10):
        painted = number * 40 * MS + 12 * MS
        counter.count((640, 360), number * 40 * MS, painted, painted - 20 * MS if number < 4 else painted)
    counts = FrameCounts(published=16, superseded=3, behind=2, overdue=1)
    status = StreamStatus(stream="door", state="degraded", codec="h264", width=1280, height=720, loss=0.031)
    assert lines_of(counter.statistics(counts, 40.2), status, 24.96) == (
        "h264 1280×720, 3.1 % of the packets lost",
        "shown at 640×360, 25.0 fps",
        "12 ms old, p99 12 ms, held 40 ms",
        "10 shown, 4 of them late, 6 lost",
        "superseded 3, overdue 1, behind 2",
    )
    nothing = PaintedCounter().statistics(FrameCounts())
    assert lines_of(nothing, StreamStatus(stream="door", state="live"), None)[-1] == "0 shown, 0 lost"
