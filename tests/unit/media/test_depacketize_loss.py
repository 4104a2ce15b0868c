"""Whatever packets are missing: what comes out undamaged is what was sent, and what is shown is right."""

from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.media.rtp_streams import flat, received, sent, timed

from camgraph.media.decode import VideoDecoder
from camgraph.media.rtp.depacketize import depacketizer_for
from camgraph.media.rtp.units import AccessUnit
from camgraph.media.source import Packet, StreamInfo

_COUNT = 24
_GOP = 6
_STREAMS = {
    "slices": ("h264", "libx264", f"slices=4:keyint={_GOP}:min-keyint={_GOP}"),
    "small slices": ("h264", "libx264", f"slice-max-size=700:aud=1:keyint={_GOP}:min-keyint={_GOP}"),
    "refresh": ("h264", "libx264", "intra-refresh=1"),
    "h265": ("hevc", "libx265", "slices=4:repeat-headers=1"),
    "jpeg": ("mjpeg", "mjpeg", ""),
    "open": ("hevc", "libx265", "open-gop=1:bframes=2:b-adapt=0:rc-lookahead=8:repeat-headers=1"),
}
_TIME_BASE = Fraction(1, 25)
_ENCODINGS = {"h264": "H264", "hevc": "H265", "mjpeg": "JPEG"}


class Stream(NamedTuple):
    codec: str
    packets: list[list[bytes]]
    """Those of each unit, whose timestamps count units in the order of sending."""
    units: list[AccessUnit]
    """What comes of them when none is lost."""
    shown: list[int]
    """When each unit is shown."""


@cache
def stream(name: str) -> Stream:
    codec, encoder, parameters = _STREAMS[name]
    clip = timed(encoder, parameters, count=_COUNT, gop=_GOP)
    packets = sent(codec, [unit for unit, _ in clip], ticks=1)
    units = after_loss(codec, flat(packets), set())
    assert [unit.timestamp for unit in units] == list(range(_COUNT))
    return Stream(codec, packets, units, [number for _, number in clip])


def after_loss(codec: str, packets: Sequence[bytes], missing: set[int]) -> list[AccessUnit]:
    found = depacketizer_for(_ENCODINGS[codec], {})
    assert found is not None
    return received(
        found[1], [None if number in missing else packet for number, packet in enumerate(packets)]
    )


def missing(packets: int) -> st.SearchStrategy[set[int]]:
    """Give sets of lost packets: bursts, as networks make them."""
    burst = st.tuples(st.integers(0, packets - 1), st.integers(1, 12) | st.just(1))
    return st.lists(burst, min_size=1, max_size=4).map(
        lambda bursts: {first + number for first, count in bursts for number in range(count)}
    )


@pytest.mark.parametrize("name", _STREAMS)
@settings(max_examples=60)
@given(data=st.data(), markers=st.booleans())
def test_what_is_not_damaged_is_what_was_sent(name: str, data: st.DataObject, markers: bool) -> None:
    codec, packets, sent_units, _ = stream(name)
    row = flat(packets)
    gone = data.draw(missing(len(row)))
    if not markers:
        row = [bytes((packet[0], packet[1] & 0x7F)) + packet[2:] for packet in row]
    before = -1
    for unit in after_loss(codec, row, gone):
        number = unit.timestamp
        assert number > before
        if not unit.damaged:
            assert unit == sent_units[number]
            assert number == before + 1 or (unit.keyframe and not unit.refresh)
        before = number


@pytest.mark.parametrize("name", ["slices", "small slices", "h265", "jpeg"])
@settings(max_examples=40)
@given(data=st.data())
def test_a_key_picture_that_came_whole_is_not_damaged(name: str, data: st.DataObject) -> None:
    codec, packets, sent_units, _ = stream(name)
    gone = data.draw(missing(len(flat(packets))))
    units = {unit.timestamp: unit for unit in after_loss(codec, flat(packets), gone)}
    number = 0
    for unit, own in zip(sent_units, packets, strict=True):
        came = not gone & set(range(number, number + len(own)))
        number += len(own)
        if unit.keyframe and came:
            assert units[unit.timestamp] == unit


@pytest.mark.parametrize("name", ["slices", "small slices", "h265", "open"])
@settings(max_examples=30)
@given(data=st.data())
def test_each_picture_that_is_shown_is_right(name: str, data: st.DataObject) -> None:
    codec, packets, _, _ = stream(name)
    gone = data.draw(missing(len(flat(packets))))
    whole = decoded_whole(name)
    for number, picture in decoded(stream(name), after_loss(codec, flat(packets), gone)).items():
        assert picture == whole[number]


@cache
def decoded_whole(name: str) -> dict[int, bytes]:
    found = decoded(stream(name), stream(name).units)
    assert sorted(found) == list(range(_COUNT))
    return found


def decoded(stream: Stream, units: Sequence[AccessUnit]) -> dict[int, bytes]:
    """Return the pictures that are shown, by their numbers."""
    decoder = VideoDecoder(StreamInfo(stream.codec, None, 0, 0, 0.0))
    pictures = []
    for unit in units:
        at = stream.shown[unit.timestamp]
        packet = Packet(
            unit.data, at, _TIME_BASE, unit.keyframe, at, at, "arrival", unit.damaged, unit.refresh
        )
        pictures += decoder.decode(packet)
    pictures += decoder.rest()
    return {
        picture.packet.pts: picture.frame.to_ndarray().tobytes()
        for picture in pictures
        if picture.packet.pts is not None
    }
