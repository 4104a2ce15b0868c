"""Messages of processes as Qt signals: order, threads, and the end of the one QThread."""

import os
import select
import sys
import threading
import time
from functools import partial

import pytest
from qtpy.QtCore import QObject, Qt, QTimer
from qtpy.QtWidgets import QDialog
from tests.unit.qt.played_back import Back, Detector, Mended, qthreads

import camgraph as cg
from camgraph.qt import signals
from camgraph.qt.messages import thread as message_thread
from camgraph.qt.messages.emitter import MAX_UNEMITTED
from camgraph.testing.waiting import wait_until


class Clashing(cg.MessageProcess):
    destroyed = cg.message(by=str)


def no_qthread_is_left():
    """Wait, without any help of the event loop, until the kernel lists no thread of messages."""
    deadline = time.monotonic() + 5
    while qthreads():
        assert time.monotonic() < deadline


def test_fields_come_in_order_in_the_guis_thread_and_as_they_were_sent(gui, spawn):
    back = spawn()
    heard: list[object] = []
    signals(back.front).moved.connect(
        lambda stream, score: heard.append((stream, score, threading.current_thread()))
    )
    signals(back.front).counted.connect(lambda by_class: heard.append(by_class))
    signals(back.front).began.connect(lambda: heard.append("began"))
    back.emit("began")
    for number in range(100):
        back.emit("moved", "door", number)
    back.emit("counted", {7: "cars", "big": 2**70})
    gui.until(lambda: len(heard) == 102)
    main = threading.main_thread()
    expected = [("door", number, main) for number in range(100)]
    assert heard == ["began", *expected, {7: "cars", "big": 2**70}]
    assert qthreads() == 1


def test_slots_of_objects_are_called_however_they_are_connected(gui, spawn):
    class Window(QObject):
        def __init__(self):
            super().__init__()
            self.heard = []

        def on_moved(self, stream, score):
            self.heard.append((stream, score))

    back, window = spawn(), Window()
    sender = signals(back.front)
    sender.moved.connect(window.on_moved)
    sender.moved.connect(window.on_moved, Qt.ConnectionType.DirectConnection)
    back.emit("moved", "door", 1.5)
    gui.until(lambda: len(window.heard) == 2)
    assert window.heard == [("door", 1.5)] * 2


def test_the_same_process_gives_the_same_object_and_others_their_own(gui, spawn):
    first, second = spawn(), spawn()
    assert signals(first.front) is signals(first.front)
    assert signals(first.front) is not signals(second.front)
    assert type(signals(first.front)) is type(signals(second.front))
    gui.until(lambda: qthreads() == 1)


def test_the_signals_tell_the_names_of_their_fields(gui, spawn):
    meta = signals(spawn().front).metaObject()
    found = {bytes(meta.method(i).name().data()).decode(): meta.method(i) for i in range(meta.methodCount())}
    names = [bytes(name.data()).decode() for name in found["moved"].parameterNames()]
    assert names == ["stream", "score"]
    assert {"failed", "exited", "counted", "began"} <= set(found)


def test_what_came_between_asking_and_connecting_is_heard(gui, spawn):
    back, heard = spawn(), []
    sender = signals(back.front)
    back.emit("moved", "door", 1.0)
    back.end(-9)
    deadline = time.monotonic() + 5
    while back.front.alive:
        assert time.monotonic() < deadline
    sender.moved.connect(lambda *fields: heard.append(fields))
    sender.exited.connect(heard.append)
    gui.until(lambda: len(heard) == 2)
    assert heard == [("door", 1.0), "signal SIGKILL"]


def test_failures_and_ends_are_signals(gui, spawn):
    back, heard = spawn(), []
    sender = signals(back.front)
    sender.failed.connect(lambda error: heard.append(error.summary))
    sender.exited.connect(heard.append)
    back.fail("ValueError: no model")
    back.end(1)
    gui.until(lambda: len(heard) == 2)
    assert heard == ["ValueError: no model", "exit code 1: ValueError: no model"]
    assert back.front.exit == heard[1]


def test_a_restart_is_a_signal_and_all_go_on_in_the_same_thread(gui, spawn):
    back, heard = spawn(Mended), []
    sender = signals(back.front)
    sender.moved.connect(lambda stream, score: heard.append(score))
    sender.restarted.connect(heard.append)
    sender.exited.connect(heard.append)
    for number in range(3):
        back.emit("moved", "door", number)
        back.start_again(f"exit code {number + 1}")
    back.emit("moved", "door", 3)
    gui.until(lambda: len(heard) == 7)
    assert heard == [0, "exit code 1", 1, "exit code 2", 2, "exit code 3", 3]
    assert signals(back.front) is sender
    assert qthreads() == 1
    back.end(0)
    gui.until(lambda: heard[-1] == "exit code 0")


def test_a_process_that_has_ended_before_still_tells_so(gui, spawn):
    back = spawn()
    heard: list[object] = []
    back.end(3)
    gui.until(lambda: not back.front.alive)
    signals(back.front).exited.connect(heard.append)
    gui.until(lambda: heard)
    assert heard == ["exit code 3"]
    assert qthreads() == 0


def test_the_object_needs_no_keeping_and_goes_with_the_process(gui, spawn):
    back, heard = spawn(), []
    signals(back.front).moved.connect(lambda stream, score: heard.append(score))
    signals(back.front).exited.connect(heard.append)
    back.emit("moved", "door", 1.0)
    gui.until(lambda: heard)
    back.end()
    gui.until(lambda: heard == [1.0, "exit code 0"])


