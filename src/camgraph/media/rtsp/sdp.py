"""Session descriptions (RFC 4566): what a camera sends, told before it does."""

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MediaDescription:
    """One stream of RTP: `encoding` is name and clock (``H264/90000``), `parameters` the fmtp line."""

    kind: str
    payload_type: int
    encoding: str
    parameters: str = ""


def describe_h264(payload_type: int, parameter_sets: Sequence[bytes]) -> MediaDescription:
    """Return the description of an H.264 stream (RFC 6184) with these SPS and PPS, without start codes.

    Raises ValueError if there is no SPS among them.
    """
    profile = next((nal[1:4].hex() for nal in parameter_sets if nal[0] & 0x1F == 7 and len(nal) > 3), None)
    if profile is None:
        raise ValueError("an H.264 stream can't be described without its SPS")
    sets = ",".join(base64.b64encode(nal).decode() for nal in parameter_sets)
    parameters = f"packetization-mode=1; profile-level-id={profile}; sprop-parameter-sets={sets}"
    return MediaDescription("video", payload_type, "H264/90000", parameters)


def h264_parameter_sets(access_unit: bytes) -> list[bytes]:
    """Return the SPS and PPS (NAL types 7 and 8) of an access unit or of extradata in Annex B form."""
    return [nal for nal in _annexb_nals(access_unit) if nal[0] & 0x1F in (7, 8)]


def session_description(name: str, host: str, media: Sequence[MediaDescription]) -> str:
    """Return the text that answers DESCRIBE; the control path of stream *i* is ``track<i>``."""
    version = 6 if ":" in host else 4
    lines = ["v=0", f"o=- 0 0 IN IP{version} {host}", f"s={name}", "t=0 0", "a=control:*", "a=range:npt=now-"]
    for index, stream in enumerate(media):
        lines += [
            f"m={stream.kind} 0 RTP/AVP {stream.payload_type}",
            f"c=IN IP{version} {'::' if version == 6 else '0.0.0.0'}",
            f"a=rtpmap:{stream.payload_type} {stream.encoding}",
        ]
        if stream.parameters:
            lines.append(f"a=fmtp:{stream.payload_type} {stream.parameters}")
        lines.append(f"a=control:track{index}")
    return "".join(f"{line}\r\n" for line in lines)


def _annexb_nals(data: bytes) -> Iterator[bytes]:
    start = data.find(b"\0\0\1")
    while start >= 0:
        end = data.find(b"\0\0\1", start + 3)
        nal = data[start + 3 : end if end >= 0 else len(data)].rstrip(b"\0")
        if nal:
            yield nal
        start = end
