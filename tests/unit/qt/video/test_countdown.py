"""The time to the next attempt, as a widget tells it."""

import time

from qtpy.QtCore import QObject, QTimer
from tests.unit.qt.conftest import player_of

from camgraph.qt import VideoWidget

SENTENCE = "The camera closed the connection."


def gone(site, gui, seconds: float) -> VideoWidget:
    widget = VideoWidget(site.streams["door"])
    widget.resize(320, 180)
    site.status(
        "door",
        "backing_off",
        sentence=f"{SENTENCE} Next attempt in 28 s.",
        next_attempt_ns=time.monotonic_ns() + round(seconds * 1e9),
    )
    widget.show()
    gui.settle()
    return widget


def counting(widget: QObject) -> bool:
    """Whether a timer runs for the second that comes next."""
    return any(
        timer.isActive() and timer.isSingleShot() and 0 < timer.remainingTime() <= 1001
        for timer in widget.findChildren(QTimer)
    )


def test_the_next_attempt_is_counted_down_to_its_time(gui, make_site):
    site = make_site(door=(1280, 720))
    widget = gone(site, gui, 1.3)
    told: list[str] = []
    widget._scene.changed.connect(lambda: told.append(player_of(widget).message.sentence))
    before = gui.pixels(widget)
    assert player_of(widget).message.sentence == f"{SENTENCE} Next attempt in 2 s."
    gui.until(lambda: told[-1:] == [f"{SENTENCE} Trying again now."])
    assert told[:-1] in ([], [f"{SENTENCE} Next attempt in 1 s."]), "once a second"
    gui.settle()
    assert (gui.pixels(widget) != before).any()
    assert not counting(widget)


def test_nothing_counts_for_a_widget_that_nobody_sees_or_a_picture(gui, make_site):
    site = make_site(door=(1280, 720))
    widget = gone(site, gui, 100.2)
    assert counting(widget)
    gui.until(lambda: "in 100 s" in player_of(widget).message.sentence)
    widget.hide()
    gui.until(lambda: not counting(widget))
    widget.show()
    gui.settle()
    assert counting(widget)
    site.status("door")
    gui.play(site.streams["door"], widget)
    gui.until(lambda: not counting(widget))
