import logging
import os
import socket
import threading
import time
from functools import partial

import pytest

from camgraph.base.loop import Loop


@pytest.fixture
def loop():
    loop = Loop()
    yield loop
    loop.close()


def test_a_readable_descriptor_calls_back_until_it_is_removed(loop: Loop) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        seen: list[bytes] = []
        loop.add(ours, lambda: seen.append(ours.recv(1)))
        theirs.send(b"ab")
        loop.run_once(1.0)
        loop.run_once(1.0)
        loop.remove(ours)
        theirs.send(b"c")
        loop.run_once(0.0)
    assert seen == [b"a", b"b"]


def test_removing_another_descriptor_in_a_callback_silences_it_at_once(loop: Loop) -> None:
    pairs = [socket.socketpair() for _ in range(2)]
    called: list[int] = []

    def serve(index: int) -> None:
        called.append(index)
        loop.remove(pairs[1 - index][0])

    for index, (ours, theirs) in enumerate(pairs):
        loop.add(ours, partial(serve, index))
        theirs.send(b"x")
    loop.run_once(1.0)
    assert len(called) == 1
    for pair in pairs:
        for sock in pair:
            sock.close()


def test_timers_fire_in_order_and_cancelled_ones_never(loop: Loop) -> None:
    fired: list[str] = []
    now_ns = time.monotonic_ns()
    loop.call_at(now_ns + 2_000_000, lambda: fired.append("late"))
    loop.call_at(now_ns + 1_000_000, lambda: fired.append("early"))
    loop.call_at(now_ns + 1_500_000, lambda: fired.append("never")).cancel()
    while len(fired) < 2:
        loop.run_once(None)
    assert fired == ["early", "late"]


def test_a_timer_may_be_due_in_a_month(loop: Loop) -> None:
    called: list[str] = []
    loop.call_later(30 * 86400.0, lambda: called.append("month"))
    loop.call_soon_threadsafe(lambda: called.append("now"))
    loop.run_once(None)
    loop.run_once(0.0)
    assert called == ["now"]


def test_cancelled_timers_do_not_pile_up_until_they_are_due(loop: Loop) -> None:
    fired: list[int] = []
    kept = [loop.call_later(0.0, partial(fired.append, number)) for number in range(100)]
    for _ in range(10_000):
        loop.call_later(3600.0, lambda: fired.append(-1)).cancel()
    assert len(loop._timers) < 500
    loop.run_once(0.0)
    assert fired == list(range(100))
    assert all(timer.callback is None for timer in kept)


def test_a_call_from_another_thread_wakes_the_loop(loop: Loop) -> None:
    ran_in: list[threading.Thread] = []

    def finish() -> None:
        ran_in.append(threading.current_thread())
        loop.stop()

    def call() -> None:
        assert loop.call_soon_threadsafe(finish)

    thread = threading.Thread(target=call)
    thread.start()
    loop.run()
    thread.join()
    assert ran_in == [threading.main_thread()]


def test_an_exception_in_a_callback_is_logged_and_ends_nothing(
    loop: Loop, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    loop.call_later(0.0, fail)
    loop.call_later(0.0, loop.stop)
    with caplog.at_level(logging.ERROR):
        loop.run()
    assert "ZeroDivisionError" in caplog.text


def test_a_closed_loop_refuses_calls_and_keeps_no_descriptor() -> None:
    before = set(os.listdir("/proc/self/fd"))
    loop = Loop()
    loop.close()
    loop.close()
    assert loop.call_soon_threadsafe(lambda: None) is False
    assert set(os.listdir("/proc/self/fd")) == before


def test_a_socket_that_its_own_callback_closes_may_be_writable_too(loop: Loop) -> None:
    ours, theirs = socket.socketpair()
    wrote: list[int] = []

    def end() -> None:
        loop.remove(ours)
        ours.close()

    with ours, theirs:
        loop.add(ours, end, lambda: wrote.append(1))
        theirs.send(b"x")
        loop.run_once(5)
        loop.run_once(0)
    assert not wrote
