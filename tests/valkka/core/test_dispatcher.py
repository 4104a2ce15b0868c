"""The thread of callbacks: order, errors, forks, and its end."""

import os
import sys
import threading
import time

import pytest

from camgraph.testing.waiting import wait_until
from valkka.core import LiveConnectionContext, LiveConnectionType_rtsp, LiveThread, TestThread
from valkka.core.dispatcher import Dispatcher
from valkka.core.runtime import runtime


@pytest.fixture
def dispatcher():
    it = Dispatcher("valkka-dispatcher")
    yield it
    it.close()


def test_calls_are_made_in_order_by_one_thread_whatever_they_raise(dispatcher, caplog) -> None:
    calls: list[tuple[int, str]] = []

    def call(number: int) -> None:
        calls.append((number, threading.current_thread().name))
        assert dispatcher.in_thread()
        if number == 1:
            raise ValueError("on purpose")
        if number == 2:
            sys.exit(3)

    for number in range(4):
        dispatcher.call(lambda number=number: call(number))
    wait_until(lambda: len(calls) == 4)
    assert calls == [(number, "valkka-dispatcher") for number in range(4)]
    assert "on purpose" in caplog.text
    assert not dispatcher.in_thread()


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_fork_comes_between_callbacks_and_its_child_has_no_dispatcher(dispatcher) -> None:
    began, inside = threading.Event(), [False]

    def work() -> None:
        inside[0] = True
        began.set()
        # A turn that takes a while.
        threading.Event().wait(0.2)
        inside[0] = False

    dispatcher.call(work)
    assert began.wait(5)
    pid = os.fork()
    if pid == 0:
        os._exit(0 if not inside[0] and threading.active_count() == 1 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert not inside[0]


def test_closing_does_not_wait_for_what_does_not_end(caplog) -> None:
    entered, go_on = threading.Event(), threading.Event()
    dispatcher = Dispatcher("valkka-dispatcher")

    def block() -> None:
        entered.set()
        go_on.wait(30)

    dispatcher.call(block)
    assert entered.wait(5)
    began = time.monotonic()
    dispatcher.close()
    assert time.monotonic() - began < 3
    assert "a callback is busy" in caplog.text
    go_on.set()


@pytest.mark.effect("valkka.core.TestThread.{setCallback,startCall,addCall}")
def test_a_test_thread_counts_once_a_second() -> None:
    numbers: list[int] = []
    thread = TestThread("test")
    thread.setCallback(numbers.append)
    began = time.monotonic()
    thread.startCall()
    wait_until(lambda: numbers)
    assert time.monotonic() - began > 0.9
    thread.addCall()
    wait_until(lambda: len(numbers) == 2)
    thread.stopCall()
    thread.stopCall()
    assert numbers == [0, 101]


@pytest.mark.effect("valkka.core.TestThread.stopCall")
def test_a_test_thread_is_stopped_by_its_own_callback(monkeypatch) -> None:
    monkeypatch.setattr("valkka.core.test_thread.TICK_S", 0.01)
    numbers: list[int] = []
    thread = TestThread("test")

    def stop(number: int) -> None:
        numbers.append(number)
        if number == 2:
            thread.stopCall()

    thread.setCallback(stop)
    thread.startCall()
    wait_until(lambda: len(numbers) == 3)
    # What is called later would have been called by now.
    done = threading.Event()

    def later() -> None:
        runtime.dispatcher.call_later(0.1, done.set)

    runtime.dispatcher.call(later)
    assert done.wait(5)
    assert numbers == [0, 1, 2]


def test_nothing_runs_before_something_plays() -> None:
    before = threading.active_count()
    runtime.changed()
    assert runtime.settle()
    assert threading.active_count() == before


def test_a_finalizer_in_the_thread_of_the_site_waits_for_nothing(caplog) -> None:
    live = LiveThread("live")
    context = LiveConnectionContext(LiveConnectionType_rtsp, "rtsp://127.0.0.1:1/", 1, None)
    live.registerStreamCall(context)
    live.playStreamCall(context)
    live.startCall()
    wait_until(lambda: runtime.settle() and runtime.site.spec.nodes)
    settled: list[bool] = []

    def finalize() -> None:
        live.stopStreamCall(context)
        settled.append(runtime.settle())

    runtime.site.loop.call_soon_threadsafe(finalize)
    wait_until(lambda: settled)
    assert settled == [False]
    wait_until(lambda: runtime.settle() and not runtime.site.spec.nodes)
    assert "can't be applied" not in caplog.text
    live.stopCall()
