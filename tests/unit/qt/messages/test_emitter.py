"""What any thread posts is called in the GUI's: in order, in turn, and never for too long at once."""

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from qtpy.QtCore import QCoreApplication, QEvent, QEventLoop, QTimer
from qtpy.QtWidgets import QDialog

from camgraph.qt.messages.emitter import Emitter, Mailbox


@pytest.fixture
def emitter(gui):
    made = Emitter(gui.app)
    yield made
    made.deleteLater()
    gui.delete_later()


def test_one_that_floods_delays_nobody_but_itself(gui, emitter):
    called: list[str] = []
    flood, quiet = Mailbox(), Mailbox()
    for number in range(4000):
        emitter.post(flood, called.append, (f"flood {number}",))
    emitter.post(quiet, called.append, ("quiet 0",))
    emitter.post(quiet, called.append, ("quiet 1",))
    gui.until(lambda: len(called) == 4002)
    assert called[:4] == ["flood 0", "quiet 0", "flood 1", "quiet 1"]
    assert called[4:] == [f"flood {number}" for number in range(2, 4000)]


def test_the_gui_has_its_turn_however_much_there_is_to_call(gui, emitter):
    ticks, called = [], 0
    box = Mailbox()

    def slow_slot():
        nonlocal called
        called += 1
        until_ns = time.monotonic_ns() + 1_000_000
        while time.monotonic_ns() < until_ns:
            pass

    for _ in range(100):
        emitter.post(box, slow_slot, ())
    timer = QTimer()
    timer.setInterval(0)
    timer.timeout.connect(lambda: ticks.append(called))
    timer.start()
    gui.until(lambda: called == 100)
    timer.stop()
    # 2 ms at once: three calls of 1 ms at most; two such turns in each of the gui fixture's.
    between = [later - earlier for earlier, later in zip([0, *ticks], ticks, strict=False)]
    assert max(between) <= 6
    assert len(ticks) >= 16


def test_the_rest_is_called_while_a_slot_runs_a_dialog(gui, emitter):
    called: list[str] = []
    dialog = QDialog()
    QTimer.singleShot(5000, dialog.reject)
    box, other = Mailbox(), Mailbox()

    def ask():
        called.append("asks")
        dialog.exec()
        called.append("has the answer")

    emitter.post(box, ask, ())
    emitter.post(box, called.append, ("next",))
    emitter.post(other, dialog.accept, ())
    gui.until(lambda: len(called) == 3)
    assert called == ["asks", "next", "has the answer"]
    assert dialog.result() == QDialog.DialogCode.Accepted.value


def test_an_exception_holds_nothing_up(gui, emitter, monkeypatch):
    raised: list[object] = []
    called: list[int] = []
    # PyQt6 aborts the program where there is no hook.
    monkeypatch.setattr("sys.excepthook", lambda kind, error, trace: raised.append(kind))
    box = Mailbox()
    for number in range(3):
        emitter.post(box, int, ("no number",))
        emitter.post(box, called.append, (number,))
    gui.until(lambda: called == [0, 1, 2])
    assert raised == [ValueError] * 3


def test_nothing_is_lost_between_threads(gui, emitter):
    heard: dict[int, list[int]] = {number: [] for number in range(4)}

    def post(number):
        box = Mailbox()
        for count in range(2000):
            emitter.post(box, heard[number].append, (count,))

    threads = [threading.Thread(target=post, args=(number,)) for number in heard]
    for thread in threads:
        thread.start()
    gui.until(lambda: all(len(counts) == 2000 for counts in heard.values()), 20)
    for thread in threads:
        thread.join()
    assert all(counts == list(range(2000)) for counts in heard.values())


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=40))
def test_each_mailbox_keeps_its_order(application, posted):
    """Whether it is posted before, while others are called, or collected."""
    emitter, boxes = Emitter(application), [Mailbox() for _ in range(4)]
    heard: list[tuple[int, int]] = []
    for number, (box, collected) in enumerate(posted):
        post = lambda box=box, number=number: emitter.post(boxes[box], heard.append, ((box, number),))  # noqa: E731
        emitter.collect(post) if collected else post()
    while len(heard) < len(posted):
        QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents)
    for box in range(4):
        assert [n for b, n in heard if b == box] == [n for n, (b, _) in enumerate(posted) if b == box]
    emitter.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
