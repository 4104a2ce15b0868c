"""H.265 out of RTP: real streams, and what cameras make of them."""

import pytest
from tests.unit.media.rtp_streams import annexb, encoded, flat, received, sent

from camgraph.media.rtp.depacketize.h265 import H265Depacketizer


@pytest.mark.parametrize("parameters", ["repeat-headers=1", "slices=4:repeat-headers=1:aud=1"])
def test_a_stream_comes_out_as_it_went_in(parameters: str) -> None:
    clip = encoded("libx265", parameters)
    units = received(H265Depacketizer({}), flat(sent("hevc", clip)))
    assert [unit.data for unit in units] == [annexb(unit) for unit in clip]
    assert [unit.keyframe for unit in units] == [number % 5 == 0 for number in range(len(clip))]
    assert not any(unit.damaged for unit in units)
