"""Datagrams between front and back end: a small header, a name, a body or the memfd that holds it.

Descriptors of the body's own come after that memfd.
"""

import fcntl
import mmap
import os
import struct
from enum import IntEnum
from typing import NamedTuple

from camgraph.base.descriptors import MAX_DESCRIPTORS, close_all
from camgraph.base.errors import BrokenError

MAX_INLINE_BYTES = 64 * 1024
REPORT = struct.Struct("<4Q")
MOST_DESCRIPTORS = MAX_DESCRIPTORS - 1
"""In one message, beside the memfd."""
_HEADER = struct.Struct("<4sBBHQQ")
_MAGIC = b"CGm2"
_IN_MEMFD = 1
_MAX_NAME_BYTES = 1024
MAX_DATAGRAM_BYTES = _HEADER.size + _MAX_NAME_BYTES + MAX_INLINE_BYTES
# F_SEAL_WRITE would be refused (EBUSY) while the kernel itself holds a page, as when it moves memory about.
# There is no mapping yet, so forbidding what comes later is as much.
_F_SEAL_FUTURE_WRITE = 0x10
_SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | _F_SEAL_FUTURE_WRITE


class Kind(IntEnum):
    """What a datagram is. The body is a pickle unless said otherwise."""

    CALL = 1
    """Front → back: name of the method; (args, kwargs). With a token: an answer is wanted."""
    WATCH = 2
    """Front → back: a request."""
    UNWATCH = 3
    """Front → back: a request, or the name of a stream."""
    MESSAGE = 4
    """Back → front: name of the message; values in the order of its fields."""
    FAILED = 5
    """Back → front: (summary, traceback)."""
    REPORT = 6
    """Back → front: frames, messages, lost messages, calls served, as `REPORT`."""
    TAKEN = 7
    """Both ways: bytes received in memfds so far, as one u64. The channel's own."""
    WATCHED = 8
    """Front → back: all requests it is to watch, no others; the first to one that was started again."""
    READY = 9
    """Back → front: `setup` is done."""
    RESULT = 10
    """Back → front: what the call with this token returned."""
    RAISED = 11
    """Back → front: what the call with this token raised: (summary, traceback)."""


_KINDS = {kind.value: kind for kind in Kind}


class Envelope(NamedTuple):
    """A datagram, received."""

    kind: Kind
    name: str
    body: bytes
    token: int = 0
    descriptors: tuple[int, ...] = ()
    """Of the body; the receiver owns them."""


def pack(kind: Kind, name: str, body: bytes, token: int = 0) -> tuple[bytes, int]:
    """Return a datagram, and the memfd to send with it (-1: none), which the caller owns."""
    encoded = name.encode()
    if len(encoded) > _MAX_NAME_BYTES:
        raise ValueError(f"the name {name[:40]!r}… is too long")
    if len(body) <= MAX_INLINE_BYTES:
        return _HEADER.pack(_MAGIC, kind, 0, len(encoded), len(body), token) + encoded + body, -1
    header = _HEADER.pack(_MAGIC, kind, _IN_MEMFD, len(encoded), len(body), token)
    return header + encoded, _memfd_of(body)


def unpack(data: bytes, descriptors: list[int]) -> tuple[Envelope, int]:
    """Return what a datagram holds, and how many bytes came in a memfd.

    Takes over the descriptors. Raises BrokenError for what no camgraph has sent.
    """
    try:
        if len(data) < _HEADER.size:
            raise BrokenError(f"a datagram of {len(data)} bytes has no header")
        magic, code, flags, name_bytes, body_bytes, token = _HEADER.unpack_from(data)
        start = _HEADER.size + name_bytes
        kind = _KINDS.get(code)
        if magic != _MAGIC or kind is None or flags & ~_IN_MEMFD or start > len(data):
            raise BrokenError("a datagram has a header that no camgraph wrote")
        try:
            name = data[_HEADER.size : start].decode()
        except UnicodeDecodeError:
            raise BrokenError("a datagram has a name that is no text") from None
        if flags & _IN_MEMFD:
            if not descriptors:
                raise BrokenError("a datagram came without the descriptor of its body")
            body = _body_of(descriptors[0], body_bytes)
            os.close(descriptors.pop(0))
        elif len(data) - start != body_bytes:
            raise BrokenError(f"a datagram has {len(data) - start} bytes of {body_bytes}")
        else:
            body = data[start:]
    except BaseException:
        close_all(descriptors)
        raise
    return Envelope(kind, name, body, token, tuple(descriptors)), body_bytes if flags & _IN_MEMFD else 0


def _memfd_of(body: bytes) -> int:
    fd = os.memfd_create("camgraph-message", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        view = memoryview(body)
        while view:
            view = view[os.write(fd, view) :]
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, _SEALS)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _body_of(fd: int, size_bytes: int) -> bytes:
    # Unsealed, the sender could shrink it while it is read here: that would be SIGBUS.
    try:
        seals = fcntl.fcntl(fd, fcntl.F_GET_SEALS)
    except OSError:
        seals = 0
    if seals & _SEALS != _SEALS or os.fstat(fd).st_size != size_bytes:
        raise BrokenError("a datagram came with a descriptor that is no sealed message")
    with mmap.mmap(fd, size_bytes, prot=mmap.PROT_READ) as memory:
        return memory[:]
