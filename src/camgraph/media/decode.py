"""From packets to pictures, one decoder a stream, in the caller's thread."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, NamedTuple

import av
import av.error
from av.video.codeccontext import VideoCodecContext

from camgraph.base.errors import DecodeError
from camgraph.media.source import Packet, StreamInfo

GIVE_UP_AFTER_NS = 10_000_000_000
"""The decoder fails for that long: the codec has changed, or a new connection brings a key frame sooner."""
_MOST_IN_FLIGHT = 64
_SQUARE = Fraction(1)
_IN_SOFTWARE = {"av1": "libdav1d"}
"""Codecs whose namesake among FFmpeg's decoders needs hardware."""

Cause = Literal["no_keyframe", "damaged", "behind", "decoder"]


class Picture(NamedTuple):
    """A decoded frame and the packet it came in."""

    frame: av.VideoFrame
    packet: Packet
    sample_aspect: Fraction
    """Width of a pixel through its height."""


@dataclass(slots=True)
class Drops:
    """Packets that gave no picture, and will give none, by cause."""

    no_keyframe: int = 0
    """They came before the first key frame."""
    damaged: int = 0
    """Data of them, or of one that they need, did not arrive."""
    behind: int = 0
    """Decoding did not keep up."""
    decoder: int = 0
    """The decoder could not decode them, or one that they need."""

    @property
    def total(self) -> int:
        """All of them."""
        return self.no_keyframe + self.damaged + self.behind + self.decoder

    def count(self, cause: Cause, packets: int = 1) -> None:
        """Count so many more."""
        setattr(self, cause, getattr(self, cause) + packets)

    def by_cause(self) -> dict[str, int]:
        """Return the counts by the names of the causes."""
        return {name: getattr(self, name) for name in self.__slots__}

    def add(self, other: "Drops") -> None:
        """Count what another has counted, too."""
        self.no_keyframe += other.no_keyframe
        self.damaged += other.damaged
        self.behind += other.behind
        self.decoder += other.decoder


