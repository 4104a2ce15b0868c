"""Descriptions as cameras write them, with what some get wrong; and any text at all."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camgraph.media.rtsp.description import Description, parse_description
from camgraph.media.rtsp.sdp import MediaDescription, session_description

CAMERA = """v=0
o=- 1700000000 1 IN IP4 192.168.1.64
s=Media Presentation
c=IN IP4 239.1.1.1/16
b=AS:5050
t=0 0
a=control:rtsp://192.168.1.64/Streaming/101/
m=video 0 RTP/AVP 96
b=AS:5000
a=recvonly
a=x-dimensions:1920,1080
a=framerate:12.5
a=control:rtsp://192.168.1.64/Streaming/101/trackID=1
a=rtpmap:96 H264/90000
a=fmtp:96 profile-level-id=4D0029; packetization-mode=1; sprop-parameter-sets=Z00AKp2oHgCJ+WbgIA==,aO48gA==
m=audio 5004/2 RTP/AVP 97
c=IN IP6 ff0e::1/3
a=rtpmap:97 mpeg4-generic/16000/2
a=fmtp:97 streamtype=5;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config=1408
a=control:trackID=2
m=application 0 RTP/AVP 107
a=rtpmap:107 vnd.onvif.metadata/90000
"""


def test_a_camera() -> None:
    description = parse_description(CAMERA.replace("\n", "\r\n"))
    assert description.control == "rtsp://192.168.1.64/Streaming/101/"
    video, audio, metadata = description.tracks
    assert (video.kind, video.payload_type, video.encoding, video.clock_rate) == ("video", 96, "H264", 90000)
    assert video.parameters == {
        "profile-level-id": "4D0029",
        "packetization-mode": "1",
        "sprop-parameter-sets": "Z00AKp2oHgCJ+WbgIA==,aO48gA==",
    }
    assert (video.width, video.height, video.fps) == (1920, 1080, 12.5)
    assert video.control == "rtsp://192.168.1.64/Streaming/101/trackID=1"
    assert (video.address, video.port) == ("239.1.1.1", 0)
    assert (audio.encoding, audio.clock_rate, audio.channels) == ("MPEG4-GENERIC", 16000, 2)
    assert (audio.address, audio.port, audio.control) == ("ff0e::1", 5004, "trackID=2")
    assert audio.parameters["config"] == "1408"
    assert (metadata.kind, metadata.encoding, metadata.control) == ("application", "VND.ONVIF.METADATA", "")


@pytest.mark.parametrize(
    ("payload_type", "kind", "encoding", "clock_rate", "channels"),
    [
        (0, "audio", "PCMU", 8000, 1),
        (8, "audio", "PCMA", 8000, 1),
        (14, "audio", "MPA", 90000, 0),
        (26, "video", "JPEG", 90000, 0),
        (96, "video", "", 90000, 0),
    ],
)
def test_without_rtpmap(payload_type: int, kind: str, encoding: str, clock_rate: int, channels: int) -> None:
    (track,) = parse_description(f"v=0\nm={kind} 0 RTP/AVP {payload_type}").tracks
    assert (track.encoding, track.clock_rate, track.channels) == (encoding, clock_rate, channels)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("a=rtpmap:96 h265", {"encoding": "H265", "clock_rate": 90000}),
        ("a=rtpmap:96   H264 / 90000 ", {"encoding": "H264", "clock_rate": 90000}),
        ("a=rtpmap:97 VP8/90000\na=rtpmap:96 H264/90000", {"encoding": "H264"}),
        ("a=fmtp:96 a=1;;B = 2 ;c; =3", {"parameters": {"a": "1", "b": "2", "c": ""}}),
        ("a=framesize:96 640-480", {"width": 640, "height": 480}),
        ("a=x-dimensions: 640, 480", {"width": 640, "height": 480}),
        ("a=x-dimensions:wide", {"width": 0, "height": 0}),
        ("a=framerate:30000/1001", {"fps": 30000 / 1001}),
        ("a=framerate:25/0", {"fps": 25.0}),
        ("a=framerate:many", {"fps": 0.0}),
        ("a=framerate:90000", {"fps": 0.0}),
        ("a=x-dimensions:99999,480", {"width": 0, "height": 0}),
        ("c=IN IP4 224.0.0.1/999999999999", {"address": "224.0.0.1"}),
        (" A = control: track1 ", {"control": "track1"}),
        ("c=\nb=\na=\nx\n=\na=:", {"address": "", "control": ""}),
    ],
)
def test_what_cameras_get_wrong(lines: str, expected: dict[str, object]) -> None:
    (track,) = parse_description(f"m=video 0 RTP/AVP 96\n{lines}\n").tracks
    assert {name: getattr(track, name) for name in expected} == expected


def test_media_that_cannot_be_read_are_left_out() -> None:
    for media in ("video", "video 0 RTP/AVP", "video 0 RTP/AVP x", "video 0 RTP/AVP 128", "video 0 udp ²"):
        text = f"v=0\na=control:*\nm={media}\na=control:lost\nm=video 99999999999 RTP/AVP 26 96\n"
        description = parse_description(text)
        assert description.control == "*"
        assert [(track.payload_type, track.port, track.control) for track in description.tracks] == [
            (26, 0, "")
        ]


def test_what_is_no_description() -> None:
    for text in ("", "<html></html>", "s=x", "\0\0", "v\r\n=\r\nm=\r\n"):
        with pytest.raises(ValueError, match="neither"):
            parse_description(text)
    assert parse_description("v=0") == Description("", ())


@given(st.text(max_size=300), st.lists(st.text(max_size=40), max_size=4))
def test_any_text_is_judged(text: str, values: list[str]) -> None:
    names = ("c=IN IP4 ", "a=rtpmap:96 ", "a=fmtp:96 ", "a=x-dimensions:")
    lines = "\n".join(name + value for name, value in zip(names, values, strict=False))
    for each in (f"v=0\nm=video 0 RTP/AVP 96\n{lines}\n{text}", f"v=0\nm={text}\n{lines}"):
        for track in parse_description(each).tracks:
            assert 0 <= track.payload_type <= 127
            assert track.clock_rate > 0
    with suppress(ValueError):
        parse_description(text)


@given(
    st.lists(
        st.builds(
            MediaDescription,
            st.sampled_from(["video", "audio"]),
            st.integers(96, 127),
            st.sampled_from(["H264/90000", "H265/90000"]),
            st.sampled_from(["", "a=1", "a=1; b=2"]),
        ),
        max_size=3,
    )
)
def test_our_own_servers(media: list[MediaDescription]) -> None:
    description = parse_description(session_description("name", "::1", media))
    assert description.control == "*"
    assert [(track.kind, track.payload_type) for track in description.tracks] == [
        (each.kind, each.payload_type) for each in media
    ]
    assert [f"{track.encoding}/{track.clock_rate}" for track in description.tracks] == [
        each.encoding for each in media
    ]
    assert [track.control for track in description.tracks] == [f"track{index}" for index in range(len(media))]
