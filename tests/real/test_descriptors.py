"""Descriptors on their way between a program and its back ends, and what is left of them when a side dies."""

import os
import resource
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

import camgraph as cg
from camgraph.errors import BackendRaised, BrokenError, CannotTravel
from camgraph.testing.waiting import wait_until

PATIENCE_S = 20.0


def fill_room() -> list[cg.Descriptor]:
    """Leave this process no descriptor to have, for as long as what is returned is there."""
    most = max(map(int, os.listdir("/proc/self/fd")))
    resource.setrlimit(resource.RLIMIT_NOFILE, (most + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    filling = []
    with suppress(OSError):
        while True:
            filling.append(cg.Descriptor(0))
    return filling


class Holder(cg.MessageProcess):
    """Is given files, and gives some."""

    given = cg.message(file=cg.Descriptor, text=str)

    def setup(self) -> None:
        self.held: list[cg.Descriptor] = []

    @cg.backend
    def write_to(self, files: list[cg.Descriptor], body: bytes = b"") -> int:
        for number, file in enumerate(files):
            os.write(file.fileno(), f"{number}: {len(body)}".encode())
            file.close()
        return os.getpid()

    @cg.backend
    def hold(self, file: cg.Descriptor) -> int:
        self.held.append(file)
        return len(self.held)

    @cg.backend
    def keep(self, file: cg.Descriptor) -> None:
        self.hold(file)

    @cg.backend
    def many(self, a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any, h: Any) -> None:
        pass

    @cg.backend
    def count(self) -> int:
        return len(os.listdir("/proc/self/fd"))

    @cg.backend
    def give_back(self, times: int) -> cg.Descriptor:
        for number in range(times):
            self.given.emit(self.held[0], f"{number}" + " " * 100_000 * (number % 2))
        return self.held[0]

    @cg.backend
    def leave_no_room(self) -> None:
        self.room = fill_room()


class Phoenix(Holder):
    restart = True


@pytest.fixture
def site() -> Iterator[cg.Site]:
    graph = cg.Graph()
    graph.rtsp("door", "rtsp://127.0.0.1:9/1")
    with graph.start() as site:
        yield site


class Pipe:
    """A pipe whose write end is to be given away."""

    def __init__(self) -> None:
        read_fd, write_fd = os.pipe()
        self.read_end, self.write_end = cg.Descriptor.owning(read_fd), cg.Descriptor.owning(write_fd)
        os.set_blocking(read_fd, False)

    def is_open(self) -> bool:
        """Tell whether anybody can write to it."""
        try:
            return os.read(self.read_end.fileno(), 1000) != b""
        except BlockingIOError:
            return True


def own_count() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_seven_of_any_kind_go_along_and_a_large_body_with_them(site: cg.Site, tmp_path: Path) -> None:
    holder: Any = site.spawn(Holder)
    here = holder.count().result(PATIENCE_S)
    with ExitStack() as stack:
        pipe = Pipe()
        left, right = socket.socketpair()
        datagram, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for sock in (left, right, datagram, other):
            stack.enter_context(sock)
            sock.settimeout(PATIENCE_S)
        memfd = stack.enter_context(cg.Descriptor.owning(os.memfd_create("test")))
        file = stack.enter_context(open(tmp_path / "file", "w+b", buffering=0))
        second = Pipe()
        files: list[Any] = [pipe.write_end, right, datagram, memfd, file, second.write_end, second.write_end]
        for body in (b"", b"x" * 1_000_000):
            call = holder.write_to([cg.Descriptor(each) for each in files], body)
            assert call.result(PATIENCE_S) == holder.pid
            size = len(body)
            assert os.read(pipe.read_end.fileno(), 100) == f"0: {size}".encode()
            assert left.recv(100) == f"1: {size}".encode()
            assert other.recv(100) == f"2: {size}".encode()
            assert os.pread(memfd.fileno(), 100, 0).endswith(f"3: {size}".encode())
            assert (tmp_path / "file").read_bytes().endswith(f"4: {size}".encode())
            assert os.read(second.read_end.fileno(), 100) == f"5: {size}6: {size}".encode()
    assert holder.count().result(PATIENCE_S) == here


def test_an_eighth_is_refused_by_name_and_nothing_leaks(site: cg.Site) -> None:
    holder: Any = site.spawn(Holder)
    pipe = Pipe()
    here = own_count()
    eight = [cg.Descriptor(pipe.write_end) for _ in range(8)]
    with pytest.raises(CannotTravel, match=r"write_to\(files\): list .*7 descriptors at most go along"):
        holder.write_to(eight)
    with pytest.raises(
        CannotTravel, match=r"many\(a\), .*many\(h\) can't go together: 7 descriptors at most"
    ):
        holder.many(*eight)
    eight[0].close()
    with pytest.raises(CannotTravel, match=r"hold\(file\): Descriptor .*the descriptor is closed"):
        holder.hold(eight[0])
    eight.clear()
    assert own_count() == here


def test_messages_and_results_bring_them_large_ones_too(site: cg.Site) -> None:
    holder: Any = site.spawn(Holder)
    pipe = Pipe()
    holder.hold(pipe.write_end).result(PATIENCE_S)
    pipe.write_end.close()
    here = own_count()
    came: list[tuple[cg.Descriptor, str]] = []
    holder.given.connect(lambda file, text: came.append((file, text)))
    result = holder.give_back(40).result(PATIENCE_S)
    assert [int(text) for _, text in came] == list(range(40))
    for file, _ in came:
        os.write(file.fileno(), b"x")
    os.write(result.fileno(), b"y")
    assert os.read(pipe.read_end.fileno(), 100) == b"x" * 40 + b"y"
    came.clear()
    del file, result
    wait_until(lambda: own_count() == here)


def test_what_a_dead_one_was_sent_is_closed_and_what_waits_is_for_the_next(site: cg.Site) -> None:
    phoenix: Any = site.spawn(Phoenix)
    lives: list[Any] = []
    waited: list[Any] = []
    handed_over = Pipe()

    def begin_again(how: str) -> None:
        waited.append(phoenix.write_to([handed_over.write_end]))
        lives.append(how)

    phoenix.restarted.connect(begin_again)
    phoenix.wait_ready(PATIENCE_S)
    here, there, pid = own_count(), phoenix.count().result(PATIENCE_S), phoenix.pid
    lost = Pipe()
    os.kill(pid, signal.SIGSTOP)
    for _ in range(30):
        phoenix.keep(lost.write_end)
    unanswered = phoenix.hold(lost.write_end)
    lost.write_end.close()
    assert lost.is_open()
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: bool(lives))
    with pytest.raises(BrokenError):
        unanswered.result(PATIENCE_S)
    assert waited[0].result(PATIENCE_S) == phoenix.pid != pid
    assert os.read(handed_over.read_end.fileno(), 100) == b"0: 0"
    wait_until(lambda: not lost.is_open())
    assert phoenix.count().result(PATIENCE_S) == there
    wait_until(lambda: own_count() == here + 1)
    assert phoenix.statistics().calls_lost >= 30


def test_calls_that_the_socket_did_not_take_are_handed_over_with_theirs(site: cg.Site) -> None:
    phoenix: Any = site.spawn(Phoenix)
    phoenix.wait_ready(PATIENCE_S)
    here, pid = own_count(), phoenix.pid
    pipe = Pipe()
    os.kill(pid, signal.SIGSTOP)
    calls: list[Any] = []
    while (waiting := phoenix._channel.queued) < 100:
        calls.append(phoenix.hold(pipe.write_end))
    pipe.write_end.close()
    os.kill(pid, signal.SIGKILL)
    lost = 0
    for call in calls:
        try:
            call.result(PATIENCE_S)
        except BrokenError:
            lost += 1
    assert lost == len(calls) - waiting
    assert phoenix.hold(pipe.read_end).result(PATIENCE_S) == waiting + 1
    assert pipe.is_open()
    phoenix.close()
    assert not pipe.is_open()
    # Its process, channel and pidfds are gone, the read end stays.
    assert own_count() <= here + 1


def test_a_receiver_without_room_for_them_says_so(site: cg.Site) -> None:
    phoenix: Any = site.spawn(Phoenix)
    failures: list[BackendRaised] = []
    phoenix.failed.connect(failures.append)
    phoenix.leave_no_room()
    pipe = Pipe()
    call = phoenix.write_to([pipe.write_end])
    pipe.write_end.close()
    with pytest.raises(BrokenError):
        call.result(PATIENCE_S)
    assert "a datagram or its descriptors were cut short" in str(failures[0])
    wait_until(lambda: not pipe.is_open())
    assert phoenix.count().result(PATIENCE_S) > 3


def test_a_program_without_room_for_them_says_so(site: cg.Site) -> None:
    phoenix: Any = site.spawn(Phoenix)
    failures: list[BackendRaised] = []
    phoenix.failed.connect(failures.append)
    pipe = Pipe()
    phoenix.hold(pipe.write_end).result(PATIENCE_S)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        filling = fill_room()
        call = phoenix.give_back(0)
        wait_until(lambda: bool(failures))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    filling.clear()
    with pytest.raises(BrokenError):
        call.result(PATIENCE_S)
    assert "a datagram or its descriptors were cut short" in str(failures[0])
    assert phoenix.count().result(PATIENCE_S) > 3
