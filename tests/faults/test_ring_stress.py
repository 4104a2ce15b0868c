"""Readers killed and stopped at random while a writer publishes at a high rate; then the writer killed.

Every byte of every frame is checked by every reader, on arrival and after having been held. The readers' test
runs for CAMGRAPH_STRESS_SECONDS (8).
"""

import os
import random
import resource
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest
from tests.faults.ring_payload import HEIGHT, WIDTH, is_whole, picture

from camgraph.ring.frame import Frame
from camgraph.ring.protocol import MAX_DATAGRAM_BYTES, Hello, RingRequest
from camgraph.ring.reader import Reader
from camgraph.ring.writer import FrameMeta, RingWriter
from camgraph.testing.waiting import wait_until

ROOT = Path(__file__).parents[2]
SECONDS = float(os.environ.get("CAMGRAPH_STRESS_SECONDS", "8"))
READERS = 5
FRAMES_PER_S = 400


class Readers:
    """The reader processes, and what they have told."""

    def __init__(self, address: str) -> None:
        self._keeper = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.ring_readers", address, str(READERS)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._keeper.stdout is not None
        os.set_blocking(self._keeper.stdout.fileno(), False)
        self._rest = b""
        self.alive: set[int] = set()
        self.stopped: dict[int, float] = {}
        """When a stopped reader is to go on, by pid."""
        self.counts: Counter[str] = Counter()

    def listen(self) -> None:
        assert self._keeper.stdout is not None
        with suppress(BlockingIOError):
            *lines, self._rest = (self._rest + (os.read(self._keeper.stdout.fileno(), 1 << 16))).split(b"\n")
            for line in lines:
                what, pid, *numbers = line.split()
                if what == b"start":
                    self.alive.add(int(pid))
                    self.counts["started"] += 1
                else:
                    for name, number in zip(("checks", "torn", "late", "behind"), numbers, strict=True):
                        self.counts[name] += int(number)

    def harm(self, generator: random.Random) -> None:
        """Kill or stop one, and wake those that have been stopped for long enough."""
        for pid in [pid for pid, until in self.stopped.items() if until < time.monotonic()]:
            del self.stopped[pid]
            self._signal(pid, signal.SIGCONT)
        pid = generator.choice(sorted(self.alive))
        if generator.random() < 0.5:
            self.stopped.pop(pid, None)
            self.alive.discard(pid)
            self._signal(pid, signal.SIGKILL)
            self.counts["killed"] += 1
        elif pid not in self.stopped:
            self._signal(pid, signal.SIGSTOP)
            self.stopped[pid] = time.monotonic() + generator.random() * 0.5
            self.counts["stopped"] += 1

    def end(self) -> None:
        """End them all; nothing of theirs is left when this returns."""
        assert self._keeper.stdin is not None
        assert self._keeper.stdout is not None
        self._keeper.stdin.close()
        self._keeper.wait(10)
        self._keeper.stdout.close()

    @staticmethod
    def _signal(pid: int, number: int) -> None:
        # A pid can't have been given to another process: the keeper has started this one and reaps it.
        with suppress(ProcessLookupError):
            os.kill(pid, number)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(f"\0camgraph-stress-{uuid4()}")
        listener.listen(64)
        yield listener


def locks_on(writer: RingWriter) -> int:
    """How many locks the kernel knows of on the ring's memory."""
    pages = writer._slots._pages
    assert pages is not None
    inode = os.fstat(pages.descriptor).st_ino
    with open("/proc/locks") as locks:
        return sum(f":{inode} " in line for line in locks)


def sleeps() -> int:
    """How often this thread has given up the processor by itself."""
    return resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw


@pytest.mark.timeout(SECONDS + 60)
def test_no_reader_tears_delays_or_leaves_anything(listener: socket.socket) -> None:
    listener.setblocking(False)
    writer = RingWriter("stress", "gray8", WIDTH, HEIGHT, epoch=1, fps=FRAMES_PER_S)
    readers = Readers(listener.getsockname()[1:].decode())
    generator = random.Random(1)
    slept = published = number = planned = 0
    harm_at = 0.0
    end: float | None = None
    while end is None or time.monotonic() < end:
        with suppress(BlockingIOError):
            sock, _ = listener.accept()
            sock.settimeout(5)
            with suppress(OSError, ValueError):
                hello = Hello.decode(sock.recv(MAX_DATAGRAM_BYTES))
                planned = max(planned, writer.planned_bytes(hello.leases))
                writer.add_reader(sock, hello)
        number += 1
        planes, meta = [picture(number)], FrameMeta(pts=number)
        before = sleeps()
        published += writer.publish(planes, meta)
        slept += sleeps() - before
        writer.remove_dead()
        readers.listen()
        if end is None and readers.counts["checks"] >= READERS * 20:
            end = time.monotonic() + SECONDS
        if end is not None and time.monotonic() > harm_at and readers.alive:
            harm_at = time.monotonic() + 0.03
            readers.harm(generator)
        time.sleep(1 / FRAMES_PER_S)
    readers.end()
    statistics = writer.statistics()
    print(f"published {published}, {dict(readers.counts)}, {statistics}, slept in publish {slept} times")

    assert readers.counts["torn"] == 0
    assert readers.counts["checks"] > 100 * SECONDS
    assert min(readers.counts["killed"], readers.counts["stopped"]) > 5 * SECONDS
    assert readers.counts["started"] >= readers.counts["killed"]
    assert slept == 0
    assert statistics.no_slot == 0
    assert statistics.published == published
    # What the dead held is written again: the ring has not grown beyond what living readers may hold.
    assert statistics.slots_touched <= 1 + FRAMES_PER_S // 10 + 2 * READERS * 4
    assert writer.touched_bytes <= planned

    def all_are_gone() -> bool:
        writer.publish([picture(0)], FrameMeta())
        writer.remove_dead()
        return writer.readers == 0

    wait_until(all_are_gone)
    assert locks_on(writer) == 0
    writer.close()


def test_killing_the_writer_leaves_what_is_held_whole_and_the_reader_goes_on(listener: socket.socket) -> None:
    address = listener.getsockname()

    def connect() -> socket.socket:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC)
        sock.connect(address)
        return sock

    def start(epoch: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.faults.ring_writer", str(listener.fileno()), str(epoch)],
            cwd=ROOT,
            pass_fds=[listener.fileno()],
        )

    held: list[Frame] = []
    with Reader(connect, RingRequest("stress"), policy="every") as reader:
        descriptor = reader.fileno()
        for epoch in range(1, 4):
            process = start(epoch)
            for _ in range(40):
                frame = reader.read(20)
                assert frame.epoch == epoch
                assert is_whole(frame.array, frame.pts or 0)
            held.append(frame)
            process.kill()
            process.wait()
            # What had been told before its death may still come; it is whole, or late.
            while (rest := reader.read_nowait()) is not None:
                assert is_whole(rest.array, rest.pts or 0)
                del rest
            assert all(is_whole(frame.array, frame.pts or 0) for frame in held)
        assert reader.fileno() == descriptor
        assert reader.statistics().reconnects >= 3
    assert all(is_whole(frame.array, frame.pts or 0) for frame in held)
