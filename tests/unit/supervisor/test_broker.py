"""The broker with real sockets: what readers may send it, and what it does when descriptors run out."""

import fcntl
import os
import resource
import select
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest

from camgraph.base.descriptors import connect_site, send_with_descriptors, site_address
from camgraph.base.errors import BrokenError
from camgraph.base.loop import Loop
from camgraph.control.channel import GREETING
from camgraph.ring.protocol import Hello, Refused, RingRequest, decode_answer
from camgraph.supervisor.broker import HELLO_WITHIN_S, SWEEP_EVERY_S, Broker

HELLO = Hello(RingRequest("door")).encode()


class Site:
    """A broker whose readers are handed to `taken` while `serving`."""

    def __init__(self) -> None:
        self.name = f"broker-{uuid4().hex[:8]}"
        self.loop = Loop()
        self.serving = True
        self.taken: list[bytes] = []
        self.joined: list[socket.socket] = []
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(site_address(self.name))
        self.listener.listen(256)
        self.broker = Broker(
            self.loop,
            self.listener,
            knows=lambda stream: stream == "door",
            was_removed=lambda stream: stream == "attic",
            hand_over=self._take,
            join=self.joined.append,
        )

    def _take(self, stream: str, data: bytes, sock: socket.socket) -> bool:
        assert stream == "door"
        if self.serving:
            self.taken.append(data)
        return self.serving

    def run_until(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + 10
        while not condition():
            assert time.monotonic() < deadline
            self.loop.run_once(0.1)

    def close(self) -> None:
        for sock in self.joined:
            sock.close()
        self.broker.close()
        self.listener.close()
        self.loop.close()


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


def ended(sock: socket.socket) -> bool:
    try:
        return sock.recv(2048) == b""
    except BlockingIOError:
        return False


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_a_reader_waits_until_somebody_serves_its_stream(site: Site) -> None:
    site.serving = False
    with connect_site(site.name) as reader:
        reader.send(HELLO)
        site.run_until(lambda: site.broker._waiting)
        site.loop.run_once(0.0)
        assert not ended(reader)
        site.serving = True
        site.broker.serve()
        assert site.taken == [HELLO]
        assert ended(reader)


def test_a_reader_that_could_not_be_handed_over_is_tried_again(site: Site) -> None:
    site.serving = False
    with connect_site(site.name) as reader:
        reader.send(HELLO)
        site.run_until(lambda: site.broker._waiting)
        site.serving = True
        site.run_until(lambda: site.taken)
        assert ended(reader)


def test_readers_that_wait_leave_descriptors_to_start_what_they_wait_for(site: Site) -> None:
    site.serving = False
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with ExitStack() as stack:
        half = open_descriptors() + 20
        for _ in range(half + 5):
            with connect_site(site.name) as reader:
                reader.send(HELLO)
                # Above the limit: only the broker's side is to count.
                stack.callback(os.close, fcntl.fcntl(reader, fcntl.F_DUPFD_CLOEXEC, 2 * half))
        resource.setrlimit(resource.RLIMIT_NOFILE, (2 * half, hard))
        try:
            site.run_until(lambda: len(site.broker._waiting) == half)
            site.loop.run_once(0.0)
            assert len(site.broker._waiting) == half
            site.serving = True
            site.broker.serve()
            began = time.monotonic()
            site.run_until(lambda: len(site.taken) == half + 5)
            assert time.monotonic() - began < SWEEP_EVERY_S / 2
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_program_that_joins_is_passed_on_and_what_it_says_next_is_left_to_be_read(site: Site) -> None:
    with connect_site(site.name) as program:
        program.send(GREETING)
        program.send(b"next")
        site.run_until(lambda: site.joined)
        site.loop.run_once(0.0)
        assert site.joined[0].recv(100) == b"next"
        site.joined[0].send(b"answer")
        assert program.recv(100) == b"answer"
    assert not site.taken


def test_whoever_says_nothing_is_turned_away(site: Site) -> None:
    with connect_site(site.name) as silent:
        began = time.monotonic()
        site.run_until(lambda: ended(silent))
        assert HELLO_WITHIN_S <= time.monotonic() - began < HELLO_WITHIN_S + 3 * SWEEP_EVERY_S


@pytest.mark.parametrize("data", [b"x" * 5000, b"\0", GREETING[:-1]])
def test_what_is_no_greeting_is_turned_away(site: Site, data: bytes) -> None:
    with connect_site(site.name) as reader:
        reader.send(data)
        answers: list[bytes] = []

        def answered() -> bool:
            try:
                answers.append(reader.recv(2048))
            except BlockingIOError:
                return False
            return not answers[-1]

        site.run_until(answered)
    assert not site.taken
    assert all(isinstance(decode_answer(answer), Refused) for answer in answers if answer)


def test_descriptors_that_come_with_a_greeting_are_closed(site: Site) -> None:
    with connect_site(site.name) as reader:
        before = open_descriptors()
        send_with_descriptors(reader, HELLO, [0, 0, 0])
        site.run_until(lambda: ended(reader))
        assert open_descriptors() == before
    assert not site.taken


def test_readers_that_can_not_be_accepted_are_waited_for_without_spinning(site: Site) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with connect_site(site.name) as reader:
        reader.send(HELLO)
        lowest = next(number for number in range(256) if not Path(f"/proc/self/fd/{number}").exists())
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
        try:
            turns = 0
            deadline = time.monotonic() + SWEEP_EVERY_S * 1.5
            while time.monotonic() < deadline:
                site.loop.run_once(deadline - time.monotonic())
                turns += 1
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert turns <= 5
        assert not site.taken
        site.run_until(lambda: site.taken)


def test_a_reader_of_a_removed_stream_is_told_so_soon(site: Site) -> None:
    began = time.monotonic()
    with connect_site(site.name) as sock:
        sock.send(Hello(RingRequest("attic")).encode())
        site.run_until(lambda: select.select([sock], [], [], 0)[0])
        answer = decode_answer(sock.recv(4096))
    assert answer == Refused("the stream 'attic' was removed")
    assert time.monotonic() - began < 5


def test_who_comes_when_all_is_over_is_told_at_once(site: Site) -> None:
    with connect_site(site.name) as early:
        early.settimeout(5)
        site.broker.close_for_good()
        assert early.recv(1) == b""
        with pytest.raises(BrokenError, match="no site named"):
            connect_site(site.name)
