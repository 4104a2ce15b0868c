"""Rings by name: between programs, in one, across forks; whoever comes first."""

import multiprocessing
import multiprocessing.connection
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from uuid import uuid4

import numpy as np
import numpy.typing as npt
import pytest

import camgraph
from camgraph.base.descriptors import ring_address
from camgraph.errors import BrokenError, ClosedError
from camgraph.testing.waiting import wait_until

FORK = multiprocessing.get_context("fork")
SIZE = (64, 48)

WRITER = """
import sys, numpy, camgraph
name, first, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
publisher = camgraph.publish(name, size=(64, 48))
for number in range(first, first + count):
    publisher.publish(numpy.full((48, 64, 3), number % 251, numpy.uint8), pts=number)
print("there", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def name() -> str:
    return f"test {uuid4().hex}"


def picture(number: int) -> npt.NDArray[np.uint8]:
    return np.full((SIZE[1], SIZE[0], 3), number % 251, np.uint8)


def check(frame: camgraph.Frame, number: int) -> None:
    assert frame.pts == number
    assert frame.array.shape == (48, 64, 3)
    assert (frame.array == number % 251).all()


class Writer:
    """Another program that publishes some pictures and waits to be told to end."""

    def __init__(self, name: str, first: int, count: int) -> None:
        self._popen = subprocess.Popen(
            [sys.executable, "-c", WRITER, name, str(first), str(count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def wait_there(self) -> None:
        assert self._popen.stdout is not None
        assert self._popen.stdout.readline() == b"there\n"

    def kill(self) -> None:
        self._popen.send_signal(signal.SIGKILL)
        self.end()

    def end(self) -> None:
        self._popen.communicate(b"\n", timeout=10)


@pytest.fixture
def writers() -> Iterator[list[Writer]]:
    started: list[Writer] = []
    yield started
    for writer in started:
        writer.kill()


def test_a_reader_waits_for_a_publisher_and_for_the_next(name: str, writers: list[Writer]) -> None:
    with camgraph.read(name) as reader:
        assert reader.read_nowait() is None
        with pytest.raises(TimeoutError):
            reader.read(timeout=0.05)
        writers.append(Writer(name, 100, 3))
        for number in range(100, 103):
            check(reader.read(timeout=10), number)
        held = reader.read_nowait()
        assert held is None
        writers.pop().kill()
        writers.append(Writer(name, 200, 2))
        frames = [reader.read(timeout=10) for _ in range(2)]
        for number, frame in enumerate(frames, 200):
            check(frame, number)


def test_a_reader_that_waits_costs_next_to_nothing_and_can_be_selected_on(name: str) -> None:
    with camgraph.read(name) as reader:
        began, before = time.monotonic(), time.process_time()
        woken = 0
        while time.monotonic() - began < 0.6:
            woken += bool(select.select([reader], [], [], 0.6)[0])
            assert reader.read_nowait() is None
        assert woken < 20
        assert time.process_time() - before < 0.1
        with camgraph.publish(name, size=SIZE) as publisher:
            publisher.publish(picture(1), pts=1)
            frame = None
            while frame is None:
                assert select.select([reader], [], [], 5)[0]
                frame = reader.read_nowait()
            check(frame, 1)


def test_several_readers_get_all_and_a_slow_one_delays_nobody(name: str) -> None:
    with camgraph.publish(name, size=SIZE, keep=4) as publisher:
        slow, fast, latest = camgraph.read(name), camgraph.read(name), camgraph.read(name, policy="latest")
        with slow, fast, latest:
            wait_until(lambda: publisher.readers == 3, timeout_s=5)
            publisher.publish(picture(0), pts=0)
            held = slow.read(timeout=5)
            check(fast.read(timeout=5), 0)
            for number in range(1, 500):
                assert publisher.publish(picture(number), pts=number)
                check(fast.read(timeout=5), number)
            check(latest.read(timeout=5), 499)
            check(held, 0)
        wait_until(lambda: publisher.readers == 0, timeout_s=5)


def test_a_name_is_taken_once_and_free_when_closed(name: str) -> None:
    with camgraph.publish(name, size=SIZE), pytest.raises(BrokenError, match="another ring named"):
        camgraph.publish(name, size=SIZE)
    publisher = camgraph.publish(name, size=SIZE)
    publisher.close()
    publisher.close()
    with pytest.raises(ClosedError):
        publisher.publish(picture(1))
    for bad in "", "a\0b":
        with pytest.raises(ValueError, match="can't be the name of a ring"):
            camgraph.publish(bad, size=SIZE)
        with pytest.raises(ValueError, match="can't be the name of a ring"):
            camgraph.read(bad)


def test_one_that_is_forgotten_frees_its_name_and_the_thread_ends_with_the_last(name: str) -> None:
    kept = camgraph.publish(f"{name} kept", size=SIZE)
    publisher = camgraph.publish(name, size=SIZE)
    del publisher

    def free() -> bool:
        try:
            camgraph.publish(name, size=SIZE).close()
        except BrokenError:
            return False
        return True

    wait_until(free, timeout_s=5)
    assert "camgraph-rings" in [thread.name for thread in threading.enumerate()]
    kept.close()
    assert "camgraph-rings" not in [thread.name for thread in threading.enumerate()]


def test_items_go_through_a_named_ring(name: str) -> None:
    with camgraph.publish(name, size=(1000, 1), format="bytes") as publisher, camgraph.read(name) as reader:
        publisher.publish_bytes(b"first", tag=3)
        publisher.publish_bytes(bytes(1000))
        frame = reader.read(timeout=5)
        assert (bytes(frame.memory), frame.tag, frame.format) == (b"first", 3, "bytes")
        assert reader.read(timeout=5).width == 1000
        with pytest.raises(ValueError, match="1 to 1000 bytes"):
            publisher.publish_bytes(bytes(1001))


@pytest.mark.parametrize("pixels", ["yuv420p", "nv12", "gray8", "bgra"])
def test_pictures_of_all_formats_come_out_as_they_went_in(name: str, pixels: Any) -> None:
    shapes = {"yuv420p": (48 * 3 // 2, 64), "nv12": (48 * 3 // 2, 64), "gray8": (48, 64), "bgra": (48, 64, 4)}
    sent = np.random.default_rng(1).integers(0, 256, shapes[pixels], dtype=np.uint8)
    with (
        camgraph.publish(name, size=SIZE, format=pixels) as publisher,
        camgraph.read(name) as reader,
    ):
        publisher.publish(sent)
        assert np.array_equal(reader.read(timeout=5).array, sent)
        with pytest.raises(ValueError, match=r"shape|uint8"):
            publisher.publish(sent[0])


def test_who_says_nothing_or_nonsense_harms_nobody(name: str) -> None:
    with camgraph.publish(name, size=SIZE) as publisher, camgraph.read(name) as reader:
        for said in None, b"", b"nonsense, and more of it":
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
                sock.settimeout(5)
                sock.connect(ring_address(name))
                if said is not None:
                    sock.send(said)
                    answer = sock.recv(2000)
                    assert answer == b"" or b"not a reader's greeting" in answer
        publisher.publish(picture(1), pts=1)
        check(reader.read(timeout=5), 1)
        assert publisher.readers == 1
        assert repr(publisher) == f"<Publisher of {name!r}, 64x48 rgb24>"
        assert (publisher.name, publisher.statistics().published) == (name, 1)
    with camgraph.publish(name, size=SIZE) as publisher:
        open_ended = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        open_ended.connect(ring_address(name))
    with suppress(ConnectionResetError):
        assert open_ended.recv(1) == b""
    open_ended.close()


def test_who_says_nothing_does_not_stay(name: str) -> None:
    with camgraph.publish(name, size=SIZE), socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as silent:
        silent.settimeout(10)
        silent.connect(ring_address(name))
        assert silent.recv(1) == b""


def _publish_without_descriptors(name: str, told: "multiprocessing.connection.Connection") -> None:
    with camgraph.publish(name, size=SIZE) as publisher:
        most = resource.getrlimit(resource.RLIMIT_NOFILE)
        first_free = os.dup(0)
        os.close(first_free)
        resource.setrlimit(resource.RLIMIT_NOFILE, (first_free, most[1]))
        publisher.publish(picture(3), pts=3)
        told.send("full")
        told.recv()
        told.send((publisher.readers, time.process_time()))
        resource.setrlimit(resource.RLIMIT_NOFILE, most)
        told.recv()


def test_a_publisher_without_descriptors_lets_readers_in_when_it_has_some(name: str) -> None:
    ours, theirs = FORK.Pipe()
    child = FORK.Process(target=_publish_without_descriptors, args=(name, theirs))
    child.start()
    with camgraph.read(name) as reader:
        assert ours.poll(10)
        assert ours.recv() == "full"
        with pytest.raises(TimeoutError):
            reader.read(timeout=0.4)
        ours.send("tell")
        assert ours.poll(10)
        readers, cpu_s = ours.recv()
        assert (readers, cpu_s < 0.3) == (0, True)
        check(reader.read(timeout=10), 3)
    ours.send("end")
    child.join(10)
    assert child.exitcode == 0
    child.close()
    ours.close()
    theirs.close()


def _publish_in_child(name: str, told: "multiprocessing.connection.Connection") -> None:
    with camgraph.publish(name, size=SIZE) as publisher:
        publisher.publish(picture(7), pts=7)
        told.recv()


def test_a_forked_child_publishes_and_leaves_its_parents_rings_alone(name: str) -> None:
    ours, theirs = FORK.Pipe()
    with camgraph.publish(f"{name} parent", size=SIZE) as publisher, camgraph.read(name) as reader:
        child = FORK.Process(target=_publish_in_child, args=(f"{name}", theirs))
        child.start()
        check(reader.read(timeout=10), 7)
        with camgraph.read(f"{name} parent") as own:
            publisher.publish(picture(1), pts=1)
            check(own.read(timeout=5), 1)
        ours.send("end")
        child.join(10)
        assert child.exitcode == 0
    ours.close()
    theirs.close()
    child.close()


def _read_in_child(name: str, told: "multiprocessing.connection.Connection") -> None:
    with camgraph.read(name) as reader:
        for _ in range(3):
            frame = reader.read(timeout=10)
            told.send((os.getpid(), frame.pts, int(frame.array[0, 0, 0])))


def test_forked_children_read_what_the_parent_publishes(name: str) -> None:
    pipes = [FORK.Pipe() for _ in range(2)]
    with camgraph.publish(name, size=SIZE) as publisher:
        children = [FORK.Process(target=_read_in_child, args=(name, theirs)) for _, theirs in pipes]
        for child in children:
            child.start()
        for number in range(3):
            publisher.publish(picture(number), pts=number)
        for child, (ours, _) in zip(children, pipes, strict=True):
            for number in range(3):
                assert ours.poll(10)
                assert ours.recv() == (child.pid, number, number)
            child.join(10)
            assert child.exitcode == 0
            child.close()
    for pair in pipes:
        for end in pair:
            end.close()
