"""Whatever a camera sends, its packets are split and put into boxes without an error."""

import functools
from typing import Literal

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.media.encoded import TIME_BASE

from camgraph.cli.camera_child import Codec
from camgraph.media.packets.fragments import FragmentItems
from camgraph.media.packets.nal import START_CODE
from camgraph.media.packets.units import NalItems
from camgraph.media.source import Packet
from camgraph.testing.clips import ClipRequest, ClipStore


@functools.cache
def clip(codec: Codec) -> list[bytes]:
    return ClipStore().make(ClipRequest(1, 320, 180, 25, codec), lambda: False)[:3]


Name = Literal["h264", "hevc"]
NAMES = st.sampled_from(("h264", "hevc"))
PTS = st.none() | st.integers(-(1 << 63), (1 << 63) - 1)
NEAR_START = st.tuples(st.integers(0, 60), st.integers(0, 255))


@given(
    name=NAMES,
    changes=st.lists(NEAR_START, max_size=6),
    pts=st.lists(PTS, min_size=3, max_size=3),
    cut=st.integers(0, 400),
)
def test_damaged_packets(name: Name, changes: list[tuple[int, int]], pts: list[int | None], cut: int) -> None:
    makers = FragmentItems(name, None), NalItems(name, None)
    for number, (unit, told) in enumerate(zip(clip("h265" if name == "hevc" else "h264"), pts, strict=True)):
        data = bytearray(unit[: cut or None])
        for at, value in changes:
            data[at % len(data)] = value
        packet = Packet(bytes(data), told, TIME_BASE, not number, 0, 0, "none")
        for maker in makers:
            for item in maker.items(packet):
                assert item.data


@given(name=NAMES, extradata=st.binary(max_size=80), data=st.binary(max_size=200), avcc=st.booleans())
def test_noise(name: Name, extradata: bytes, data: bytes, avcc: bool) -> None:
    told = (b"\1" if avcc else START_CODE) + extradata
    for maker in (FragmentItems(name, told), NalItems(name, told), NalItems("mjpeg", told)):
        for packet in (data, START_CODE + data, b""):
            for item in maker.items(Packet(packet, 0, TIME_BASE, True, 0, 0, "none")):
                assert item.data
