"""Pipes of the documented API: what is selected on, and what goes through."""

import fcntl
import os
import resource
import signal
import threading
from collections.abc import Iterator

import pytest

from valkka.multiprocess import Duplex, getPipes, safe_select, to8ByteMessage


@pytest.fixture
def ends() -> Iterator[tuple[Duplex, Duplex]]:
    front, back = getPipes(block_A=True)
    yield front, back
    front.close()
    back.close()


@pytest.mark.effect("valkka.multiprocess.base.getPipes", "valkka.multiprocess.base.Duplex.{send,recv}")
def test_objects_of_any_size_go_both_ways(ends: tuple[Duplex, Duplex]) -> None:
    front, back = ends
    for obj in ({"a": [1, 2]}, bytes(3_000_000)):
        sending = threading.Thread(target=back.send, args=(obj,))
        sending.start()
        assert front.recv() == obj
        sending.join()
    front.send("hello")
    assert safe_select([back], [], [], timeout=5) == ([back], [], [])
    assert back.recv() == "hello"


def test_one_that_does_not_wait_says_so(ends: tuple[Duplex, Duplex]) -> None:
    with pytest.raises(BlockingIOError):
        ends[1].recv()


@pytest.mark.effect("valkka.multiprocess.base.to8ByteMessage")
def test_the_wire_format() -> None:
    for obj in (b"", "abc", list(range(100))):
        message = to8ByteMessage(obj)
        assert int.from_bytes(message[:8], "big") == len(message)
        assert len(message) % 8 == 0


@pytest.mark.effect("valkka.multiprocess.base.Duplex.{fileno,getReadFd,getWriteFd,getReadIO,getWriteIO}")
def test_its_descriptors_and_files(ends: tuple[Duplex, Duplex]) -> None:
    front, back = ends
    assert front.fileno() == front.getReadFd() != front.getWriteFd()
    message = to8ByteMessage("by hand")
    back.getWriteIO().write(message[:5])
    os.write(back.getWriteFd(), message[5:])
    assert front.recv() == "by hand"
    front.getWriteIO().write(message)
    assert back.getReadIO().read(len(message)) == message
    assert back.getReadIO() is back.getReadIO()


@pytest.mark.parametrize("begun", [0, 5, 20])
@pytest.mark.parametrize("which", [0, 1])
def test_the_end_of_the_other_side_is_told(ends: tuple[Duplex, Duplex], begun: int, which: int) -> None:
    os.write(ends[1 - which].getWriteFd(), to8ByteMessage("a message cut off")[:begun])
    ends[1 - which].close()
    with pytest.raises(EOFError):
        ends[which].recv()


def test_two_of_descriptors_of_ones_own() -> None:
    (read_a, write_b), (read_b, write_a) = os.pipe(), os.pipe()
    Duplex(read_a, write_a).send(7)
    assert Duplex(read_b, write_b).recv() == 7
    for fd in (read_a, write_b, read_b, write_a):
        os.close(fd)


@pytest.mark.effect("valkka.multiprocess.base.safe_select")
def test_select() -> None:
    read, write = os.pipe()
    assert safe_select([read], [], [], timeout=0) == ([], [], [])
    assert safe_select([read], [write], [], timeout=5) == ([], [write], [])
    threading.Timer(0.05, os.write, (write, b"x")).start()
    assert safe_select([read], [], []) == ([read], [], [])
    os.read(read, 1)
    os.close(write)
    assert safe_select([read], [], [], timeout=5) == ([read], [], [])
    os.close(read)
    with pytest.raises(OSError, match="closed"):
        safe_select([read], [], [], timeout=0)


def test_selecting_has_no_limit_of_descriptors() -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (2048, limits[1]))
    read, write = os.pipe()
    high = fcntl.fcntl(read, fcntl.F_DUPFD_CLOEXEC, 1500)
    os.write(write, b"x")
    assert safe_select([high], [], [], timeout=5) == ([high], [], [])
    for fd in (read, write, high):
        os.close(fd)
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_a_signal_ends_the_wait() -> None:
    def interrupt(*_: object) -> None:
        raise InterruptedError

    before = signal.signal(signal.SIGUSR1, interrupt)
    read, write = os.pipe()
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1)).start()
    assert safe_select([read], [], [], timeout=10) == ([], [], [])
    signal.signal(signal.SIGUSR1, before)
    os.close(read)
    os.close(write)
