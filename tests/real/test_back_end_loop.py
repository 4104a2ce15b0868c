"""The loop of back ends that are processes of their own: timers, descriptors, and silence."""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import camgraph as cg
from camgraph.testing.waiting import wait_until


class Works(cg.MessageProcess):
    read = cg.message(data=bytes, pid=int)

    def setup(self) -> None:
        self.descriptors: list[cg.Descriptor] = []

    @cg.backend
    def watch_descriptor(self, descriptor: cg.Descriptor) -> None:
        self.descriptors.append(descriptor)
        self.add_reader(descriptor, lambda: self.take(descriptor))

    def take(self, descriptor: cg.Descriptor) -> None:
        data = os.read(descriptor.fileno(), 1000)
        self.read.emit(data, os.getpid())
        if not data:
            self.remove_reader(descriptor)
            descriptor.close()

    @cg.backend
    def tick(self, seconds: float) -> None:
        self.ticking = self.every(seconds, lambda: None)

    @cg.backend
    def tick_no_more(self) -> int:
        self.ticking.cancel()
        return os.getpid()

    @cg.backend
    def fail_later(self, seconds: float) -> None:
        self.call_later(seconds, self.look)

    @cg.backend
    def work_in_thread(self) -> None:
        threading.Thread(target=lambda: self.call_later(0.0, self.tell_thread)).start()

    def tell_thread(self) -> None:
        is_main = threading.current_thread() is threading.main_thread()
        self.read.emit(str(is_main).encode(), os.getpid())

    def look(self) -> None:
        raise ArithmeticError("seen too much")

    @cg.backend
    def close_watched(self) -> None:
        """As one should not: without remove_reader."""
        for descriptor in self.descriptors:
            descriptor.close()

    @cg.backend
    def double(self, value: int) -> int:
        return 2 * value


class AsyncWorks(cg.AsyncMessageProcess, Works):
    pass


@pytest.fixture(scope="module")
def site() -> Iterator[cg.Site]:
    with cg.Graph().start() as site:
        yield site


@pytest.fixture(params=[Works, AsyncWorks])
def works(site: cg.Site, request: pytest.FixtureRequest) -> Iterator[Any]:
    front = site.spawn(request.param)
    front.wait_ready(20)
    yield front
    front.close()


def wake_ups(pid: int) -> int:
    """Return how often the threads of a process have waited until now."""
    count = 0
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        (line,) = [line for line in status.read_text().splitlines() if line.startswith("voluntary_ctxt")]
        count += int(line.split()[1])
    return count


def settled(count: Callable[[], int]) -> int:
    """Return a count once it has stayed the same for more than a second."""
    last, since = count(), time.monotonic()

    def stays() -> bool:
        nonlocal last, since
        now = count()
        if now != last:
            last, since = now, time.monotonic()
        return time.monotonic() - since > 1.3

    wait_until(stays, 10, "no wake-ups")
    return last


def test_a_back_end_with_nothing_to_do_is_not_woken(works: Any) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        with cg.Descriptor(theirs) as descriptor:
            works.watch_descriptor(descriptor)
        works.tick(0.01)
        assert works.tick_no_more().result(20) == works.pid
        settled(lambda: wake_ups(works.pid))


def test_what_arrives_on_a_socket_is_read_in_the_process_until_the_end(works: Any) -> None:
    heard: list[tuple[bytes, int]] = []
    works.read.connect(lambda data, pid: heard.append((data, pid)))
    ours, theirs = socket.socketpair()
    with ours, theirs, cg.Descriptor(theirs) as descriptor:
        works.watch_descriptor(descriptor)
        ours.send(b"hello")
        wait_until(lambda: heard == [(b"hello", works.pid)])
        ours.shutdown(socket.SHUT_WR)
        wait_until(lambda: heard[1:] == [(b"", works.pid)])
        assert works.double(1).result(20) == 2


def test_what_was_closed_while_it_was_watched_is_heard_of_no_more(works: Any) -> None:
    reading, writing = os.pipe()
    with cg.Descriptor(reading) as descriptor:
        works.watch_descriptor(descriptor)
    os.close(reading)
    works.close_watched()
    assert works.double(1).result(20) == 2
    # All its readers are gone.
    with pytest.raises(BrokenPipeError):
        os.write(writing, b"x")
    os.close(writing)
    settled(lambda: wake_ups(works.pid))
    assert works.alive


def test_a_thread_comes_home_by_a_timer(works: Any) -> None:
    heard: list[bytes] = []
    works.read.connect(lambda data, pid: heard.append(data))
    works.work_in_thread()
    wait_until(lambda: heard == [b"True"])


def test_an_exception_in_a_timer_ends_the_process_and_is_told_with_its_place(
    site: cg.Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    front: Any = site.spawn(Works)
    front.fail_later(0.05)
    assert front.wait(20).startswith("exit code 1: ")
    assert str(front.failure).startswith("Works.look raised ArithmeticError: seen too much")
    assert 'raise ArithmeticError("seen too much")' in front.failure.traceback
