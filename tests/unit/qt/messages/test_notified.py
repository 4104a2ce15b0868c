"""Messages of processes as Qt signals without a thread: the event loop of the GUI hears them."""

import gc
import os
import select
import threading
import time
import weakref

import pytest
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QDialog
from tests.unit.qt.played_back import Back, Detector, Mended, qthreads

from camgraph.qt import signals
from camgraph.qt.messages import thread as message_thread
from camgraph.testing.waiting import wait_until


def here(back):
    return signals(back.front, notifier=True)


def test_signals_come_in_order_in_the_guis_thread_and_there_is_no_other(gui, spawn):
    back, heard = spawn(), []
    threads = len(os.listdir("/proc/self/task"))
    here(back).moved.connect(lambda stream, score: heard.append((score, threading.current_thread())))
    for number in range(200):
        back.emit("moved", "door", number)
    gui.until(lambda: len(heard) == 200)
    assert heard == [(number, threading.main_thread()) for number in range(200)]
    assert len(os.listdir("/proc/self/task")) == threads


def test_the_same_object_whoever_asks_unless_it_is_another_way(gui, spawn):
    first, second = spawn(), spawn()
    assert here(first) is here(first) is signals(first.front)
    with pytest.raises(RuntimeError, match="Detector-1 is heard by a notifier: say so in the first call"):
        signals(first.front, notifier=False)
    assert signals(second.front) is signals(second.front, notifier=False)
    with pytest.raises(RuntimeError, match="Detector-1 is heard by the thread"):
        here(second)
    gui.until(lambda: qthreads() == 1)


def test_both_ways_side_by_side(gui, spawn):
    one, other, heard = spawn(), spawn(), []
    here(one).moved.connect(lambda stream, score: heard.append(stream))
    signals(other.front).moved.connect(lambda stream, score: heard.append(stream))
    one.emit("moved", "here", 1.0)
    other.emit("moved", "thread", 1.0)
    gui.until(lambda: sorted(heard) == ["here", "thread"])
    other.end()
    gui.until(lambda: qthreads() == 0)
    one.emit("moved", "here", 1.0)
    gui.until(lambda: len(heard) == 3)


def test_a_dialog_in_a_callback_has_the_processor_for_itself(gui, spawn):
    back, heard, used_s = spawn(), [], []

    def show_dialog(stream, score):
        heard.append(score)
        if len(heard) == 1:
            dialog = QDialog()
            QTimer.singleShot(500, dialog.accept)
            before_s = time.process_time()
            dialog.exec()
            used_s.append(time.process_time() - before_s)

    back.front.moved.connect(show_dialog)
    here(back)
    for number in range(10):
        back.emit("moved", "door", number)
    gui.until(lambda: len(heard) == 10)
    assert heard == list(range(10))
    assert used_s[0] < 0.25


def test_what_came_between_asking_and_connecting_is_heard(gui, spawn):
    back, heard = spawn(), []
    sender = here(back)
    back.emit("moved", "door", 1.0)
    back.end(-9)
    sender.moved.connect(lambda *fields: heard.append(fields))
    sender.exited.connect(heard.append)
    gui.until(lambda: len(heard) == 2)
    assert heard == [("door", 1.0), "signal SIGKILL"]


def test_restarts_and_failures_in_order_with_the_same_descriptor(gui, spawn):
    back = spawn(Mended)
    heard: list[object] = []
    sender = here(back)
    descriptor = back.front.fileno()
    sender.moved.connect(lambda stream, score: heard.append(score))
    sender.failed.connect(lambda error: heard.append(error.summary))
    sender.restarted.connect(heard.append)
    sender.exited.connect(heard.append)
    for number in range(3):
        back.emit("moved", "door", number)
        back.fail(f"ValueError: {number}")
        back.start_again(f"exit code {number + 2}")
    back.emit("moved", "door", 3)
    gui.until(lambda: len(heard) == 10)
    told = [[n, f"ValueError: {n}", f"exit code {n + 2}"] for n in range(3)]
    assert heard == [*told[0], *told[1], *told[2], 3]
    assert back.front.fileno() == descriptor
    back.end(0)
    gui.until(lambda: heard[-1] == "exit code 0")


