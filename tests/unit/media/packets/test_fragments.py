"""The fragmented MP4 of packets: boxes by their bytes, and what FFmpeg makes of them."""

import io
import struct
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

import av
import pytest
from tests.unit.media.encoded import TICKS, TIME_BASE, encode

from camgraph.cli.camera_child import Codec
from camgraph.media.packets.fragments import FragmentItems, Timeline
from camgraph.media.packets.items import Item
from camgraph.media.packets.nal import START_CODE, split_annex_b
from camgraph.media.source import Packet
from camgraph.testing.clips import ClipRequest, ClipStore

GOP = 10


class Times(NamedTuple):
    """What a fragment says of its sample."""

    number: int
    decoded: int
    shown: int
    duration: int
    size: int
    keyframe: bool


def names(items: Sequence[Item]) -> list[str]:
    for item in items:
        assert int.from_bytes(item.data[:4]) == len(item.data)
    return [item.data[4:8].decode() for item in items]


def times(item: Item) -> Times:
    (number,) = struct.unpack_from(">I", item.data, 20)
    (decoded,) = struct.unpack_from(">Q", item.data, 60)
    _, offset_of_data, duration, size, flags, offset = struct.unpack_from(">IiIIIi", item.data, 80)
    assert offset_of_data == len(item.data) + 8
    return Times(number, decoded, decoded + offset, duration, size, flags == 0x02000000)


def all_items(packets: Sequence[Packet], maker: FragmentItems | None = None) -> list[Item]:
    maker = maker or FragmentItems("h264", None)
    return [item for packet in packets for item in maker.items(packet)]


def moofs(items: Sequence[Item]) -> list[Times]:
    return [times(item) for item in items if item.data[4:8] == b"moof"]


def decoded(items: Sequence[Item]) -> list[av.VideoFrame]:
    with av.open(io.BytesIO(b"".join(item.data for item in items)), "r") as container:
        return list(container.decode(video=0))


def shifted(packet: Packet, ticks: int) -> Packet:
    assert packet.pts is not None
    return packet._replace(pts=packet.pts + ticks)


@pytest.mark.parametrize("codec", ["h264", "h265"])
@pytest.mark.parametrize("size", [(640, 360), (322, 182)])
def test_what_ffmpeg_reads_of_the_boxes_is_the_stream(codec: Codec, size: tuple[int, int]) -> None:
    name = "hevc" if codec == "h265" else codec
    clip = ClipStore().make(
        ClipRequest(camera=1, width=size[0], height=size[1], fps=25, codec=codec), lambda: False
    )[:60]
    packets = [
        Packet(unit, 777 + number, Fraction(1, 25), not number % 25, 0, 0, "none")
        for number, unit in enumerate(clip)
    ]
    items = all_items(packets, FragmentItems(name, None))
    assert names(items) == ["ftyp", "moov", *["moof", "mdat"] * len(clip)]
    assert [item.keyframe for item in items[2:]] == [not n % 25 for n in range(60) for _ in range(2)]
    assert [item.begins for item in items] == [True, *[False] * 121]
    with av.open(io.BytesIO(b"".join(item.data for item in items)), "r") as container:
        stream = container.streams.video[0]
        # Of the boxes alone: no packet was looked at.
        assert (stream.codec_context.name, stream.width, stream.height) == (name, *size)
        frames = list(container.decode(stream))
    assert [frame.pts for frame in frames] == [number * TICKS for number in range(60)]


def test_each_packet_is_a_fragment_at_once() -> None:
    maker = FragmentItems("h264", None)
    for number, packet in enumerate(encode(5)):
        assert names(maker.items(packet))[-2:] == ["moof", "mdat"]
        assert number < 5


def test_parameter_sets_lie_in_the_movie_box_alone() -> None:
    packets = encode(12)
    _, moov, *rest = all_items(packets)
    sets = [unit for unit in split_annex_b(packets[0].data) if unit[0] & 0x1F in (7, 8)]
    assert len(sets) == 2
    assert all(unit in moov.data for unit in sets)
    assert not any(unit in item.data for unit in sets for item in rest)


def test_nothing_comes_before_the_parameter_sets_and_a_key_frame() -> None:
    packets = encode(2 * GOP)
    bare = [
        packet._replace(data=b"".join(START_CODE + u for u in split_annex_b(packet.data) if u[0] & 0x1F < 6))
        for packet in packets
    ]
    assert all_items(bare) == []
    sets = b"".join(START_CODE + u for u in split_annex_b(packets[0].data) if u[0] & 0x1F > 6)
    assert len(moofs(all_items(bare[3:], FragmentItems("h264", sets)))) == GOP
    assert len(moofs(all_items(packets[3:]))) == GOP


