import gc
import mmap
import os
import resource
import weakref
from collections.abc import Iterator

import numpy as np
import pytest

from camgraph.base.errors import BrokenError
from camgraph.ring.memory import Pages, adopt, create, reopen

SIZE = 16 * mmap.PAGESIZE


@pytest.fixture
def pages() -> Iterator[Pages]:
    pages = create("camgraph-test", SIZE)
    yield pages
    del pages
    gc.collect()


def test_what_the_writer_writes_the_reader_sees(pages: Pages) -> None:
    seen = np.asarray(adopt(reopen(pages), reopen(pages), SIZE))
    np.asarray(pages)[1000:1003] = (1, 2, 3)
    assert seen[999:1004].tolist() == [0, 1, 2, 3, 0]


def test_a_reader_cant_write_by_any_way(pages: Pages) -> None:
    descriptor = reopen(pages)
    try:
        with pytest.raises(PermissionError):
            mmap.mmap(descriptor, SIZE, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.pwrite(descriptor, b"x", 0)
        array = np.asarray(adopt(os.dup(descriptor), os.dup(descriptor), SIZE))
        assert not array.flags.writeable
        with pytest.raises(ValueError, match="WRITEABLE"):
            array.flags.writeable = True
        with pytest.raises(ValueError, match="WRITEABLE"):
            array[3:].setflags(write=True)
    finally:
        os.close(descriptor)


def test_root_cant_write_either_having_opened_it_anew(pages: Pages) -> None:
    try:
        descriptor = os.open(f"/proc/self/fd/{pages.descriptor}", os.O_RDWR | os.O_CLOEXEC)
    except PermissionError:
        return  # not root: the mode has refused it already
    try:
        with pytest.raises(PermissionError):
            mmap.mmap(descriptor, SIZE, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
        with pytest.raises(PermissionError):
            os.pwrite(descriptor, b"x", 0)
        for size in (0, 2 * SIZE):
            with pytest.raises(PermissionError):
                os.ftruncate(descriptor, size)
    finally:
        os.close(descriptor)


def test_memory_that_could_shrink_under_the_reader_is_refused() -> None:
    memfd = os.memfd_create("unsealed", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(memfd, SIZE)
    before = set(os.listdir("/proc/self/fd"))
    with pytest.raises(BrokenError, match="sealed"):
        adopt(os.dup(memfd), os.dup(memfd), SIZE)
    with open("/proc/self/status", "rb") as file, pytest.raises(BrokenError, match="sealed"):
        adopt(os.dup(file.fileno()), os.dup(memfd), SIZE)
    assert set(os.listdir("/proc/self/fd")) == before
    os.close(memfd)


def test_memory_that_is_smaller_than_told_is_refused(pages: Pages) -> None:
    with pytest.raises(BrokenError, match="sealed"):
        adopt(reopen(pages), reopen(pages), SIZE + 1)


def test_a_mapping_that_fails_keeps_no_descriptor(pages: Pages) -> None:
    before = set(os.listdir("/proc/self/fd"))
    limits = resource.getrlimit(resource.RLIMIT_AS)
    to_map, to_lock = reopen(pages), reopen(pages)
    resource.setrlimit(resource.RLIMIT_AS, (0, limits[1]))
    try:
        with pytest.raises(OSError, match="can't be mapped"):
            adopt(to_map, to_lock, SIZE)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)
    assert set(os.listdir("/proc/self/fd")) == before


def test_the_mapping_and_its_descriptor_last_as_long_as_a_view(pages: Pages) -> None:
    reader = adopt(reopen(pages), reopen(pages), SIZE)
    descriptor, gone = reader.descriptor, weakref.ref(reader)
    view = np.asarray(reader)[10:].data[5:]
    del reader
    assert gone() is not None
    os.fstat(descriptor)
    assert view[0] == 0
    del view
    assert gone() is None
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


def test_pages_can_be_populated_at_once(pages: Pages) -> None:
    assert pages.populate(0, SIZE)
    resident = os.fstat(pages.descriptor).st_blocks * 512
    assert resident == SIZE