class VideoDecoder:
    """Decodes one stream; starts at a key frame, and after damage again at the next one that is whole.

    A picture that follows a lost one would be wrong without being marked so; that is why damage costs the
    pictures up to the next key frame. A stream without key pictures, whose pictures become whole again little
    by little (intra refresh), is decoded on: there is nothing to wait for.
    """

    def __init__(self, info: StreamInfo, drops: Drops | None = None, threads: int = 1) -> None:
        """Open the decoder; raise DecodeError if FFmpeg has none for this stream.

        With more than one of its `threads`, each further one keeps pictures back by one packet.
        """
        try:
            context = info.context
            if context is None:
                context = av.CodecContext.create(_IN_SOFTWARE.get(info.codec, info.codec), "r")
                context.extradata = info.extradata
            assert isinstance(context, VideoCodecContext)
            context.thread_type = "NONE" if threads == 1 else "AUTO"
            context.thread_count = threads
            context.open()
        except (av.error.FFmpegError, ValueError) as error:
            raise DecodeError(f"no decoder for {info.codec}: {error}") from error
        self._context = context
        self._in_flight: dict[int | None, Packet] = {}
        self._newest: Packet | None = None
        self._waits_for: Cause | None = "no_keyframe"
        self._smeared = self._refreshes = False
        self._failing_ns = 0
        self.drops = Drops() if drops is None else drops
        self.errors = 0
        """How often FFmpeg could not decode a packet, or gave a corrupt picture."""
        self.held = 0
        """Packets that may still give a picture."""

    @property
    def refreshes(self) -> bool:
        """Whether the stream has recovery points instead of key pictures."""
        return self._refreshes

    def decode(self, packet: Packet, *, show_damaged: bool = False) -> list[Picture]:
        """Return the pictures that the packet completes, in the order of their display: mostly one.

        With `show_damaged` those that data is missing of, too. Raises DecodeError when the decoder has failed
        for `GIVE_UP_AFTER_NS`.
        """
        if self._failing_ns and packet.arrival_ns - self._failing_ns >= GIVE_UP_AFTER_NS:
            self.drops.count("decoder")
            raise DecodeError(f"nothing could be decoded for {GIVE_UP_AFTER_NS // 1_000_000_000} s")
        if packet.keyframe:
            self._refreshes = packet.refresh
        if packet.damaged:
            self._smeared = True
        elif packet.keyframe:
            self._smeared = False
        shown_anyhow = show_damaged or self._refreshes
        if self._smeared and not shown_anyhow and self._waits_for is None:
            self._wait("damaged")
        if self._waits_for is not None:
            if not packet.keyframe or (packet.damaged and not shown_anyhow):
                self.drops.count("damaged" if packet.damaged else self._waits_for)
                return []
            self._waits_for = None
        if len(self._in_flight) >= _MOST_IN_FLIGHT:
            self._in_flight.clear()
        self._in_flight[packet.pts] = self._newest = packet
        self.held += 1
        try:
            frames = self._context.decode(_encoded(packet))
        except av.error.FFmpegError:
            self._failed(packet, shown_anyhow)
            return []
        return self._pictures(frames, packet, shown_anyhow)

    def decode_alone(self, packet: Packet, *, show_damaged: bool = False) -> list[Picture]:
        """Decode a key frame whose next packet is not decoded; its picture comes at once."""
        pictures = self.decode(packet, show_damaged=show_damaged) + self.rest()
        if self._waits_for is None:
            self._waits_for = "no_keyframe"
        return pictures

    def rest(self) -> list[Picture]:
        """Return the pictures that are still held; then it goes on at the next key frame."""
        pictures: list[Picture] = []
        if self.held and self._newest is not None:
            try:
                pictures = self._pictures(self._context.decode(None), self._newest, shown_anyhow=True)
            except av.error.FFmpegError:
                self.errors += 1
            if self._waits_for is None:
                self._wait("decoder")
                self._waits_for = "no_keyframe"
        return pictures

    def flush(self) -> int:
        """Forget what came before, to go on at the next key frame; return how many packets were `held`."""
        held, self.held = self.held, 0
        self._context.flush_buffers()
        self._in_flight.clear()
        self._waits_for = "no_keyframe"
        self._smeared = False
        self._failing_ns = 0
        return held

    def _pictures(self, frames: Iterable[av.VideoFrame], packet: Packet, shown_anyhow: bool) -> list[Picture]:
        pictures: list[Picture] = []
        for frame in frames:
            if frame.is_corrupt:
                if not shown_anyhow:
                    self._failed(packet, shown_anyhow)
                    return pictures
                self.errors += 1
            self._failing_ns = 0
            aspect = self._context.sample_aspect_ratio or _SQUARE
            pictures.append(Picture(frame, self._in_flight.pop(frame.pts, packet), aspect))
            self.held -= 1
        if pictures and self._in_flight:
            self._forget_before(pictures[-1].frame.pts)
        if self.held > _MOST_IN_FLIGHT:
            # Packets that hold no picture: nothing comes of them any more.
            self.drops.count("decoder")
            self.held -= 1
        return pictures

    def _forget_before(self, pts: int | None) -> None:
        """Count packets that were passed over: pictures come in the order of their time."""
        if pts is not None:
            passed = [other for other in self._in_flight if other is not None and other < pts]
            for other in passed:
                del self._in_flight[other]
            self.held -= len(passed)
            # The way from a recovery point to its first whole picture, or what the decoder passed over.
            self.drops.count("no_keyframe" if self._refreshes else "decoder", len(passed))

    def _failed(self, packet: Packet, shown_anyhow: bool) -> None:
        self.errors += 1
        failing_ns = self._failing_ns or packet.arrival_ns
        if shown_anyhow:
            self._in_flight.pop(packet.pts, None)
            self.held -= 1
            self.drops.count("decoder")
        else:
            self._wait("decoder")
        self._failing_ns = failing_ns

    def _wait(self, cause: Cause) -> None:
        """Drop what is held, and what comes up to the next key frame."""
        smeared = self._smeared
        self.drops.count(cause, self.flush())
        self._waits_for, self._smeared = cause, smeared


def _encoded(packet: Packet) -> "av.Packet[Any]":
    if isinstance(packet.data, av.Packet):
        return packet.data
    # The decoder reads beyond the end: only a packet that FFmpeg allocated has room there.
    encoded: av.Packet[Any] = av.Packet(memoryview(packet.data).nbytes)
    encoded.update(packet.data)
    encoded.pts = packet.pts
    encoded.time_base = packet.time_base
    return encoded
