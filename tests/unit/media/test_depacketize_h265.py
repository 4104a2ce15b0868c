"""H.265 out of RTP: real streams, and what cameras make of them."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.media.rtp_streams import annexb, encoded, flat, nals, pictures, received, sent

from camgraph.media.rtp.depacketize.h265 import H265Depacketizer
from camgraph.media.rtp.units import AccessUnit

VPS, SPS, PPS = b"\x40\x01\x0c\x01", b"\x42\x01\x01\x02", b"\x44\x01\xc1\x03"
IDR, IDR_REST = b"\x26\x01\xaf\x04", b"\x26\x01\x2f\x05"
CRA, P, SEI = b"\x2a\x01\xad\x06", b"\x02\x01\xd0\x07", b"\x4e\x01\x05\x01\x41\x80"


def joined(*units: bytes) -> bytes:
    return b"".join(b"\0\0\0\1" + nal for nal in units)


def take(depacketizer: H265Depacketizer, *payloads: tuple[bytes, int, bool]) -> list[AccessUnit]:
    units = []
    for payload, timestamp, marker in payloads:
        units += depacketizer.push(payload, 0, len(payload), timestamp, marker)
    return units


def described(*sets: bytes) -> dict[str, str]:
    names = ("sprop-vps", "sprop-sps", "sprop-pps")
    return {name: base64.b64encode(nal).decode() for name, nal in zip(names, sets, strict=True)}


@pytest.mark.parametrize("parameters", ["repeat-headers=1", "slices=4:repeat-headers=1:aud=1"])
def test_a_stream_comes_out_as_it_went_in(parameters: str) -> None:
    clip = encoded("libx265", parameters)
    units = received(H265Depacketizer({}), flat(sent("hevc", clip)))
    assert [unit.data for unit in units] == [annexb(unit) for unit in clip]
    assert [unit.keyframe for unit in units] == [number % 5 == 0 for number in range(len(clip))]
    assert not any(unit.damaged for unit in units)


def test_what_comes_out_can_be_decoded() -> None:
    clip = encoded("libx265", "repeat-headers=1")
    sets = [nal for nal in nals(clip[0]) if nal[0] >> 1 in (32, 33, 34)]
    bare = [joined(*(nal for nal in nals(unit) if nal not in sets)) for unit in clip]
    depacketizer = H265Depacketizer(described(*sets))
    assert depacketizer.parameter_sets == joined(*sets)
    units = received(depacketizer, flat(sent("hevc", bare)))
    assert pictures("hevc", [unit.data for unit in units]) == pictures("hevc", clip)


@pytest.mark.parametrize("numbered", [False, True])
def test_each_way_of_sending(numbered: bool) -> None:
    number, difference = (b"\x12\x34", b"\x01") if numbered else (b"", b"")
    aggregated = b"\x60\x01" + number
    aggregated += difference.join(len(nal).to_bytes(2, "big") + nal for nal in (VPS, SPS, PPS))
    body = b"\xaf" + bytes(range(40))
    depacketizer = H265Depacketizer({"sprop-max-don-diff": "2" if numbered else "0"})
    units = take(
        depacketizer,
        (aggregated, 0, False),
        (b"\x62\x01\x93" + number + body[:20], 0, False),
        (b"\x62\x01\x13" + body[20:30], 0, False),
        (b"\x62\x01\x53" + body[30:], 0, True),
        (P[:2] + number + P[2:], 1, True),
    )
    assert units == [
        AccessUnit(joined(VPS, SPS, PPS, b"\x26\x01" + body), 0, True, False),
        AccessUnit(joined(P), 1, False, False),
    ]


def test_markers_that_lie_are_not_believed() -> None:
    depacketizer = H265Depacketizer(described(VPS, SPS, PPS))
    payloads = [(nal, at, True) for at in range(3) for nal in (SEI, IDR, IDR_REST, IDR_REST)]
    units = take(depacketizer, *payloads) + depacketizer.flush()
    whole = joined(VPS, SPS, PPS, SEI, IDR, IDR_REST, IDR_REST)
    assert units[2:] == [AccessUnit(whole, at, True, False) for at in (1, 2)]


@pytest.mark.parametrize(("key", "damaged"), [(IDR, False), (b"\x20\x01\xa0", False), (CRA, True)])
def test_a_gap_before_a_key_picture(key: bytes, damaged: bool) -> None:
    # Pictures that are sent after a CRA picture may refer to others before it.
    depacketizer = H265Depacketizer(described(VPS, SPS, PPS))
    take(depacketizer, (IDR, 0, True), (P, 1, True))
    depacketizer.lost()
    assert take(depacketizer, (key, 3, True)) == [AccessUnit(joined(VPS, SPS, PPS, key), 3, True, damaged)]


def test_a_recovery_point_is_a_refresh() -> None:
    depacketizer = H265Depacketizer(described(VPS, SPS, PPS))
    recovery = b"\x4e\x01\x06\x01\x28\x80"
    (unit,) = take(depacketizer, (recovery, 0, False), (P, 0, True))
    assert unit == AccessUnit(joined(VPS, SPS, PPS, recovery, P), 0, True, False, True)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [b"", b"\x62\x01\x93", b"\x62\x01\x13", b"\x62\x01\x53", b"\x60\x01", b"\x4e\x01\x06"]
            )
            | st.binary(max_size=3),
            st.binary(max_size=12),
            st.integers(0, 3),
            st.sampled_from(["", "marker", "lost", "flush"]),
        )
    ),
    st.booleans(),
)
def test_whatever_comes_does_no_harm(packets: list[tuple[bytes, bytes, int, str]], numbered: bool) -> None:
    depacketizer = H265Depacketizer({"sprop-max-don-diff": "1"} if numbered else {})
    for head, body, timestamp, event in packets:
        if event == "lost":
            depacketizer.lost()
        elif event == "flush":
            depacketizer.flush()
        for unit in take(depacketizer, (head + body, timestamp, event == "marker")):
            assert unit.data.startswith(b"\0\0\0\1")
            assert unit.timestamp in range(4)
