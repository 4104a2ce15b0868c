"""Session descriptions (RFC 4566): what a camera sends, told before it does."""

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_H265_SETS = {32: "sprop-vps", 33: "sprop-sps", 34: "sprop-pps"}


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


def describe_h265(payload_type: int, parameter_sets: Sequence[bytes]) -> MediaDescription:
    """Return the description of an H.265 stream (RFC 7798) with these VPS, SPS and PPS, without start codes.

    Raises ValueError if there is no SPS among them.
    """
    sets = {
        name: ",".join(base64.b64encode(nal).decode() for nal in parameter_sets if _h265_type(nal) == kind)
        for kind, name in _H265_SETS.items()
    }
    sps = next((nal for nal in parameter_sets if _h265_type(nal) == 33), b"").replace(b"\0\0\3", b"\0\0")
    if len(sps) < 15:
        raise ValueError("an H.265 stream can't be described without its SPS")
    # The profile, tier and level of the SPS: one byte, 4 of compatibility, 6 of constraints, one byte.
    parameters = [
        f"profile-space={sps[3] >> 6}",
        f"tier-flag={sps[3] >> 5 & 1}",
        f"profile-id={sps[3] & 0x1F}",
        f"interop-constraints={sps[8:14].hex()}",
        f"level-id={sps[14]}",
        *(f"{name}={value}" for name, value in sets.items() if value),
    ]
    return MediaDescription("video", payload_type, "H265/90000", "; ".join(parameters))


def h265_parameter_sets(access_unit: bytes) -> list[bytes]:
    """Return the VPS, SPS and PPS (NAL types 32 to 34) of an access unit in Annex B form."""
    return [nal for nal in _annexb_nals(access_unit) if _h265_type(nal) in _H265_SETS]


def describe_video(codec: str, keyframe: bytes) -> MediaDescription:
    """Return the description of a stream of FFmpeg's `codec` (h264, hevc, mjpeg) that begins with `keyframe`.

    Raises ValueError if the keyframe is without parameter sets.
    """
    match codec:
        case "h264":
            return describe_h264(96, h264_parameter_sets(keyframe))
        case "hevc":
            return describe_h265(96, h265_parameter_sets(keyframe))
    return MediaDescription("video", 26, "JPEG/90000")


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


def _h265_type(nal: bytes) -> int:
    return nal[0] >> 1 & 0x3F


def _annexb_nals(data: bytes) -> Iterator[bytes]:
    start = data.find(b"\0\0\1")
    while start >= 0:
        end = data.find(b"\0\0\1", start + 3)
        nal = data[start + 3 : end if end >= 0 else len(data)].rstrip(b"\0")
        if nal:
            yield nal
        start = end
