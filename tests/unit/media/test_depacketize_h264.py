"""H.264 out of RTP: real streams, and what cameras make of them."""

import base64
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.media.rtp_packets import rtp
from tests.unit.media.rtp_streams import TICKS, annexb, encoded, flat, nals, pictures, received, sent

from camgraph.media.rtp.depacketize import depacketizer_for
from camgraph.media.rtp.depacketize.h264 import H264Depacketizer
from camgraph.media.rtp.units import AccessUnit

SPS, PPS = b"\x67\x42\x00\x1e\xab", b"\x68\xce\x38\x80"
OTHER_SPS, OTHER_PPS = b"\x67\x42\x00\x28\xcd", b"\x68\xce\x38\x81"
AUD, SEI = b"\x09\x10", b"\x06\x05\x01\x41\x80"
IDR, IDR_REST = b"\x65\x88\x80\x10", b"\x65\x08\x81\x11"
P = b"\x41\x9a\x02\x03"


def joined(*units: bytes) -> bytes:
    return b"".join(b"\0\0\0\1" + nal for nal in units)


def take(depacketizer: H264Depacketizer, *payloads: tuple[bytes, int, bool]) -> list[AccessUnit]:
    units = []
    for payload, timestamp, marker in payloads:
        units += depacketizer.push(payload, 0, len(payload), timestamp, marker)
    return units


def sized(*parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(2, "big") + part for part in parts)


@pytest.mark.parametrize("parameters", ["", "slices=4", "slice-max-size=300", "aud=1:slices=2"])
def test_a_stream_comes_out_as_it_went_in(parameters: str) -> None:
    clip = encoded("libx264", parameters)
    units = received(H264Depacketizer({}), flat(sent("h264", clip)))
    assert [unit.data for unit in units] == [annexb(unit) for unit in clip]
    assert [unit.timestamp for unit in units] == [number * TICKS for number in range(len(clip))]
    assert [unit.keyframe for unit in units] == [number % 5 == 0 for number in range(len(clip))]
    assert not any(unit.damaged or unit.refresh for unit in units)


def test_memoryviews_are_as_good_as_bytes() -> None:
    clip = encoded("libx264", "slices=4")
    packets = [memoryview(packet) for packet in flat(sent("h264", clip))]
    assert [unit.data for unit in received(H264Depacketizer({}), packets)] == [annexb(unit) for unit in clip]


@pytest.mark.parametrize("marked", [None, "never", "each"])
def test_markers_may_be_missing_or_on_each_packet_that_ends_a_slice(marked: str | None) -> None:
    clip = encoded("libx264", "slices=4")
    packets = flat(sent("h264", clip))
    if marked == "never":
        packets = [bytes((packet[0], packet[1] & 0x7F)) + packet[2:] for packet in packets]
    elif marked == "each":
        ends = [packet[12] & 0x1F not in (28, 29) or bool(packet[13] & 0x40) for packet in packets]
        packets = [
            bytes((packet[0], packet[1] & 0x7F | end << 7)) + packet[2:]
            for packet, end in zip(packets, ends, strict=True)
        ]
    units = received(H264Depacketizer({}), packets)
    # The marker is believed once: the first picture comes in two parts, the second of which tells it is one.
    parts = 2 if marked == "each" else 1
    assert [unit.data for unit in units][parts:] == [annexb(unit) for unit in clip][1:]
    assert b"".join(unit.data for unit in units[:parts]).endswith(annexb(clip[0])[-1000:])
    assert [unit.damaged for unit in units] == [number == 1 and parts == 2 for number in range(len(units))]


def test_pictures_become_whole_little_by_little() -> None:
    clip = encoded("libx264", "intra-refresh=1", count=16, gop=5)
    units = received(H264Depacketizer({}), flat(sent("h264", clip)))
    assert [unit.data for unit in units] == [annexb(unit) for unit in clip]
    told = [number for number, unit in enumerate(units) if unit.refresh]
    assert not units[0].refresh, "it is an IDR picture"
    assert len(told) >= 2
    assert all(units[number].keyframe for number in told)
    assert [number for number, unit in enumerate(units) if unit.keyframe] == [0, *told]


