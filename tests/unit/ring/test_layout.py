import re
import struct
from collections.abc import Callable

import pytest

from camgraph.base.pixels import PIXEL_FORMATS, PixelFormat, planes_of
from camgraph.ring import layout
from camgraph.ring.layout import SLOT_HEADER, Geometry, RingHeader, SlotHeader


def told_offsets(section: str) -> dict[str, tuple[int, str]]:
    """Field name → (offset, type), as the module's description tells them."""
    text = (layout.__doc__ or "").partition(section)[2].partition("\n\n")[0]
    return {
        name: (int(offset), kind)
        for offset, kind, name in re.findall(r"(\d+) ([ui](?:8|16|32|64)) (\w+)", text)
    }


def test_every_told_offset_of_a_slots_header_is_where_the_value_lies() -> None:
    told = told_offsets("slot header i, at")
    values = SlotHeader(*range(1, len(SlotHeader._fields) + 1))
    data = SLOT_HEADER.pack(*values)
    sizes = {"u16": "<H", "u32": "<I", "u64": "<Q", "i64": "<q"}
    named = {name: value for name, value in values._asdict().items() if not re.search(r"_[0-3]$", name)}
    assert set(named) <= set(told)
    for name, value in named.items():
        offset, kind = told[name]
        assert struct.unpack_from(sizes[kind], data, offset) == (value,), name
    for field, (offset, kind) in {name: told[name] for name in ("plane_offset", "plane_stride")}.items():
        first = getattr(values, f"{field}_0")
        found = struct.unpack_from(f"<4{sizes[kind][1]}", data, offset)
        assert found == tuple(range(first, first + 4))
    assert len(data) == 160


def test_the_part_that_each_frame_writes_is_the_part_that_is_told() -> None:
    told = told_offsets("slot header i, at")
    assert told["codec_generation"][0] == layout.SLOT_FRAME_OFFSET
    assert layout.SLOT_FRAME_OFFSET + layout.SLOT_FRAME.size == layout.SLOT_PICTURE_OFFSET
    assert told["epoch"][0] == layout.SLOT_PICTURE_OFFSET
    assert told["publish_ns"][0] == layout.PUBLISH_WORD * 8


def test_every_told_offset_of_the_rings_header_is_where_the_value_lies() -> None:
    told = told_offsets("ring header, at 0")
    header = RingHeader.plan(generation=3, slots=5, epoch=77, capacity=10_000)
    memory = bytearray(header.size)
    header.pack_into(memoryview(memory))
    assert bytes(memory[:8]) == b"CAMGRNG1"
    assert bytes(memory[told["uuid"][0] :][:16]) == header.uuid
    for name, value in {**header._asdict(), "version": 1, "features": 0}.items():
        if name != "uuid":
            offset, kind = told[name]
            assert struct.unpack_from({"u32": "<I", "u64": "<Q"}[kind], memory, offset) == (value,), name
    assert told["newest"] == (layout.NEWEST_OFFSET, "u64")


def test_a_ring_is_laid_out_in_whole_pages() -> None:
    header = RingHeader.plan(1, 1024, 1, 640 * 360 * 3)
    assert header.payload_offset % 4096 == header.slot_stride % 4096 == 0
    assert header.slot_header_at(1024) <= header.payload_offset
    assert header.payload_at(1023) + header.capacity <= header.size


def test_a_rings_header_survives() -> None:
    header = RingHeader.plan(2, 9, 1 << 60, 12_345)
    memory = memoryview(bytearray(header.size))
    header.pack_into(memory)
    assert RingHeader.unpack_from(memory) == header


@pytest.mark.parametrize(
    ("offset", "kind", "value", "sentence"),
    [
        (0, "<Q", 0, "not a camgraph ring"),
        (8, "<I", 2, "version 2"),
        (12, "<I", 0x80, "features 0x80"),
        (20, "<I", 1 << 20, "contradicts"),
        (28, "<I", 64, "contradicts"),
        (48, "<Q", 0, "contradicts"),
        (64, "<Q", 1 << 40, "contradicts"),
    ],
)
def test_a_ring_that_cant_be_read_is_refused(offset: int, kind: str, value: int, sentence: str) -> None:
    header = RingHeader.plan(1, 4, 1, 1000)
    memory = bytearray(header.size)
    header.pack_into(memoryview(memory))
    struct.pack_into(kind, memory, offset, value)
    with pytest.raises(ValueError, match=sentence):
        RingHeader.unpack_from(memoryview(memory))


@pytest.mark.parametrize("pixel_format", PIXEL_FORMATS)
@pytest.mark.parametrize("size", [(64, 48), (33, 17)])
def test_the_header_tells_where_the_planes_lie(pixel_format: PixelFormat, size: tuple[int, int]) -> None:
    memory = bytearray(256)
    Geometry(pixel_format, *size).pack_into(memoryview(memory), 0, 5)
    header = SlotHeader._make(SLOT_HEADER.unpack_from(memory))
    planes = planes_of(pixel_format, *size)
    assert (header.epoch, header.width, header.height, header.planes) == (5, *size, len(planes))
    assert [header.plane_offset_0, header.plane_offset_1, header.plane_offset_2][: len(planes)] == [
        plane.offset for plane in planes
    ]
    assert header.length == planes[-1].offset + planes[-1].stride * planes[-1].height


@pytest.mark.parametrize("codes", [layout.QUALITY_CODES, layout.RANGE_CODES, layout.MATRIX_CODES])
def test_codes_are_unambiguous(codes: "Callable[[], object]") -> None:
    assert len(set(codes.values())) == len(codes)  # type: ignore[attr-defined,arg-type]