def test_an_exception_in_a_slot_stops_neither_others_nor_the_rest(gui, spawn, monkeypatch):
    back, heard, raised = spawn(), [], []
    # PyQt6 aborts the program where there is no hook.
    monkeypatch.setattr(sys, "excepthook", lambda kind, error, trace: raised.append(str(error)))

    def bad(stream, score):
        raise ValueError("a slot's own mistake")

    signals(back.front).moved.connect(bad)
    signals(back.front).moved.connect(lambda stream, score: heard.append(score))
    back.emit("moved", "door", 1.0)
    back.emit("moved", "door", 2.0)
    gui.until(lambda: heard == [1.0, 2.0])
    assert raised == ["a slot's own mistake"] * 2


def test_messages_go_on_while_a_slot_runs_a_dialog(gui, spawn):
    back, heard, dialog = spawn(), [], QDialog()

    def on_began():
        QTimer.singleShot(5000, dialog.reject)
        dialog.exec()

    def on_moved(stream, score):
        heard.append(score)
        dialog.accept()

    signals(back.front).began.connect(on_began)
    signals(back.front).moved.connect(on_moved)
    back.emit("began")
    back.emit("moved", "door", 1.0)
    gui.until(lambda: heard)
    assert dialog.result() == QDialog.DialogCode.Accepted.value


def test_the_thread_ends_with_the_last_process_and_starts_again(gui, spawn):
    first, second = spawn(), spawn()
    signals(first.front), signals(second.front)
    first.end()
    gui.until(lambda: not first.front.alive)
    assert qthreads() == 1
    second.end()
    no_qthread_is_left()
    third, heard = spawn(), []
    signals(third.front).moved.connect(lambda *fields: heard.append(fields))
    third.emit("moved", "door", 1.0)
    gui.until(lambda: heard)


def test_a_hundred_processes_leave_no_thread_and_no_descriptor(gui, spawn, home):
    def cycle():
        back, heard = Back(Detector, home), []
        signals(back.front).moved.connect(lambda stream, score: heard.append(score))
        signals(back.front).exited.connect(heard.append)
        back.emit("moved", "door", 1.0)
        gui.until(lambda: heard)
        back.end()
        gui.until(lambda: len(heard) == 2)
        gui.until(lambda: qthreads() == 0)
        gui.settle()

    cycle()
    descriptors = len(os.listdir("/proc/self/fd"))
    threads = len(os.listdir("/proc/self/task"))
    for _ in range(100):
        cycle()
    assert len(os.listdir("/proc/self/fd")) == descriptors
    assert len(os.listdir("/proc/self/task")) == threads
    hub = message_thread.MessageHub.of(gui.app)
    assert not hub._ending
    assert not hub._home


def test_quitting_ends_the_thread_and_the_messages_still_arrive(gui, spawn):
    back, heard = spawn(), []
    signals(back.front).moved.connect(lambda stream, score: heard.append(score))
    QTimer.singleShot(0, gui.app.quit)
    gui.app.exec()
    no_qthread_is_left()
    back.emit("moved", "door", 1.0)
    gui.until(lambda: heard == [1.0])
    assert qthreads() == 0


def test_names_that_qt_needs_itself_are_refused(gui, spawn):
    with pytest.raises(ValueError, match="'destroyed' can't be a Qt signal"):
        signals(spawn(Clashing).front)


def test_another_thread_is_refused(gui, spawn):
    back, errors = spawn(), []

    def ask():
        try:
            signals(back.front)
        except RuntimeError as error:
            errors.append(str(error))

    asker = threading.Thread(target=ask)
    asker.start()
    asker.join()
    assert errors == ["signals() belongs to the thread of the GUI; call it there"]


def test_a_program_dispatches_itself_when_qt_has_stopped_and_not_before(spawn, gui):
    back = spawn()
    heard = []
    signals(back.front).moved.connect(lambda stream, score: heard.append(score))
    threads = set()
    back.front.moved.connect(lambda stream, score: threads.add(threading.get_ident()))
    with pytest.raises(RuntimeError, match="Qt serves this process"):
        back.front.dispatch()
    message_thread.MessageHub.of(gui.app).stop()
    descriptor = back.front.fileno()
    back.emit("moved", "door", 1.0)
    while not threads:
        assert select.select([descriptor], [], [], 5)[0]
        back.front.dispatch()
    gui.until(lambda: heard == [1.0])
    assert threads == {threading.get_ident()}
    back.end()
    assert back.front.wait(5) == "exit code 0"


def test_signals_take_over_from_a_program_that_dispatches_no_more(spawn, gui):
    back = spawn()
    back.front.fileno()
    heard = []
    signals(back.front).moved.connect(lambda stream, score: heard.append(score))
    back.emit("moved", "door", 1.0)
    gui.until(lambda: heard == [1.0])


def test_what_a_busy_gui_does_not_take_is_counted_and_the_end_is_told_all_the_same(gui, spawn, home):
    back, heard = spawn(), []
    signals(back.front).moved.connect(lambda stream, score: heard.append(score))
    signals(back.front).exited.connect(heard.append)
    back.channel.attach(home, lambda: None)
    for number in range(MAX_UNEMITTED + 500):
        # The GUI does nothing meanwhile.
        wait_until(partial(back.send, "moved", "door", number))
    wait_until(lambda: back.front._tally.received == MAX_UNEMITTED + 500)
    back.end()
    wait_until(lambda: not back.front.alive)
    gui.until(lambda: len(heard) == MAX_UNEMITTED + 1)
    assert heard == [*range(MAX_UNEMITTED), "exit code 0"]
    assert back.front.statistics().lost == 500
