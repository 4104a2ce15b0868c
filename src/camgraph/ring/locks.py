"""Byte-range locks of an open file description (F_OFD_*): what a lease is made of.

They belong to the description, not to the process: closing its last descriptor drops them, so the kernel
drops the locks of the dead. Locks of one description never conflict with each other.
"""

import fcntl
import struct

# struct flock of 64-bit Linux: l_type, l_whence, l_start, l_len, l_pid (must be 0).
_FLOCK = struct.Struct("@hhqqi4x")


def read_lock(start: int, length: int) -> bytes:
    """Return a record for `try_lock`: shared with other readers, refused while a writer is in the range."""
    return _FLOCK.pack(fcntl.F_RDLCK, 0, start, length, 0)


def write_lock(start: int, length: int) -> bytes:
    """Return a record for `try_lock`: refused while anybody else is in the range."""
    return _FLOCK.pack(fcntl.F_WRLCK, 0, start, length, 0)


def no_lock(start: int, length: int) -> bytes:
    """Return a record for `unlock`."""
    return _FLOCK.pack(fcntl.F_UNLCK, 0, start, length, 0)


def try_lock(descriptor: int, record: bytes) -> bool:
    """Take a lock without waiting; False if somebody else is in the range."""
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, record)
    except (BlockingIOError, PermissionError):
        return False
    return True


def unlock(descriptor: int, record: bytes) -> None:
    """Drop the locks of this description in a range."""
    fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, record)


def first_conflict(descriptor: int, record: bytes) -> int | None:
    """Return the offset of a lock that keeps `record` from being taken; None if nothing does."""
    kind, _, start, _, _ = _FLOCK.unpack(fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, record))
    return None if kind == fcntl.F_UNLCK else start
