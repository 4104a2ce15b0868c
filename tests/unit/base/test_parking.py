"""Forks beside threads of ours: the children look, and _exit."""

import _thread
import ctypes
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from io import FileIO

import pytest

from camgraph.base import parking
from camgraph.base.loop import Loop
from camgraph.base.parking import (
    PARK_WITHIN_S,
    close_in_children,
    foreign_threads,
    given_to_child,
    no_fork,
)
from camgraph.testing.waiting import wait_until

_PR_SET_NAME = 15

# Python 3.12 warns of forking beside threads.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")


@pytest.fixture
def loop() -> Iterator[Loop]:
    """A loop that runs in a thread named ``runner``."""
    made = Loop()
    thread = threading.Thread(target=made.run, name="runner")
    thread.start()
    wait_until(lambda: made.own_thread)
    yield made
    made.stop()
    thread.join()
    made.close()


@pytest.fixture
def other_loop() -> Iterator[Loop]:
    made = Loop()
    thread = threading.Thread(target=made.run, name="other runner")
    thread.start()
    wait_until(lambda: made.own_thread)
    yield made
    made.stop()
    thread.join()
    made.close()


def in_child(check: Callable[[], object]) -> bool:
    """Return whether a forked child found `check` true."""
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(0 if check() else 1)
        finally:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_a_fork_comes_next_however_busy_a_loop_is(loop: Loop) -> None:
    read_end, write_end = os.pipe()
    turns = [0]

    def work() -> None:
        turns[0] += 1
        end = time.monotonic() + 0.002
        while time.monotonic() < end:
            pass

    # There is always something to do.
    os.write(write_end, b"more")
    loop.call_soon_threadsafe(lambda: loop.add(read_end, work))
    wait_until(lambda: turns[0])
    for _ in range(60):
        before = turns[0]
        assert in_child(lambda before=before: turns[0] - before < 10)  # type: ignore[misc]
    removed = threading.Event()
    loop.call_soon_threadsafe(lambda: loop.remove(read_end))
    loop.call_soon_threadsafe(removed.set)
    assert removed.wait(5)
    os.close(read_end)
    os.close(write_end)


def test_a_child_never_finds_a_callback_half_done(loop: Loop) -> None:
    halves: list[int] = []
    turns = [0]

    def work() -> None:
        halves.append(1)
        for _ in range(2000):
            pass
        halves.pop()
        turns[0] += 1
        loop.call_soon_threadsafe(work)

    def goes_on(before: int) -> bool:
        return turns[0] > before

    loop.call_soon_threadsafe(work)
    for _ in range(50):
        before = turns[0]
        assert in_child(lambda: not halves)
        wait_until(partial(goes_on, before), what="the loop to go on")


