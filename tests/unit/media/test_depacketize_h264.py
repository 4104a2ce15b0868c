"""H.264 out of RTP: real streams, and what cameras make of them."""

import pytest
from tests.unit.media.rtp_streams import TICKS, annexb, encoded, flat, received, sent

from camgraph.media.rtp.depacketize import depacketizer_for
from camgraph.media.rtp.depacketize.h264 import H264Depacketizer


@pytest.mark.parametrize("parameters", ["", "slices=4", "slice-max-size=300"])
def test_a_stream_comes_out_as_it_went_in(parameters: str) -> None:
    clip = encoded("libx264", parameters)
    units = received(H264Depacketizer({}), flat(sent("h264", clip)))
    assert [unit.data for unit in units] == [annexb(unit) for unit in clip]
    assert [unit.timestamp for unit in units] == [number * TICKS for number in range(len(clip))]
    assert [unit.keyframe for unit in units] == [number % 5 == 0 for number in range(len(clip))]
    assert not any(unit.damaged or unit.refresh for unit in units)


def test_each_encoding_has_its_codec() -> None:
    latm = {"config": "400024203fc0"}
    encodings = ("H264", "H265", "JPEG", "MPEG4-GENERIC", "MP4A-LATM", "PCMU", "PCMA", "VP8")
    found = [depacketizer_for(encoding, latm) for encoding in encodings]
    names = [None if each is None else each[0] for each in found]
    assert names == ["h264", "hevc", "mjpeg", "aac", "aac", "pcm_mulaw", "pcm_alaw", None]