@pytest.mark.parametrize("fragment_bytes", [1, 7, 1000])
@pytest.mark.parametrize("don", [False, True])
@pytest.mark.parametrize("told", [False, True])
def test_fragments(fragment_bytes: int, don: bool, told: bool) -> None:
    body = random.Random(1).randbytes(50)
    parts = [body[at : at + fragment_bytes] for at in range(0, len(body), fragment_bytes)]
    payloads = []
    for number, part in enumerate(parts):
        first, last = not number, number == len(parts) - 1
        header = bytes((0x60 | (29 if don and first else 28), first << 7 | (last and told) << 6 | 5))
        payloads.append((header + (b"\x01\x02" if don and first else b"") + part, 0, False))
    depacketizer = H264Depacketizer({})
    units = take(depacketizer, (SPS, 0, False), (PPS, 0, False), *payloads, (P, 1, True))
    nal = b"\x65" + body
    expected = [AccessUnit(joined(SPS, PPS, nal), 0, True, not body[0] & 0x80)]
    assert units == [*expected, AccessUnit(joined(P), 1, False, False)]


@pytest.mark.parametrize(
    "payload",
    [
        b"\x78" + sized(AUD, SPS, PPS, IDR, IDR_REST),
        b"\x79\0\1" + sized(AUD, SPS, PPS, IDR, IDR_REST),
        b"\x78" + sized(b"", AUD, SPS, PPS, IDR, IDR_REST, b""),
        b"\x7a\0\1"
        + b"".join(len(nal).to_bytes(2, "big") + b"\0\0\0" + nal for nal in (AUD, SPS, PPS, IDR, IDR_REST)),
        b"\x7b\0\1"
        + b"".join(len(nal).to_bytes(2, "big") + b"\0\0\0\0" + nal for nal in (AUD, SPS, PPS, IDR, IDR_REST)),
        b"\0\0\0\1" + AUD + b"\0\0\1" + SPS + b"\0\0\0\1" + PPS + b"\0\0\1" + IDR + b"\0\0\1" + IDR_REST,
        AUD + b"\0\0\1" + SPS + b"\0\0\0\1" + PPS + b"\0\0\1" + IDR + b"\0\0\1" + IDR_REST,
    ],
    ids=["STAP-A", "STAP-B", "STAP-A, padded", "MTAP16", "MTAP24", "Annex B", "Annex B, begun without"],
)
def test_several_in_one_packet(payload: bytes) -> None:
    assert take(H264Depacketizer({}), (payload, 9, True)) == [
        AccessUnit(joined(AUD, SPS, PPS, IDR, IDR_REST), 9, True, False)
    ]


def test_an_aggregate_that_is_cut_off_is_damaged() -> None:
    payload = b"\x78" + sized(AUD, SPS, PPS, IDR, IDR_REST)
    (unit,) = take(H264Depacketizer({}), (payload[:-1], 0, True))
    assert (unit.data, unit.damaged) == (joined(AUD, SPS, PPS, IDR), True)


def test_what_stands_before_a_picture_may_come_by_itself() -> None:
    units = take(
        H264Depacketizer({}),
        *((SPS, 0, True), (PPS, 0, True), (SEI, 1, True), (IDR, 2, False), (IDR_REST, 2, True), (P, 3, True)),
    )
    assert units == [
        AccessUnit(joined(SPS, PPS, SEI, IDR, IDR_REST), 2, True, False),
        AccessUnit(joined(P), 3, False, False),
    ]


def test_key_pictures_get_the_sets_that_are_known() -> None:
    described = {"sprop-parameter-sets": ",".join(base64.b64encode(nal).decode() for nal in (SPS, PPS))}
    depacketizer = H264Depacketizer(described)
    assert depacketizer.parameter_sets == joined(SPS, PPS)
    assert [unit.data for unit in take(depacketizer, (IDR, 0, True), (P, 1, True))] == [
        joined(SPS, PPS, IDR),
        joined(P),
    ]
    changed = take(depacketizer, (OTHER_SPS, 2, False), (OTHER_PPS, 2, False), (IDR, 2, True), (IDR, 3, True))
    assert [unit.data for unit in changed] == 2 * [joined(OTHER_SPS, OTHER_PPS, IDR)]
    assert depacketizer.parameter_sets == joined(OTHER_SPS, OTHER_PPS)
    (half,) = take(depacketizer, (PPS, 4, False), (IDR, 4, True))
    assert half.data == joined(OTHER_SPS, PPS, PPS, IDR)


