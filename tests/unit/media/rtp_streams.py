"""Encoded streams for tests of RTP, sent by FFmpeg's own packetizer, and received packet by packet."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import cache

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from camgraph.media.rtp.packet import HEADER, payload_bounds
from camgraph.media.rtp.units import AccessUnit, Depacketizer
from camgraph.media.rtsp.packetize import RtpPacketizer, is_rtcp

TICKS = 3600
_VIDEO = ("h264", "hevc", "mjpeg")
_START = b"\0\0\0\1"
_OPTIONS = {
    "libx264": {"preset": "ultrafast", "tune": "zerolatency", "forced-idr": "1"},
    "libx265": {"preset": "ultrafast", "tune": "zerolatency", "forced-idr": "1"},
    "mjpeg": {"huffman": "default", "qmin": "5", "qmax": "5", "force_duplicated_matrix": "1"},
}


def encoded(encoder: str, parameters: str = "", *, count: int = 12, gop: int = 5) -> list[bytes]:
    """Return the access units of a clip of noise; `parameters` are those of libx264 and libx265."""
    return [unit for unit, _ in timed(encoder, parameters, count=count, gop=gop)]


@cache
def timed(
    encoder: str, parameters: str = "", *, count: int = 12, gop: int = 5, size: tuple[int, int] = (160, 96)
) -> list[tuple[bytes, int]]:
    """Return the access units of a clip of noise in the order of sending, and when each is shown."""
    context = av.CodecContext.create(encoder, "w")
    assert isinstance(context, VideoCodecContext)
    jpeg = encoder == "mjpeg"
    context.width, context.height, context.pix_fmt = *size, "yuvj420p" if jpeg else "yuv420p"
    context.time_base, context.framerate = Fraction(1, 25), Fraction(25)
    context.thread_count = 1
    context.options = dict(_OPTIONS[encoder])
    if not jpeg:
        told = f"keyint={gop}:min-keyint={gop}:scenecut=0:bframes=0:{parameters}"
        if encoder == "libx265":
            told = f"log-level=none:pools=none:frame-threads=1:open-gop=0:info=0:{told}"
        context.options |= {encoder.removeprefix("lib") + "-params": told.rstrip(":")}
    random = np.random.default_rng(1)
    packets: list[av.Packet[VideoStream]] = []
    for number in range(count):
        picture = random.integers(0, 255, (size[1] * 3 // 2, size[0]), np.uint8)
        frame = av.VideoFrame.from_ndarray(picture, format="yuv420p").reformat(format=context.pix_fmt)
        frame.pts = number
        packets += context.encode(frame)
    packets += context.encode(None)
    return [(bytes(packet), packet.pts or 0) for packet in packets]


def sent(codec: str, units: Iterable[bytes], *, ticks: int = TICKS, clock: int = 90_000) -> list[list[bytes]]:
    """Return the RTP packets of each unit; the first one's timestamp is 0."""
    packetizer = RtpPacketizer(codec, clock, payload_type=96, started_ns=0)
    packets = [
        [packet for packet in packetizer.push(unit, number * ticks) if not is_rtcp(packet)]
        for number, unit in enumerate(units)
    ]
    packetizer.close()
    first = HEADER.unpack_from(next(packet for unit in packets for packet in unit))[3]
    return [[moved(packet, -first) for packet in unit] for unit in packets]


def moved(packet: bytes, ticks: int) -> bytes:
    """Return a packet whose timestamp is so much later."""
    head, second, sequence, timestamp, ssrc = HEADER.unpack_from(packet)
    return HEADER.pack(head, second, sequence, (timestamp + ticks) & 0xFFFFFFFF, ssrc) + packet[12:]


def received(depacketizer: Depacketizer, packets: Iterable[bytes | memoryview | None]) -> list[AccessUnit]:
    """Return what a depacketizer makes of RTP packets; None: one that is lost."""
    units: list[AccessUnit] = []
    lost = False
    for packet in packets:
        if packet is None:
            lost = True
            continue
        if lost:
            depacketizer.lost()
            lost = False
        bounds = payload_bounds(packet)
        assert bounds is not None
        _, second, _, timestamp, _ = HEADER.unpack_from(packet)
        units += depacketizer.push(packet, *bounds, timestamp, second >= 0x80)
    if lost:
        depacketizer.lost()
    return units + depacketizer.flush()


def flat(packets: Iterable[Sequence[bytes]]) -> list[bytes]:
    """Return the packets of all units in a row."""
    return [packet for unit in packets for packet in unit]


def annexb(unit: bytes) -> bytes:
    """Return a unit with start codes of four bytes only."""
    return b"".join(_START + nal for nal in nals(unit))


def nals(unit: bytes) -> list[bytes]:
    """Return the NAL units of an access unit."""
    return [nal for part in unit.split(b"\0\0\1") if (nal := part.rstrip(b"\0"))]


def pictures(codec: str, units: Iterable[bytes], extradata: bytes = b"") -> list[bytes]:
    """Return what a decoder makes of units: the bytes of each picture, or of each frame of sound."""
    context = av.CodecContext.create(codec, "r")
    context.thread_count = 1
    if extradata:
        context.extradata = extradata
    frames = [frame for unit in units for frame in context.decode(av.Packet(unit))]  # type: ignore[attr-defined]
    frames += context.decode(None)  # type: ignore[attr-defined]
    told = {"format": "rgb24"} if codec in _VIDEO else {}
    return [frame.to_ndarray(**told).tobytes() for frame in frames]