def test_a_process_that_has_ended_before_still_tells_so(gui, spawn):
    back = spawn()
    heard: list[str] = []
    back.end(3)
    gui.until(lambda: not back.front.alive)
    here(back).exited.connect(heard.append)
    gui.until(lambda: heard == ["exit code 3"])


def test_all_messages_come_while_a_slot_runs_a_dialog(gui, spawn):
    back, dialog = spawn(), QDialog()
    heard: list[object] = []
    later = threading.Thread(target=lambda: (wait_until(lambda: 20 in heard), back.emit("moved", "", 21)))

    def on_began():
        QTimer.singleShot(5000, dialog.reject)
        dialog.exec()
        heard.append("dialog")

    def on_moved(stream, score):
        heard.append(score)
        if score == 21:
            dialog.accept()

    here(back).began.connect(on_began)
    here(back).moved.connect(on_moved)
    back.emit("began")
    for number in range(21):
        back.emit("moved", "door", number)
    later.start()
    gui.until(lambda: "dialog" in heard)
    later.join()
    assert heard == [*range(22), "dialog"]
    assert dialog.result() == QDialog.DialogCode.Accepted.value


def test_a_flood_waits_in_its_socket_until_the_slots_have_taken_it(gui, spawn, home):
    back, heard = spawn(), []

    def slow(stream, score):
        heard.append(score)
        # What was read and not emitted yet is one batch at most.
        assert back.front._tally.received - len(heard) < 64

    here(back).moved.connect(slow)
    back.channel.attach(home, lambda: None)
    for number in range(1000):
        back.emit("moved", "door", number)
    gui.until(lambda: len(heard) == 1000)
    assert heard == list(range(1000))


def test_its_end_lets_go_of_the_descriptor_and_of_the_process(gui, spawn, home):
    def cycle():
        back, heard = Back(Detector, home), []
        here(back).moved.connect(lambda stream, score: heard.append(score))
        here(back).exited.connect(heard.append)
        back.emit("moved", "door", 1.0)
        back.end()
        gui.until(lambda: len(heard) == 2)
        gone = weakref.ref(back.front)
        gui.delete_later()
        return gone

    assert cycle()
    gc.collect()
    descriptors = len(os.listdir("/proc/self/fd"))
    fronts = [cycle() for _ in range(20)]
    gc.collect()
    assert [front() for front in fronts] == [None] * 20
    assert len(os.listdir("/proc/self/fd")) == descriptors
    assert not message_thread.MessageHub.of(gui.app)._notifiers


def test_a_program_may_delete_the_object(gui, spawn):
    back = spawn()
    here(back).deleteLater()
    gui.delete_later()
    back.emit("moved", "door", 1.0)
    gui.until(lambda: back.front._tally.received == 1)
    back.end()
    gui.until(lambda: not back.front.alive)
    gui.until(lambda: not message_thread.MessageHub.of(gui.app)._notifiers)


def test_when_qt_stops_the_sites_thread_serves_again(gui, spawn):
    back, heard = spawn(), []
    here(back).moved.connect(lambda stream, score: heard.append(score))
    QTimer.singleShot(0, gui.app.quit)
    gui.app.exec()
    back.emit("moved", "door", 1.0)
    wait_until(lambda: back.front._tally.received == 1)
    gui.until(lambda: heard == [1.0])


def test_a_program_that_dispatched_before_does_so_again_when_qt_stops(gui, spawn):
    back, heard = spawn(), []
    descriptor = back.front.fileno()
    here(back).moved.connect(lambda stream, score: heard.append(score))
    message_thread.MessageHub.of(gui.app).stop()
    back.emit("moved", "door", 1.0)
    while not back.front._tally.received:
        assert select.select([descriptor], [], [], 5)[0]
        back.front.dispatch()
    gui.until(lambda: heard == [1.0])
    back.end()
    back.front.wait(5)


def test_closing_in_the_guis_thread_takes_what_comes_meanwhile(gui, spawn):
    back, heard = spawn(), []
    here(back).moved.connect(lambda stream, score: heard.append(score))
    here(back).exited.connect(heard.append)
    for number in range(100):
        back.emit("moved", "door", number)
    ender = threading.Thread(target=back.end)
    ender.start()
    assert back.front.wait(5) == "exit code 0"
    ender.join()
    assert heard == []
    gui.until(lambda: heard == [*range(100), "exit code 0"])