@pytest.mark.parametrize(
    "text", ["", "!!!,", "Z0IAHqs", "Z0IAHqs=,aM44gA==,", '"Z0IAHqs=,aM44gA=="', "AAAAAWdCAB6r"]
)
def test_described_sets_may_be_written_badly(text: str) -> None:
    known = H264Depacketizer({"sprop-parameter-sets": text}).parameter_sets
    assert known in (b"", joined(SPS), joined(SPS, PPS))
    assert bool(known) == (len(text) > 4)


class TestAfterAGap:
    """What is damaged when packets are missing, and what is not."""

    def begun(self, *, in_band: bool) -> H264Depacketizer:
        sets = [(SPS, 0, False), (PPS, 0, False)]
        described = {"sprop-parameter-sets": ",".join(base64.b64encode(nal).decode() for nal in (SPS, PPS))}
        depacketizer = H264Depacketizer(described)
        units = take(depacketizer, *(sets if in_band else []), (IDR, 0, True), (P, 1, True))
        assert [unit.damaged for unit in units] == [False, False]
        depacketizer.lost()
        return depacketizer

    def test_a_picture_that_needs_others_is_damaged_once(self) -> None:
        units = take(self.begun(in_band=True), (P, 3, True), (P, 4, True))
        assert [unit.damaged for unit in units] == [True, False]

    def test_a_key_picture_is_whole_without_those_before(self) -> None:
        depacketizer = self.begun(in_band=True)
        units = take(depacketizer, (SPS, 3, False), (PPS, 3, False), (IDR, 3, True), (P, 4, True))
        assert [unit.damaged for unit in units] == [False, False]

    def test_described_sets_are_enough(self) -> None:
        (unit,) = take(self.begun(in_band=False), (IDR, 3, True))
        assert unit == AccessUnit(joined(SPS, PPS, IDR), 3, True, False)

    @pytest.mark.parametrize("left", [(), (PPS,), (SPS,)])
    def test_sets_that_may_be_missing_are_a_damage(self, left: tuple[bytes, ...]) -> None:
        (unit,) = take(self.begun(in_band=True), *((nal, 3, False) for nal in left), (IDR, 3, True))
        assert unit.keyframe
        assert unit.damaged

    def test_a_key_picture_without_its_first_slice_is_damaged(self) -> None:
        (unit,) = take(self.begun(in_band=False), (IDR_REST, 3, True))
        assert unit.keyframe
        assert unit.damaged

    def test_the_rest_of_a_picture_damages_no_key_picture_after_it(self) -> None:
        rest = (b"\x7c\x05abc", 3, False), (b"\x7c\x45abc", 3, True)
        (unit,) = take(self.begun(in_band=False), *rest, (IDR, 4, True))
        assert unit == AccessUnit(joined(SPS, PPS, IDR), 4, True, False)

    def test_a_gap_in_a_key_picture_damages_it_and_the_next_picture_that_needs_it(self) -> None:
        depacketizer = H264Depacketizer({})
        take(depacketizer, (SPS, 0, False), (PPS, 0, False), (IDR, 0, False))
        depacketizer.lost()
        units = take(depacketizer, (IDR_REST, 0, True), (P, 1, True))
        assert [unit.damaged for unit in units] == [True, False], "the decoder keeps it in mind"

    def test_a_gap_at_the_end_damages_what_is_held(self) -> None:
        depacketizer = H264Depacketizer({})
        take(depacketizer, (SPS, 0, False), (PPS, 0, False), (IDR, 0, False))
        depacketizer.lost()
        assert [unit.damaged for unit in take(depacketizer, (P, 1, True))] == [True, True]

    def test_the_beginning_of_a_fragmented_slice_is_kept(self) -> None:
        depacketizer = H264Depacketizer({})
        take(depacketizer, (SPS, 0, False), (PPS, 0, False), (b"\x7c\x85\x88abc", 0, False))
        depacketizer.lost()
        assert take(depacketizer, (b"\x7c\x45def", 0, True)) == [
            AccessUnit(joined(SPS, PPS, b"\x65\x88abc"), 0, True, True)
        ]

    def test_a_gap_is_no_proof_that_markers_lie(self) -> None:
        depacketizer = self.begun(in_band=False)
        units = take(depacketizer, (b"\x41\x1a", 1, True), (IDR, 2, True), (P, 3, True))
        assert [(unit.timestamp, unit.damaged) for unit in units] == [(1, True), (2, False), (3, False)]

    def test_a_refresh_is_damaged(self) -> None:
        recovery = b"\x06\x06\x01\x50\x80"
        depacketizer = self.begun(in_band=False)
        (unit,) = take(depacketizer, (recovery, 3, False), (P, 3, True))
        assert unit.keyframe
        assert unit.damaged


