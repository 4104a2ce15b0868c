"""Results of calls as Qt signals: once, in the thread of the GUI, whenever they come."""

import gc
import threading
import weakref
from concurrent.futures import CancelledError, Future

import pytest

from camgraph.qt import reply


def follow(call):
    heard: list[object] = []
    made = reply(call)
    made.finished.connect(lambda value: heard.append((value, threading.current_thread())))
    made.failed.connect(lambda error: heard.append((error, threading.current_thread())))
    return heard


@pytest.mark.parametrize("value", [None, 2**70, {1: "one", None: float("inf")}, [1, 2], b"x"])
def test_a_result_comes_from_another_thread_as_it_is(gui, value):
    call: Future[object] = Future()
    heard = follow(call)
    thread = threading.Thread(target=call.set_result, args=(value,))
    thread.start()
    gui.until(lambda: heard)
    thread.join()
    gui.settle()
    assert heard == [(value, threading.main_thread())]
    assert heard[0][0] is value


def test_a_result_that_was_there_before_is_not_missed(gui):
    call: Future[int] = Future()
    call.set_result(7)
    heard = follow(call)
    assert heard == []
    gui.until(lambda: heard == [(7, threading.main_thread())])


def test_failures_and_cancelled_calls_fail(gui):
    failed: Future[int] = Future()
    cancelled: Future[int] = Future()
    heard, given_up = follow(failed), follow(cancelled)
    error = ValueError("no such stream")
    failed.set_exception(error)
    cancelled.cancel()
    gui.until(lambda: heard and given_up)
    assert heard[0][0] is error
    assert isinstance(given_up[0][0], CancelledError)


def test_a_failure_that_nobody_hears_is_logged(gui, caplog):
    call: Future[int] = Future()
    reply(call).finished.connect(print)
    call.set_exception(ValueError("no such stream"))
    gui.until(lambda: caplog.messages)
    assert caplog.messages == ["a call failed, and nobody is connected to its failed: no such stream"]


def test_it_needs_no_keeping_and_is_gone_when_it_has_told(gui):
    call: Future[int] = Future()
    heard: list[int] = []
    made = reply(call)
    made.finished.connect(heard.append)
    alive = weakref.ref(made)
    del made
    gc.collect()
    call.set_result(1)
    gui.until(lambda: heard == [1])
    gc.collect()
    assert alive() is None


def test_it_belongs_to_the_thread_of_the_gui(gui):
    errors = []

    def ask():
        try:
            reply(Future())
        except RuntimeError as error:
            errors.append(str(error))

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert errors == ["reply() belongs to the thread of the GUI; call it there"]