def test_after_a_gap_it_begins_with_the_header_at_a_key_frame() -> None:
    packets, maker = encode(3 * GOP), FragmentItems("h264", None)
    before = all_items(packets[:5], maker)
    for packet in packets[5:12]:
        maker.skip(packet)
    after = all_items(packets[12:], maker)
    assert names(after)[:4] == ["ftyp", "moov", "moof", "mdat"]
    assert after[0].begins
    assert after[2].keyframe
    assert [t.shown for t in moofs(before + after)] == [n * TICKS for n in (*range(5), *range(20, 30))]
    assert len(decoded(after)) == GOP


def test_a_repeated_header_comes_before_the_next_fragment_whatever_it_is() -> None:
    packets, maker = encode(GOP), FragmentItems("h264", None)
    all_items(packets[:5], maker)
    maker.repeat_header()
    items = all_items(packets[5:], maker)
    assert names(items) == ["ftyp", "moov", *["moof", "mdat"] * 5]
    assert not items[0].begins


def test_changed_parameter_sets_bring_a_new_header() -> None:
    maker = FragmentItems("h264", None)
    items = all_items([*encode(GOP), *(shifted(p, GOP * TICKS) for p in encode(GOP, size=(160, 96)))], maker)
    assert names(items).count("moov") == 2
    second = names(items).index("ftyp", 1)
    frames = decoded(items[second:])
    assert [(frame.width, frame.height) for frame in frames] == [(160, 96)] * GOP


def test_pictures_out_of_order_are_shown_at_their_times_and_decoded_at_growing_ones() -> None:
    packets = encode(3 * GOP, bframes=2)
    items = all_items(packets)
    told = moofs(items)
    assert all(a.decoded < b.decoded for a, b in pairwise(told))
    assert [t.shown for t in told] == [packet.pts for packet in packets]
    assert [t.shown for t in told] != sorted(t.shown for t in told)
    # It learns how far ahead they have to be decoded.
    assert all(t.decoded <= t.shown for t in told[GOP:])
    frames = [frame.pts or 0 for frame in decoded(items[: 2 + 2 * GOP])]
    assert [pts - frames[0] for pts in frames] == [n * TICKS for n in range(GOP)]


@pytest.mark.parametrize("jump", [-(1 << 33), -5 * 90_000, 1 << 40])
def test_times_that_jump_go_on_where_they_were(jump: int) -> None:
    packets = encode(2 * GOP)
    told = moofs(all_items([*packets[:GOP], *(shifted(packet, jump) for packet in packets[GOP:])]))
    assert [t.decoded for t in told] == [n * TICKS for n in range(2 * GOP)]


def test_packets_without_times_follow_one_another() -> None:
    packets = encode(GOP)
    told = moofs(all_items([*packets[:5], *(packet._replace(pts=None) for packet in packets[5:])]))
    assert [t.decoded for t in told] == [n * TICKS for n in range(GOP)]
    assert [t.number for t in told] == list(range(1, GOP + 1))
    assert {t.duration for t in told} == {TICKS}
    assert [t.keyframe for t in told] == [True, *[False] * (GOP - 1)]


def test_fragments_of_a_new_connection_follow_on_those_before() -> None:
    packets, timeline = encode(GOP), Timeline()
    items = all_items(packets[:5], FragmentItems("h264", None, timeline))
    items += all_items([shifted(p, 1 << 32) for p in packets], FragmentItems("h264", None, timeline))
    assert [(t.number, t.shown) for t in moofs(items)] == [(n + 1, n * TICKS) for n in range(GOP + 5)]
    assert names(items).count("moov") == 2


def test_damaged_parameter_sets_make_no_header() -> None:
    cut = START_CODE + b"\x67\x64" + START_CODE + b"\x68\xee" + START_CODE + b"\x65\x80"
    assert all_items([Packet(cut, 0, TIME_BASE, True, 0, 0, "none")]) == []


def test_other_codecs_are_refused_with_a_sentence() -> None:
    with pytest.raises(ValueError, match=r"H\.264 and H\.265, and this is mjpeg"):
        FragmentItems("mjpeg", None)
