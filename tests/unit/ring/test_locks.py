import fcntl
import os
from collections.abc import Iterator

import pytest

from camgraph.ring import locks


@pytest.fixture
def memfd() -> Iterator[int]:
    descriptor = os.memfd_create("locks", os.MFD_CLOEXEC)
    yield descriptor
    os.close(descriptor)


@pytest.fixture
def readers(memfd: int) -> Iterator[list[int]]:
    """Two other descriptions, read-only."""
    descriptors = [os.open(f"/proc/self/fd/{memfd}", os.O_RDONLY | os.O_CLOEXEC) for _ in range(2)]
    yield descriptors
    for descriptor in descriptors:
        os.close(descriptor)


def test_readers_share_a_slot_that_the_writer_cant_have(memfd: int, readers: list[int]) -> None:
    writer = locks.write_lock(0, 256)
    assert locks.try_lock(readers[0], locks.read_lock(1, 1))
    assert locks.try_lock(readers[1], locks.read_lock(2, 1))
    assert not locks.try_lock(memfd, writer)
    locks.unlock(readers[0], locks.no_lock(1, 1))
    assert not locks.try_lock(memfd, writer)
    locks.unlock(readers[1], locks.no_lock(2, 1))
    assert locks.try_lock(memfd, writer)
    assert not locks.try_lock(readers[0], locks.read_lock(1, 1))


def test_slots_are_apart(memfd: int, readers: list[int]) -> None:
    assert locks.try_lock(readers[0], locks.read_lock(255, 1))
    assert locks.try_lock(memfd, locks.write_lock(256, 256))


def test_who_is_in_the_way_is_known(memfd: int, readers: list[int]) -> None:
    wanted = locks.write_lock(512, 256)
    assert locks.first_conflict(memfd, wanted) is None
    locks.try_lock(readers[0], locks.read_lock(512 + 7, 1))
    assert locks.first_conflict(memfd, wanted) == 512 + 7


def test_the_last_descriptor_of_a_description_takes_its_locks_along(memfd: int, readers: list[int]) -> None:
    again = os.dup(readers[0])
    locks.try_lock(readers[0], locks.read_lock(0, 1))
    os.close(again)
    assert not locks.try_lock(memfd, locks.write_lock(0, 256))
    os.dup2(readers[1], readers[0])
    assert locks.try_lock(memfd, locks.write_lock(0, 256))


def test_a_reader_cant_take_the_writers_lock(readers: list[int]) -> None:
    with pytest.raises(OSError, match="Bad file descriptor"):
        fcntl.fcntl(readers[0], fcntl.F_OFD_SETLK, locks.write_lock(0, 1))
