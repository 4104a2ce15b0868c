"""The datagrams between the reader and the writer of a ring (SOCK_SEQPACKET, little-endian, no padding).

::

    HELLO    u32 kind = 1, version, leases, format (0: as the camera sends it), width, height; f64 fps;
             u32 roi[4] = x, y, width, height (all 0: the whole picture);
             u32 name_bytes, reserved; stream name in UTF-8                          reader → writer, once
    RING     u32 kind = 2, reader_id, generation, lease_limit, lock_stride, reserved; u64 epoch, size,
             next_seq; u8 uuid[16]; two descriptors: one to map, one to lock with    writer → reader
    FRAME    u32 kind = 3, slot, generation, reserved; u64 seq                       writer → reader
    REFUSED  u32 kind = 4, text_bytes; text in UTF-8; then the connection ends       writer → reader

Width, height and fps are 0 for: as the camera sends it, or as large as the region of interest. Of items the
width is the most bytes that one has, the height 1. Standard
library only: the supervisor reads HELLO to route a reader, and answers REFUSED when there is nowhere to
route it.
"""

import contextlib
import socket
import struct
from dataclasses import dataclass
from typing import NamedTuple

from camgraph.base.pixels import FrameFormat, format_code, format_of_code, is_item_format

VERSION = 2
MAX_DATAGRAM_BYTES = 2048
MAX_LEASES = 64
_MAX_SIDE_PX = 16384
_MAX_ITEM_BYTES = 1 << 28
_MAX_TEXT_BYTES = 1024

_HELLO, _RING, FRAME_KIND, _REFUSED = 1, 2, 3, 4
_KIND = struct.Struct("<I")
_HELLO_BODY = struct.Struct("<6Id4I2I")
_RING_BODY = struct.Struct("<6I3Q16s")
FRAME_LAYOUT = struct.Struct("<4IQ")
FRAME_BYTES = FRAME_LAYOUT.size
WHOLE = (0, 0, 0, 0)
"""The region of interest of a request that has none."""
_REFUSED_BODY = struct.Struct("<2I")


@dataclass(frozen=True, slots=True)
class RingRequest:
    """Which ring a reader wants; equal requests share one ring. 0 (and None): as the camera sends it."""

    stream: str
    format: FrameFormat | None = None
    width: int = 0
    height: int = 0
    fps: float = 0.0
    roi: tuple[int, int, int, int] = WHOLE
    """x, y, width, height in px of the camera's picture."""


@dataclass(frozen=True, slots=True)
class Hello:
    """The first and only datagram of a reader."""

    request: RingRequest
    leases: int = 3
    version: int = VERSION

    def encode(self) -> bytes:
        """Return the datagram."""
        request, name = self.request, self.request.stream.encode()
        code = 0 if request.format is None else format_code(request.format)
        sizes = request.width, request.height, request.fps, *request.roi
        return _HELLO_BODY.pack(_HELLO, self.version, self.leases, code, *sizes, len(name), 0) + name

    @classmethod
    def decode(cls, data: bytes) -> "Hello":
        """Read a datagram; raise ValueError, with a sentence for the reader, if it can't be served."""
        if len(data) < 8 or _KIND.unpack_from(data)[0] != _HELLO:
            raise ValueError("this is not a reader's greeting")
        version = _KIND.unpack_from(data, 4)[0]
        if version != VERSION:
            raise ValueError(f"the reader speaks version {version} of the ring protocol, this side {VERSION}")
        try:
            _, _, leases, code, width, height, fps, *roi, name_bytes, _ = _HELLO_BODY.unpack_from(data)
            name = data[_HELLO_BODY.size :].decode()
        except (struct.error, UnicodeDecodeError):
            raise ValueError("the reader's greeting is damaged") from None
        if len(data) != _HELLO_BODY.size + name_bytes or not name:
            raise ValueError("the reader's greeting is damaged")
        if not 1 <= leases <= MAX_LEASES:
            raise ValueError(f"a reader may hold 1 to {MAX_LEASES} frames, not {leases}")
        pixel_format = format_of_code(code) if code else None
        widest, highest = (_MAX_ITEM_BYTES, 1) if is_item_format(pixel_format) else (_MAX_SIDE_PX,) * 2
        if width > widest or height > highest or (width == 0) != (height == 0):
            raise ValueError(f"frames of {width}x{height} px can't be had; sides are 1 to {widest} px")
        if not 0 <= fps <= 1000:
            raise ValueError(f"fps must be 0 to 1000, not {fps}")
        if any(roi) and (0 in roi[2:] or max(roi) > _MAX_SIDE_PX):
            raise ValueError(f"{roi} is no region of a picture: x, y, then width and height of 1 px or more")
        request = RingRequest(name, pixel_format, width, height, fps, (roi[0], roi[1], roi[2], roi[3]))
        return cls(request, leases, version)


@dataclass(frozen=True, slots=True)
class Ring:
    """Here is your ring, or its next generation; the descriptors to map and to lock with come along."""

    reader_id: int
    generation: int
    lease_limit: int
    lock_stride: int
    epoch: int
    size: int
    next_seq: int
    """The number the next frame will have: what the reader counts losses from."""
    uuid: bytes

    def encode(self) -> bytes:
        """Return the datagram."""
        ids = self.reader_id, self.generation, self.lease_limit, self.lock_stride
        return _RING_BODY.pack(_RING, *ids, 0, self.epoch, self.size, self.next_seq, self.uuid)


class FrameNotice(NamedTuple):
    """A frame lies in a slot, for as long as it is not overwritten: lock the slot, then compare `seq`."""

    slot: int
    generation: int
    seq: int

    def encode(self) -> bytes:
        """Return the datagram."""
        return FRAME_LAYOUT.pack(FRAME_KIND, self.slot, self.generation, 0, self.seq)


@dataclass(frozen=True, slots=True)
class Refused:
    """No ring for this reader, and why, in a sentence."""

    reason: str

    def encode(self) -> bytes:
        """Return the datagram; a text that is too long is cut."""
        text = self.reason.encode()[:_MAX_TEXT_BYTES]
        return _REFUSED_BODY.pack(_REFUSED, len(text)) + text


def decode_answer(data: bytes) -> Ring | FrameNotice | Refused:
    """Read a datagram of a writer; raise ValueError if it is none."""
    try:
        kind = _KIND.unpack_from(data)[0]
        if kind == FRAME_KIND:
            _, slot, generation, _, seq = FRAME_LAYOUT.unpack(data)
            return FrameNotice(slot, generation, seq)
        if kind == _RING:
            _, reader_id, generation, limit, stride, _, epoch, size, seq, uuid = _RING_BODY.unpack(data)
            return Ring(reader_id, generation, limit, stride, epoch, size, seq, uuid)
        if kind == _REFUSED:
            return Refused(data[_REFUSED_BODY.size :].decode(errors="replace"))
    except struct.error:
        raise ValueError(f"a damaged datagram of {len(data)} bytes came from the ring's writer") from None
    raise ValueError(f"a datagram of unknown kind {kind} came from the ring's writer")


def refuse(sock: socket.socket, reason: str) -> None:
    """Tell a reader why there is no ring for it, and end its connection; owns and closes the socket."""
    with contextlib.suppress(OSError), sock:
        sock.setblocking(False)
        sock.send(Refused(reason).encode(), socket.MSG_NOSIGNAL)
