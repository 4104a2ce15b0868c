"""How a ring lies in its memory: little-endian, every offset told in the ring's header.

::

    ring header, at 0
      0 u8 magic[8] "CAMGRNG1"   8 u32 version      12 u32 features (unknown bits: refuse)
     16 u32 generation          20 u32 slots        24 u32 slot_header_offset  28 u32 slot_header_bytes
     32 u32 lock_stride         36 u32 reserved     40 u64 epoch               48 u64 payload_offset
     56 u64 slot_stride         64 u64 capacity     72 u8 uuid[16]
     88 u64 touched: so many slots, the first ones, have been written; the headers of others must not be
        looked at, that would take memory                                      96 reserved
    128 u64 newest = seq << 16 | slot, a hint without a lock: verify it under the slot's lock

    slot header i, at slot_header_offset + i · slot_header_bytes
      0 u64 seq (0: nothing whole)
      8 u64 codec_generation    16 i64 pts (NO_PTS: none)    24 i64 capture_ns (wall clock)
     32 i64 arrival_ns          40 i64 publish_ns (both monotonic)
     48 u32 capture_quality     52 u32 time_base_num    56 u32 time_base_den    60 u32 aspect_num
     64 u32 aspect_den          68 u32 colour_matrix    72 u32 colour_range     76 u16 flags 78 u16 tag
     80 u64 epoch               88 u64 length           96 u32 width           100 u32 height
    104 u32 pixel_format       108 u32 planes          112 u64 plane_offset[4] 144 u32 plane_stride[4]
    160 reserved
    each slot tells of the frame in it: the pictures of one ring may differ in size, and items (nal, …), of
    which the width is their length and the height 1, do

    payload i, at payload_offset + i · slot_stride: `capacity` bytes, page-aligned
    lock bytes of slot i: i · lock_stride + reader_id for a reader, all lock_stride of them for the writer
"""

import mmap
import struct
from collections.abc import Mapping
from typing import Literal, NamedTuple
from uuid import uuid4

from camgraph.base.pixels import FrameFormat, format_code, is_item_format, picture_bytes, planes_of

CaptureQuality = Literal["none", "arrival", "rtcp"]
ColorRange = Literal["tv", "pc"]
Colorspace = Literal["unspecified", "rgb", "bt709", "bt470bg", "smpte170m", "bt2020nc"]

MAGIC = b"CAMGRNG1"
VERSION = 1
KNOWN_FEATURES = 0
LOCK_STRIDE = 256
SLOT_HEADER_OFFSET = 256
SLOT_HEADER_BYTES = 256
TOUCHED_OFFSET = 88
NEWEST_OFFSET = 128
NEWEST_SLOT_BITS = 16
MAX_SLOTS = 1024
NO_PTS = -(1 << 63)

KEYFRAME, CORRUPT, INTERLACED = 1, 2, 4

QUALITY_CODES: Mapping[CaptureQuality, int] = {"none": 0, "arrival": 1, "rtcp": 2}
RANGE_CODES: Mapping[ColorRange, int] = {"tv": 1, "pc": 2}
# The numbers of ITU-T H.273, matrix coefficients.
MATRIX_CODES: Mapping[Colorspace, int] = {
    "rgb": 0,
    "bt709": 1,
    "unspecified": 2,
    "bt470bg": 5,
    "smpte170m": 6,
    "bt2020nc": 9,
}
QUALITIES = {code: name for name, code in QUALITY_CODES.items()}
RANGES = {code: name for name, code in RANGE_CODES.items()}
MATRICES = {code: name for name, code in MATRIX_CODES.items()}

_RING_HEADER = struct.Struct("<8s8I4Q16s")
SLOT_HEADER = struct.Struct("<2Q4q7I2H2Q4I4Q4I")
SLOT_FRAME_OFFSET = 8
SLOT_FRAME = struct.Struct("<Q4q7I2H")
"""The part of a slot's header that every frame writes anew, `seq` apart: that one is written last."""
PUBLISH_WORD = 5  # of a slot's header, in u64
SLOT_PICTURE_OFFSET = 80
SLOT_PICTURE = struct.Struct("<2Q4I4Q4I")
"""The part that is the same for every frame of a generation, unless it has another size."""


