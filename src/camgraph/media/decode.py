"""From packets to pictures, one decoder a stream, in the caller's thread."""

from fractions import Fraction
from typing import Any, NamedTuple

import av
import av.error
from av.video.codeccontext import VideoCodecContext

from camgraph.base.errors import DecodeError
from camgraph.media.source import Packet, StreamInfo

GIVE_UP_AFTER_NS = 10_000_000_000
"""Damage lasts that long: the codec has changed, or a new connection brings a key frame sooner."""
_MOST_IN_FLIGHT = 64
_SQUARE = Fraction(1)


class Picture(NamedTuple):
    """A decoded frame and the packet it came in."""

    frame: av.VideoFrame
    packet: Packet
    sample_aspect: Fraction
    """Width of a pixel through its height."""


class VideoDecoder:
    """Decodes one stream; starts at a key frame, and after damage again at the next.

    A picture that follows a lost one would be wrong without being marked so; that is why damage costs the
    pictures up to the next key frame.
    """

    def __init__(self, info: StreamInfo) -> None:
        """Open the decoder; raise DecodeError if FFmpeg has none for this stream."""
        try:
            context = av.CodecContext.create(info.codec, "r")
            assert isinstance(context, VideoCodecContext)
            context.thread_type = "NONE"
            context.thread_count = 1
            context.extradata = info.extradata
            context.open()
        except (av.error.FFmpegError, ValueError) as error:
            raise DecodeError(f"no decoder for {info.codec}: {error}") from error
        self._context = context
        self._in_flight: dict[int | None, Packet] = {}
        self._wait_for_keyframe = True
        self._damaged_ns = 0
        self.dropped = 0
        """Packets that gave no picture, and will give none: before a key frame, or damaged."""
        self.held = 0
        """Packets that may still give a picture."""

    def decode(self, packet: Packet) -> list[Picture]:
        """Return the pictures that the packet completes, in the order of their display: mostly one.

        Raises DecodeError when nothing could be decoded for `GIVE_UP_AFTER_NS` since the damage.
        """
        if self._damaged_ns and packet.arrival_ns - self._damaged_ns >= GIVE_UP_AFTER_NS:
            self.dropped += 1
            raise DecodeError(f"nothing could be decoded for {GIVE_UP_AFTER_NS // 1_000_000_000} s")
        if self._wait_for_keyframe:
            if not packet.keyframe:
                self.dropped += 1
                return []
            self._wait_for_keyframe = False
        if len(self._in_flight) >= _MOST_IN_FLIGHT:
            self._in_flight.clear()
        self._in_flight[packet.pts] = packet
        self.held += 1
        try:
            frames = self._context.decode(_encoded(packet))
        except av.error.FFmpegError:
            self._damaged(packet)
            return []
        pictures = []
        for frame in frames:
            if frame.is_corrupt:
                self._damaged(packet)
                break
            self._damaged_ns = 0
            aspect = self._context.sample_aspect_ratio or _SQUARE
            pictures.append(Picture(frame, self._in_flight.pop(frame.pts, packet), aspect))
            self.held -= 1
        if self.held > _MOST_IN_FLIGHT:
            # Packets that hold no picture: nothing comes of them any more.
            self.dropped += 1
            self.held -= 1
        return pictures

    def flush(self) -> int:
        """Forget what came before, to go on at the next key frame; return how many packets were `held`."""
        held, self.held = self.held, 0
        self._context.flush_buffers()
        self._in_flight.clear()
        self._wait_for_keyframe = True
        self._damaged_ns = 0
        return held

    def _damaged(self, packet: Packet) -> None:
        damaged_ns = self._damaged_ns or packet.arrival_ns
        self.dropped += self.flush()
        self._damaged_ns = damaged_ns


def _encoded(packet: Packet) -> "av.Packet[Any]":
    if isinstance(packet.data, av.Packet):
        return packet.data
    # The decoder reads beyond the end: only a packet that FFmpeg allocated has room there.
    encoded: av.Packet[Any] = av.Packet(memoryview(packet.data).nbytes)
    encoded.update(packet.data)
    encoded.pts = packet.pts
    encoded.time_base = packet.time_base
    return encoded
