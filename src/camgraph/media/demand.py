"""Decoding of a stream what somebody wants of it, and beginning at once when somebody does."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from camgraph.graph.nodes import Decode
from camgraph.media.decode import Drops, Picture, VideoDecoder
from camgraph.media.pace import Pace
from camgraph.media.rhythm import KeyframeRhythm
from camgraph.media.source import Packet

MOST_KEPT = 300
MOST_KEPT_BYTES = 8 << 20


class Policy(Protocol):
    """What is to be decoded; a source's node tells it, and another one while the stream runs."""

    @property
    def decode(self) -> Decode:
        """All pictures, or key frames only."""
        ...

    @property
    def decode_fps(self) -> float | None:
        """At most so many pictures a second."""
        ...

    @property
    def show_damaged(self) -> bool:
        """Also pictures that data is missing of."""
        ...


@dataclass(slots=True)
class Counts:
    """What became of a stream's packets: received = decoded + dropped + unread + held by the decoder."""

    received: int = 0
    decoded: int = 0
    unread: int = 0
    decoder_errors: int = 0
    cpu_ns: int = 0
    drops: Drops = field(default_factory=Drops)
    decode_ns: int = 0
    """CPU time of decoding alone."""

    @property
    def dropped(self) -> int:
        """Packets that were dropped, for whatever cause."""
        return self.drops.total

    def add(self, other: "Counts") -> None:
        """Count what another has counted, too."""
        self.received += other.received
        self.decoded += other.decoded
        self.unread += other.unread
        self.decoder_errors += other.decoder_errors
        self.cpu_ns += other.cpu_ns
        self.decode_ns += other.decode_ns
        self.drops.add(other.drops)

    def note_behind(self, dropped: int) -> None:
        """Count the packets that the source has dropped so far, as it was not asked for them in time."""
        self.received += dropped - self.drops.behind
        self.drops.behind = dropped


class OnDemand:
    """Decodes what the policy asks for while `wanted`, and in any case the first picture: it tells the size.

    Packets that are not decoded are kept, those since the last key frame, and decoded when somebody wants
    what follows. More than `MOST_KEPT`, or `MOST_KEPT_BYTES`, are forgotten; then it begins at the next key
    frame. Of a rate that key frames alone give, only they are decoded.
    """

    def __init__(
        self,
        decoder: VideoDecoder,
        wanted: Callable[[], bool],
        policy: Callable[[], Policy],
        counts: Counts,
        check_cancelled: Callable[[], None],
    ) -> None:
        self._decoder, self._wanted, self._policy, self._counts = decoder, wanted, policy, counts
        self._check_cancelled = check_cancelled
        self._begun = False
        self._resting = False
        self._kept: list[Packet] = []
        self._kept_bytes = 0
        self._joined = True
        """What is kept, or comes, follows on what was decoded, or begins with a key frame."""
        self._at_keyframe = False
        self._alone: Packet | None = None
        """The key frame that was decoded by itself last."""
        self._show_damaged = False
        self._rhythm = KeyframeRhythm()
        self._pace: Pace | None = None
        self._pace_fps: float | None = None

    @property
    def begun(self) -> bool:
        """Whether there was a picture."""
        return self._begun

    @property
    def keyframe_interval_ns(self) -> int:
        """How far apart key frames are, the longest of the last intervals; 0: unknown."""
        return self._rhythm.interval_ns

    def pictures(self, packet: Packet) -> list[Picture]:
        """Return the pictures to publish once this packet has come; raise DecodeError as the decoder does."""
        self._counts.received += 1
        policy = self._policy()
        self._follow(policy)
        wanted = not self._begun or self._wanted()
        by_keyframes = self._by_keyframes(policy, packet)
        if wanted and not by_keyframes and not self._resting:
            return self._in_time(self._decode(packet))
        if not self._resting:
            self._resting = self._joined = True
            self._at_keyframe = False
        self._counts.unread += 1
        self._keep(packet)
        if not wanted:
            return []
        if by_keyframes:
            return self._decode_alone(packet)
        return self._in_time(self._catch_up())

    def rest(self) -> list[Picture]:
        """Return what the decoder still holds, at the end of the stream."""
        if self._resting:
            return []
        began_ns = time.thread_time_ns()
        pictures = self._decoder.rest()
        self._note(pictures, began_ns)
        return self._in_time(pictures)

    def end(self) -> None:
        """Count what is still held: it is not waited for."""
        self._counts.unread += self._decoder.held

    def _follow(self, policy: Policy) -> None:
        self._show_damaged = policy.show_damaged
        if policy.decode_fps != self._pace_fps:
            self._pace_fps = policy.decode_fps
            self._pace = None if policy.decode_fps is None else Pace(policy.decode_fps)

    def _by_keyframes(self, policy: Policy, packet: Packet) -> bool:
        """Tell whether key frames are enough; a stream that has none is decoded whole."""
        enough = self._rhythm.gives(policy.decode_fps or 0.0, packet) and policy.decode_fps is not None
        refreshes = packet.refresh if packet.keyframe else self._decoder.refreshes
        return not refreshes and (enough or policy.decode == "keyframes")

    def _in_time(self, pictures: list[Picture]) -> list[Picture]:
        """Thin out to the rate; and leave out what was given before, alone."""
        pace, alone = self._pace, self._alone
        if pace is None and alone is None:
            return pictures
        return [
            picture
            for picture in pictures
            if picture.packet is not alone
            and (
                pace is None
                or pace.accept(picture.frame.pts, picture.packet.time_base, picture.packet.arrival_ns)
            )
        ]

    def _decode(self, packet: Packet) -> list[Picture]:
        began_ns = time.thread_time_ns()
        pictures = self._decoder.decode(packet, show_damaged=self._show_damaged)
        self._note(pictures, began_ns)
        return pictures

    def _decode_alone(self, packet: Packet) -> list[Picture]:
        pace = self._pace
        if not packet.keyframe:
            return []
        if pace is not None and not pace.accept(packet.pts, packet.time_base, packet.arrival_ns):
            return []
        self._counts.unread -= 1
        began_ns = time.thread_time_ns()
        pictures = self._decoder.decode_alone(packet, show_damaged=self._show_damaged)
        self._note(pictures, began_ns)
        self._alone = packet if pictures else None
        # What the decoder still held of before was not within the rate.
        return pictures if pace is None else [each for each in pictures if each.packet is packet]

    def _note(self, pictures: list[Picture], began_ns: int) -> None:
        self._counts.decoded += len(pictures)
        self._counts.decode_ns += time.thread_time_ns() - began_ns
        self._counts.decoder_errors = self._decoder.errors
        self._begun = self._begun or bool(pictures)

    def _catch_up(self) -> list[Picture]:
        """Decode what was kept; only the newest picture is worth showing."""
        self._resting = False
        if self._at_keyframe or not self._joined:
            self._counts.unread += self._decoder.flush()
        kept = self._kept
        newest: list[Picture] = []
        self._forget()
        for packet in kept:
            self._check_cancelled()
            if packet is self._alone:
                self._counts.decoded -= 1
            else:
                self._counts.unread -= 1
            newest = self._decode(packet) or newest
        return newest[-1:]

    def _keep(self, packet: Packet) -> None:
        if packet.keyframe:
            self._forget()
            self._joined = self._at_keyframe = True
        if self._joined:
            self._kept.append(packet)
            self._kept_bytes += memoryview(packet.data).nbytes
            if len(self._kept) > MOST_KEPT or self._kept_bytes > MOST_KEPT_BYTES:
                self._forget()
                self._joined = False

    def _forget(self) -> None:
        self._kept, self._kept_bytes = [], 0
