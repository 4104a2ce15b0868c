"""Session descriptions, as a camera answers DESCRIBE."""

import pytest

from camgraph.media.rtsp.sdp import (
    MediaDescription,
    describe_h264,
    h264_parameter_sets,
    session_description,
)

SPS, PPS, SEI, SLICE = b"\x67\x42\xc0\x1f\xda\x01", b"\x68\xce\x0f\xc8", b"\x06\x05\x01\x80", b"\x65\x88\x84"


def test_parameter_sets_are_found_behind_short_and_long_start_codes() -> None:
    unit = b"\0\0\0\1" + SPS + b"\0\0\1" + PPS + b"\0\0\1" + SEI + b"\0\0\0\1" + SLICE
    assert h264_parameter_sets(unit) == [SPS, PPS]
    assert h264_parameter_sets(b"\0\0\1" + SLICE) == []
    assert h264_parameter_sets(b"") == []
    assert h264_parameter_sets(b"\0\0\1\0\0\1") == []


def test_h264_is_described_with_its_profile_and_parameter_sets() -> None:
    assert describe_h264(96, [SPS, PPS]) == MediaDescription(
        "video",
        96,
        "H264/90000",
        "packetization-mode=1; profile-level-id=42c01f; sprop-parameter-sets=Z0LAH9oB,aM4PyA==",
    )
    with pytest.raises(ValueError, match="SPS"):
        describe_h264(96, [PPS])


def test_the_description_of_a_session() -> None:
    audio = MediaDescription("audio", 8, "PCMA/8000")
    assert session_description("front", "192.0.2.7", [describe_h264(96, [SPS, PPS]), audio]).split(
        "\r\n"
    ) == [
        "v=0",
        "o=- 0 0 IN IP4 192.0.2.7",
        "s=front",
        "t=0 0",
        "a=control:*",
        "a=range:npt=now-",
        "m=video 0 RTP/AVP 96",
        "c=IN IP4 0.0.0.0",
        "a=rtpmap:96 H264/90000",
        "a=fmtp:96 packetization-mode=1; profile-level-id=42c01f; sprop-parameter-sets=Z0LAH9oB,aM4PyA==",
        "a=control:track0",
        "m=audio 0 RTP/AVP 8",
        "c=IN IP4 0.0.0.0",
        "a=rtpmap:8 PCMA/8000",
        "a=control:track1",
        "",
    ]
    assert "IN IP6 ::1" in session_description("front", "::1", [audio])
