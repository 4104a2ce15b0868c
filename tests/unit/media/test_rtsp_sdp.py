"""Session descriptions, as a camera answers DESCRIBE."""

import pytest

from camgraph.media.rtsp.sdp import (
    MediaDescription,
    describe_h264,
    describe_h265,
    describe_video,
    h264_parameter_sets,
    h265_parameter_sets,
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


H265_VPS = bytes.fromhex("40010c01ffff01600000030090000003000003001eba0240")
H265_SPS = bytes.fromhex(
    "42010101600000030090000003000003001ea0142061f265ba4a4c2e6a02020208000003000800000300c840"
)
H265_PPS = bytes.fromhex("4401c0718112")


def test_h265_is_described_with_its_profile_and_parameter_sets() -> None:
    sets = [H265_VPS, H265_SPS, H265_PPS]
    unit = b"".join(b"\0\0\0\1" + nal for nal in [*sets, b"\x26\x01" + SLICE])
    assert h265_parameter_sets(unit) == sets
    described = describe_video("hevc", unit)
    assert described == describe_h265(96, sets)
    # Main profile, main tier, level 1; emulation prevention is no part of the constraints.
    assert described.parameters == (
        "profile-space=0; tier-flag=0; profile-id=1; interop-constraints=900000000000; level-id=30; "
        "sprop-vps=QAEMAf//AWAAAAMAkAAAAwAAAwAeugJA; "
        "sprop-sps=QgEBAWAAAAMAkAAAAwAAAwAeoBQgYfJlukpMLmoCAgIIAAADAAgAAAMAyEA=; sprop-pps=RAHAcYES"
    )
    with pytest.raises(ValueError, match="SPS"):
        describe_h265(96, [H265_VPS, H265_PPS])


def test_jpeg_needs_no_more_than_its_number() -> None:
    assert describe_video("mjpeg", b"\xff\xd8") == MediaDescription("video", 26, "JPEG/90000")


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
