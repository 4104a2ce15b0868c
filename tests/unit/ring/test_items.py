"""Items of bytes in a ring: each has its own length, and comes out as it went in."""

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from camgraph.base.pixels import ITEM_FORMATS, ItemFormat
from camgraph.ring.protocol import Hello, RingRequest
from camgraph.ring.writer import FrameMeta

if TYPE_CHECKING:
    from tests.unit.ring.conftest import Site

LONGEST = 9000


@pytest.mark.parametrize("kind", ITEM_FORMATS)
def test_items_come_out_as_they_went_in(site: "Site", kind: ItemFormat) -> None:
    writer = site.writer(kind, LONGEST, 1)
    reader = site.reader(writer, policy="every", leases=8)
    items = [b"x", bytes(range(256)) * 30, b"\0\0\0\1", bytes(LONGEST)]
    for number, data in enumerate(items):
        assert writer.publish_bytes(data, FrameMeta(pts=number, tag=number + 7, keyframe=number == 1))
    frames = [reader.read(timeout=5) for _ in items]
    for number, (frame, data) in enumerate(zip(frames, items, strict=True)):
        assert bytes(frame.memory) == data
        assert frame.array.tobytes() == data
        assert frame.array.shape == (len(data),)
        assert (frame.format, frame.width, frame.height) == (kind, len(data), 1)
        assert (frame.pts, frame.tag, frame.keyframe) == (number, number + 7, number == 1)


@pytest.mark.parametrize("data", [b"", bytes(LONGEST + 1)])
def test_an_item_without_place_is_refused_and_costs_nothing(site: "Site", data: bytes) -> None:
    writer = site.writer("bytes", LONGEST, 1)
    reader = site.reader(writer, policy="every")
    with pytest.raises(ValueError, match=f"1 to {LONGEST} bytes, not {len(data)}"):
        writer.publish_bytes(data, FrameMeta())
    assert writer.publish_bytes(np.arange(5, dtype=np.uint8), FrameMeta())
    assert bytes(reader.read(timeout=5).memory) == bytes(range(5))


def test_pictures_are_no_items(site: "Site") -> None:
    writer = site.writer("gray8")
    site.reader(writer)
    with pytest.raises(ValueError, match="gray8"):
        writer.publish_bytes(b"x", FrameMeta())


@given(kind=st.sampled_from(ITEM_FORMATS), size=st.integers(1, 1 << 28))
def test_a_greeting_may_ask_for_items_longer_than_any_side(kind: ItemFormat, size: int) -> None:
    hello = Hello(RingRequest("front", kind, size, 1))
    assert Hello.decode(hello.encode()) == hello


def test_a_greeting_that_asks_for_impossible_items_is_refused() -> None:
    for size in ((1 << 28) + 1, 1), (100, 2), (100, 0):
        with pytest.raises(ValueError, match="can't be had"):
            Hello.decode(Hello(RingRequest("front", "bytes", *size)).encode())