def test_a_key_picture_whose_sets_are_not_known_is_damaged() -> None:
    units = take(H264Depacketizer({}), (SPS, 0, False), (IDR, 0, True), (PPS, 1, False), (IDR, 1, True))
    assert [(unit.data, unit.damaged) for unit in units] == [
        (joined(SPS, SPS, IDR), True),
        (joined(SPS, PPS, PPS, IDR), False),
    ]


def test_a_picture_without_end_is_dropped() -> None:
    depacketizer = H264Depacketizer({})
    body = b"\x7c\x01" + bytes(1 << 20)
    assert not take(depacketizer, (b"\x7c\x81\x9a", 0, False), *[(body, 0, False)] * 20)
    units = take(depacketizer, (SPS, 1, False), (PPS, 1, False), (IDR, 1, True))
    assert [(unit.data, unit.damaged) for unit in units] == [(joined(SPS, PPS, IDR), False)]


def test_what_comes_out_can_be_decoded() -> None:
    clip = encoded("libx264", "slices=4")
    sets = [nal for nal in nals(clip[0]) if nal[0] & 0x1F in (7, 8)]
    described = {"sprop-parameter-sets": ",".join(base64.b64encode(nal).decode() for nal in sets)}
    bare = [joined(*(nal for nal in nals(unit) if nal not in sets)) for unit in clip]
    units = received(H264Depacketizer(described), flat(sent("h264", bare)))
    assert pictures("h264", [unit.data for unit in units]) == pictures("h264", clip)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [b"", b"\x7c\x85", b"\x7c\x05", b"\x7c\x45", b"\x7d\x85", b"\x78", b"\x06\x06", SPS]
            )
            | st.binary(max_size=2),
            st.binary(max_size=12),
            st.integers(0, 3),
            st.sampled_from(["", "marker", "lost", "flush"]),
        )
    )
)
def test_whatever_comes_does_no_harm(packets: list[tuple[bytes, bytes, int, str]]) -> None:
    depacketizer = H264Depacketizer({"sprop-parameter-sets": "Z0IAHqs=,aM44gA=="})
    for head, body, timestamp, event in packets:
        if event == "lost":
            depacketizer.lost()
        elif event == "flush":
            depacketizer.flush()
        packet = rtp(0, head + body, timestamp)
        for unit in depacketizer.push(packet, 12, len(packet), timestamp, event == "marker"):
            assert unit.data.startswith(b"\0\0\0\1")
            assert unit.timestamp in range(4)


def test_each_encoding_has_its_codec() -> None:
    latm = {"config": "400024203fc0"}
    encodings = ("H264", "H265", "JPEG", "MPEG4-GENERIC", "MP4A-LATM", "PCMU", "PCMA", "VP8")
    found = [depacketizer_for(encoding, latm) for encoding in encodings]
    names = [None if each is None else each[0] for each in found]
    assert names == ["h264", "hevc", "mjpeg", "aac", "aac", "pcm_mulaw", "pcm_alaw", None]
