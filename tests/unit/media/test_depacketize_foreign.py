"""Cameras that change their codec within a session, and those whose every packet has a marker."""

import pytest
from tests.unit.media.rtp_streams import annexb, encoded, flat, received, sent

from camgraph.media.rtp.depacketize import depacketizer_for
from camgraph.media.rtp.depacketize.h264 import H264Depacketizer
from camgraph.media.rtp.depacketize.h265 import H265Depacketizer
from camgraph.media.rtp.depacketize.nal import NalDepacketizer

ENCODERS = {"h264": "libx264", "hevc": "libx265", "mjpeg": "mjpeg"}
KINDS: dict[str, type[NalDepacketizer]] = {"h264": H264Depacketizer, "hevc": H265Depacketizer}


@pytest.mark.parametrize("parameters", ["", "slices=4:aud=1:repeat-headers=1"])
@pytest.mark.parametrize("comes", ["h264", "hevc", "mjpeg"])
@pytest.mark.parametrize("expected", ["h264", "hevc"])
def test_another_codec_is_found_out_within_its_first_pictures(
    expected: str, comes: str, parameters: str
) -> None:
    clip = encoded(ENCODERS[comes], "" if comes == "mjpeg" else parameters)
    depacketizer = KINDS[expected]({})
    for number, packet in enumerate(flat(sent(comes, clip))):
        received(depacketizer, [packet])
        assert not depacketizer.foreign or expected != comes, f"taken for foreign at packet {number}"
    assert depacketizer.foreign == (expected != comes)


def test_padding_is_of_no_other_codec() -> None:
    found = depacketizer_for("H264", {})
    assert found is not None
    depacketizer = found[1]
    assert isinstance(depacketizer, H264Depacketizer)
    for _ in range(100):
        depacketizer.push(b"\x0c\xff\xff\x80", 0, 4, 0, False)
    assert not depacketizer.foreign


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_markers_on_each_packet_are_believed_once(codec: str) -> None:
    clip = encoded(ENCODERS[codec], "repeat-headers=1")
    packets = [bytes((packet[0], packet[1] | 0x80)) + packet[2:] for packet in flat(sent(codec, clip))]
    first, second, *others = received(KINDS[codec]({}), packets)
    assert len(first.data) < len(annexb(clip[0]))
    assert second.damaged
    assert [unit.data for unit in others] == [annexb(unit) for unit in clip[2:]]
    assert not any(unit.damaged for unit in others)
