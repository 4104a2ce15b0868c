"""JPEG out of RTP: whole files, whose headers are written anew."""

from tests.unit.media.rtp_streams import encoded, flat, pictures, received, sent

from camgraph.media.rtp.depacketize.jpeg import JpegDepacketizer


def test_a_stream_shows_what_went_in() -> None:
    clip = encoded("mjpeg", count=3)
    units = received(JpegDepacketizer(), flat(sent("mjpeg", clip)))
    assert pictures("mjpeg", [unit.data for unit in units]) == pictures("mjpeg", clip)
    assert all(unit.keyframe and not unit.damaged for unit in units)
