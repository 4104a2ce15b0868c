"""Packets encoded for tests, whose pictures tell their numbers."""

from fractions import Fraction

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from camgraph.media.decode import Picture
from camgraph.media.source import Packet, StreamInfo

TICKS = 3600
TIME_BASE = Fraction(1, 90_000)
INFO = StreamInfo("h264", None, 0, 0, 0.0)


def encode(count: int = 30, size: tuple[int, int] = (320, 180), bframes: int = 0) -> list[Packet]:
    """Return packets whose picture number n is a plain grey of 40 + 4 n, a key frame each ten."""
    context = av.CodecContext.create("libx264", "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height, context.pix_fmt = *size, "yuv420p"
    context.time_base, context.framerate = TIME_BASE, Fraction(25)
    context.options = {"preset": "ultrafast", "g": "10", "keyint_min": "10", "sc_threshold": "0"}
    context.max_b_frames = bframes
    packets: list[Packet] = []
    for number in range(count):
        frame = av.VideoFrame.from_ndarray(
            np.full((size[1] * 3 // 2, size[0]), 40 + 4 * (number % 30), np.uint8), format="yuv420p"
        )
        frame.pts, frame.time_base = number * TICKS, TIME_BASE
        packets += map(packet_of, context.encode(frame))
    return packets + [packet_of(packet) for packet in context.encode(None)]


def packet_of(encoded: "av.Packet[VideoStream]") -> Packet:
    assert encoded.pts is not None
    arrival_ns = 1000 + encoded.pts // TICKS * 40_000_000
    return Packet(
        bytes(encoded), encoded.pts, TIME_BASE, encoded.is_keyframe, arrival_ns, arrival_ns, "arrival"
    )


def number_of(picture: Picture) -> int:
    """Return the number that a picture shows, after a check that all it carries is of that number."""
    luma = picture.frame.to_ndarray()[: picture.frame.height].mean()
    number = picture.packet.pts // TICKS if picture.packet.pts is not None else round((luma - 40) / 4)
    assert round((luma - 40) / 4) == number % 30
    assert picture.packet.pts == picture.frame.pts == number * TICKS
    return number
