"""The memory of a ring: a sealed memfd without a name, and mappings that live as long as a view of them."""

import ctypes
import errno
import fcntl
import mmap
import os
from typing import Any

from camgraph.base.errors import BrokenError
from camgraph.ring.forks import forget_in_children

_F_SEAL_FUTURE_WRITE = 0x10
_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
_MAP_FIXED = 0x10
_MAP_NORESERVE = 0x4000
_MADV_POPULATE_WRITE = 23

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = (
    ctypes.c_void_p,
    ctypes.c_size_t,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_long,
)
_libc.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
_libc.madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
_FAILED = ctypes.c_void_p(-1).value


class Pages:
    """A shared mapping of a whole memfd, unmapped when the last array or memoryview over it has died.

    ``numpy.asarray(pages)`` is the array over it: (size,) uint8, read-only unless `writable`. `descriptor`
    is owned: the one that locks are taken with, closed together with the mapping, so that they last as long
    as any view. (`mmap.mmap` would keep one more descriptor open, and it can't be replaced after a fork.)
    """

    def __init__(self, map_descriptor: int, size: int, *, writable: bool, descriptor: int) -> None:
        self._address = 0
        self._size = size
        self._protection = mmap.PROT_READ | (mmap.PROT_WRITE if writable else 0)
        self.descriptor = descriptor
        self.forgotten = False
        address = _libc.mmap(None, size, self._protection, mmap.MAP_SHARED, map_descriptor, 0)
        if address == _FAILED:
            os.close(descriptor)
            self.descriptor = -1
            number = ctypes.get_errno()
            raise OSError(number, f"{size} bytes of a ring can't be mapped: {os.strerror(number)}")
        self._address = address
        forget_in_children(self)

    @property
    def __array_interface__(self) -> dict[str, Any]:
        return self.interface(0, self._size)

    def interface(self, offset: int, length: int) -> dict[str, Any]:
        """Return a part of the memory as numpy takes it; whoever exports it must keep these pages."""
        readonly = not self._protection & mmap.PROT_WRITE
        data = self._address + offset, readonly
        return {"version": 3, "typestr": "|u1", "shape": (length,), "data": data}

    def populate(self, offset: int, length: int) -> bool:
        """Have the kernel bring the pages of a range at once; False: there is no memory for them.

        Writing to them would then be a SIGBUS. Kernels before 5.14 can't, and bring them one by one.
        """
        failed = _libc.madvise(self._address + offset, length, _MADV_POPULATE_WRITE)
        return not failed or ctypes.get_errno() == errno.EINVAL

    def forget_in_child(self) -> None:
        """Put zero pages in the place of the parent's: views stay readable, nothing of the ring is kept."""
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _MAP_FIXED | _MAP_NORESERVE
        _libc.mmap(self._address, self._size, self._protection, flags, -1, 0)
        self.forgotten = True
        self._close_descriptor()

    def _close_descriptor(self) -> None:
        descriptor, self.descriptor = self.descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def __del__(self) -> None:
        address, self._address = self._address, 0
        if address:
            _libc.munmap(address, self._size)
        self._close_descriptor()


def create(name: str, size: int) -> Pages:
    """Return a new ring's memory, mapped writable here and never again: it is sealed afterwards."""
    memfd = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        os.ftruncate(memfd, size)
    except OSError:
        os.close(memfd)
        raise
    pages = Pages(memfd, size, writable=True, descriptor=memfd)
    fcntl.fcntl(memfd, fcntl.F_ADD_SEALS, _SEALS | _F_SEAL_FUTURE_WRITE)
    os.fchmod(memfd, 0o400)
    return pages


def reopen(pages: Pages) -> int:
    """Return a new read-only description of a ring's memory; the caller owns it.

    Each reader gets two of its own: a mapping pins the locks of its description, so the description that
    locks must be another than the one that is mapped.
    """
    return os.open(f"/proc/self/fd/{pages.descriptor}", os.O_RDONLY | os.O_CLOEXEC)


def adopt(map_descriptor: int, lock_descriptor: int, size: int) -> Pages:
    """Return a ring's memory as a reader maps it; takes both descriptors, on failure too.

    Raises BrokenError if it could shrink under the reader, OSError if it can't be mapped.
    """
    try:
        if not _is_sealed(map_descriptor, size):
            os.close(lock_descriptor)
            raise BrokenError("the memory that came for the ring is not sealed")
        return Pages(map_descriptor, size, writable=False, descriptor=lock_descriptor)
    finally:
        os.close(map_descriptor)


def _is_sealed(memfd: int, size: int) -> bool:
    try:
        seals = fcntl.fcntl(memfd, fcntl.F_GET_SEALS)
    except OSError:
        return False
    return seals & _SEALS == _SEALS and os.fstat(memfd).st_size >= size