@pytest.mark.parametrize("turned", [False, True])
def test_a_callback_that_waits_for_another_loop_is_let_come_to_its_end(
    loop: Loop, other_loop: Loop, turned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    asking, asked = (other_loop, loop) if turned else (loop, other_loop)
    entered, answered = threading.Event(), threading.Event()

    def ask() -> None:
        entered.set()
        wait_until(lambda: not parking._no_fork_waits.is_set(), what="a fork waits")
        asked.call_soon_threadsafe(answered.set)
        answered.wait()

    asking.call_soon_threadsafe(ask)
    assert entered.wait(5)
    began = time.monotonic()
    assert in_child(lambda: True)
    assert time.monotonic() - began < PARK_WITHIN_S
    assert answered.is_set()
    assert "does not wait" not in caplog.text


def test_turns_of_several_threads_that_are_long_all_come_to_their_ends(
    loop: Loop, other_loop: Loop, caplog: pytest.LogCaptureFixture
) -> None:
    ended = threading.Event()

    def work(one: Loop) -> None:
        ended.wait(0.05)
        if not ended.is_set():
            one.call_soon_threadsafe(partial(work, one))

    for one in (loop, other_loop):
        one.call_soon_threadsafe(partial(work, one))
    for _ in range(3):
        assert in_child(lambda: True)
    ended.set()
    assert "does not wait" not in caplog.text


def test_a_fork_does_not_wait_for_ever(loop: Loop, caplog: pytest.LogCaptureFixture) -> None:
    entered, leave = threading.Event(), threading.Event()

    def stuck() -> None:
        entered.set()
        leave.wait()

    loop.call_soon_threadsafe(stuck)
    assert entered.wait(5)
    began = time.monotonic()
    assert in_child(lambda: True)
    took_s = time.monotonic() - began
    leave.set()
    assert PARK_WITHIN_S <= took_s < PARK_WITHIN_S + 2
    assert "does not wait for thread runner, which is busy in" in caplog.text
    assert "threading.py" in caplog.text  # where it waits
    done = threading.Event()
    loop.call_soon_threadsafe(done.set)
    assert done.wait(5)


def test_a_callback_may_fork(loop: Loop, caplog: pytest.LogCaptureFixture) -> None:
    found: list[bool] = []
    other = Loop()

    def fork() -> None:
        found.append(in_child(lambda: not loop.call_soon_threadsafe(fork) and not loop.in_thread()))

    loop.call_soon_threadsafe(fork)
    wait_until(lambda: found)
    other.close()
    assert found == [True]
    assert not caplog.records


def test_a_callback_that_returns_in_the_child_ends_the_loop_there() -> None:
    loop = Loop()
    children: list[int] = []
    loop.call_soon_threadsafe(lambda: children.append(os.fork()))
    loop.call_soon_threadsafe(lambda: loop.stop() if children[0] else None)
    loop.run()
    loop.close()
    if children[0] == 0:
        os._exit(0)
    assert os.waitpid(children[0], 0)[1] == 0


def test_the_parents_epoll_is_left_as_it_was(loop: Loop) -> None:
    ours, theirs = socket.socketpair()
    heard: list[bytes] = []
    with ours, theirs:
        loop.call_soon_threadsafe(lambda: loop.add(ours, lambda: heard.append(ours.recv(10))))
        theirs.send(b"one")
        wait_until(lambda: heard == [b"one"])
        inside = [loop._wakeup.fileno(), loop.fileno()]
        assert all(map(_is_open, inside))

        def closes_all() -> bool:
            left = [number for number in inside if _is_open(number)]
            loop.remove(ours)
            loop.stop()
            loop.close()
            return not left

        assert in_child(closes_all)
        theirs.send(b"two")
        wait_until(lambda: heard == [b"one", b"two"])
        gone = threading.Event()
        loop.call_soon_threadsafe(lambda: loop.remove(ours))
        loop.call_soon_threadsafe(gone.set)
        assert gone.wait(5)


def test_a_loop_made_in_a_child_works_there(loop: Loop) -> None:
    def works() -> bool:
        mine = Loop()
        called: list[int] = []
        mine.call_soon_threadsafe(lambda: called.append(1))
        mine.run_once(1.0)
        return bool(called)

    assert in_child(works)


def test_what_is_private_is_closed_in_children_but_for_what_is_given() -> None:
    ends = [FileIO(fd) for fd in (os.open(os.devnull, os.O_RDONLY), os.open(os.devnull, os.O_RDONLY))]
    kept, lost = ends
    for end in ends:
        close_in_children(end)
    with given_to_child(kept):
        assert in_child(lambda: not kept.closed and lost.closed)
    assert in_child(lambda: kept.closed and lost.closed)
    for end in ends:
        assert not end.closed
        end.close()


def test_a_fork_waits_while_it_must_not_be() -> None:
    entered, leave = threading.Event(), threading.Event()
    whole: list[int] = []

    def make() -> None:
        with no_fork():
            entered.set()
            leave.wait()
            whole.append(1)

    thread = threading.Thread(target=make)
    thread.start()
    assert entered.wait(5)
    timer = threading.Timer(0.1, leave.set)
    timer.start()
    assert in_child(lambda: whole)
    timer.join()
    thread.join()


def test_threads_fork_at_the_same_time(loop: Loop, caplog: pytest.LogCaptureFixture) -> None:
    more = [Loop() for _ in range(4)]
    found: list[bool] = []

    def fork_often() -> None:
        found.extend(in_child(lambda: True) for _ in range(10))

    threads = [threading.Thread(target=fork_often) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for other in more:
        other.close()
    assert found == [True] * 40
    assert not caplog.records


def test_foreign_threads_are_known_by_name(loop: Loop) -> None:
    before = foreign_threads()
    leave = threading.Event()
    met: list[int] = []

    def native() -> None:
        ctypes.CDLL(None).prctl(_PR_SET_NAME, b"decoder", 0, 0, 0)
        met.append(threading.get_native_id())
        leave.wait()
        met.pop()

    pump = threading.Thread(target=leave.wait, name="pump")
    pump.start()
    _thread.start_new_thread(native, ())
    wait_until(lambda: met)
    try:
        found = foreign_threads()
    finally:
        leave.set()
        pump.join()
        wait_until(lambda: not met and len(foreign_threads()) <= len(before))
    assert sorted(found[number] for number in found.keys() - before.keys()) == ["decoder", "pump"]
    assert loop.own_thread not in found
    assert threading.get_native_id() not in found


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