class RingHeader(NamedTuple):
    """The fixed part of a ring's header."""

    generation: int
    slots: int
    epoch: int
    payload_offset: int
    slot_stride: int
    capacity: int
    uuid: bytes
    slot_header_offset: int = SLOT_HEADER_OFFSET
    slot_header_bytes: int = SLOT_HEADER_BYTES
    lock_stride: int = LOCK_STRIDE

    @classmethod
    def plan(cls, generation: int, slots: int, epoch: int, capacity: int) -> "RingHeader":
        """Lay out a ring of `slots` slots of `capacity` payload bytes."""
        return cls(
            generation,
            slots,
            epoch,
            _header_pages(slots),
            whole_pages(capacity),
            capacity,
            uuid4().bytes,
        )

    @property
    def size(self) -> int:
        """Bytes from the header to the end of the last slot."""
        return self.payload_offset + self.slots * self.slot_stride

    def slot_header_at(self, slot: int) -> int:
        """Return the offset of a slot's header."""
        return self.slot_header_offset + slot * self.slot_header_bytes

    def payload_at(self, slot: int) -> int:
        """Return the offset of a slot's payload."""
        return self.payload_offset + slot * self.slot_stride

    def pack_into(self, memory: memoryview) -> None:
        """Write the header to the beginning of a ring."""
        _RING_HEADER.pack_into(
            memory,
            0,
            MAGIC,
            VERSION,
            KNOWN_FEATURES,
            self.generation,
            self.slots,
            self.slot_header_offset,
            self.slot_header_bytes,
            self.lock_stride,
            0,
            self.epoch,
            self.payload_offset,
            self.slot_stride,
            self.capacity,
            self.uuid,
        )

    @classmethod
    def unpack_from(cls, memory: memoryview) -> "RingHeader":
        """Read a ring's header; raise ValueError if this version can't read the ring."""
        fields = _RING_HEADER.unpack_from(memory)
        magic, version, features, generation, slots, headers_at, header_bytes, lock_stride, _ = fields[:9]
        if magic != MAGIC:
            raise ValueError("the memory that came is not a camgraph ring")
        if version != VERSION or features & ~KNOWN_FEATURES:
            raise ValueError(
                f"the ring has version {version} and features {features:#x}; "
                f"this camgraph reads version {VERSION} and features {KNOWN_FEATURES:#x}"
            )
        epoch, payload_offset, slot_stride, capacity, uuid = fields[9:]
        header = cls(
            generation,
            slots,
            epoch,
            payload_offset,
            slot_stride,
            capacity,
            uuid,
            headers_at,
            header_bytes,
            lock_stride,
        )
        fits = (
            header.slot_header_at(slots) <= header.payload_offset
            and header.slot_header_bytes >= SLOT_HEADER.size
            and header.capacity <= header.slot_stride
            and header.size <= len(memory)
        )
        if not fits:
            raise ValueError("the ring's header contradicts the ring's size")
        return header


class SlotHeader(NamedTuple):
    """What a slot's header says of the frame in it, in the order of the bytes."""

    seq: int
    codec_generation: int
    pts: int
    capture_ns: int
    arrival_ns: int
    publish_ns: int
    capture_quality: int
    time_base_num: int
    time_base_den: int
    aspect_num: int
    aspect_den: int
    colour_matrix: int
    colour_range: int
    flags: int
    tag: int
    epoch: int
    length: int
    width: int
    height: int
    pixel_format: int
    planes: int
    plane_offset_0: int
    plane_offset_1: int
    plane_offset_2: int
    plane_offset_3: int
    plane_stride_0: int
    plane_stride_1: int
    plane_stride_2: int
    plane_stride_3: int


class Geometry(NamedTuple):
    """The picture that a generation of a ring holds, the largest; of items: their most bytes, and 1."""

    format: FrameFormat
    width: int
    height: int

    @property
    def length(self) -> int:
        """Payload bytes of a frame."""
        return picture_bytes(self.format, self.width, self.height)

    def smaller(self, width: int, height: int) -> "Geometry":
        """Return the geometry of a picture of another size; raise ValueError if it has no place here."""
        geometry = Geometry(self.format, width, height)
        if min(width, height) < 1 or geometry.length > self.length:
            raise ValueError(f"{width}x{height} px have no place in a ring of {self.width}x{self.height} px")
        return geometry

    def of_item(self, size_bytes: int) -> "Geometry":
        """Return the geometry of an item of so many bytes; raise ValueError if it has no place here."""
        if not is_item_format(self.format):
            raise ValueError(f"the ring has pictures, {self.format}, and no items")
        if not 1 <= size_bytes <= self.width:
            raise ValueError(f"an item of this ring has 1 to {self.width} bytes, not {size_bytes}")
        return Geometry(self.format, size_bytes, 1)

    def pack_into(self, memory: memoryview, slot_header_at: int, epoch: int) -> None:
        """Write the picture's part of a slot's header."""
        planes = planes_of(*self)
        none = [0] * (4 - len(planes))
        SLOT_PICTURE.pack_into(
            memory,
            slot_header_at + SLOT_PICTURE_OFFSET,
            epoch,
            self.length,
            self.width,
            self.height,
            format_code(self.format),
            len(planes),
            *(plane.offset for plane in planes),
            *none,
            *(plane.stride for plane in planes),
            *none,
        )


def resident_bytes(slots: int, capacity: int) -> int:
    """Return the bytes of memory that a ring takes once so many of its slots have been written."""
    return _header_pages(slots) + slots * whole_pages(capacity)


def _header_pages(slots: int) -> int:
    return whole_pages(SLOT_HEADER_OFFSET + slots * SLOT_HEADER_BYTES)


def whole_pages(size: int) -> int:
    """Round a number of bytes up to whole pages."""
    return -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
