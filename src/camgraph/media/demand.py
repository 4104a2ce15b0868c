"""Decoding a stream only while somebody wants its pictures, and beginning at once when somebody does."""

from collections.abc import Callable
from dataclasses import dataclass

from camgraph.media.decode import Picture, VideoDecoder
from camgraph.media.source import Packet

MOST_KEPT = 300
MOST_KEPT_BYTES = 8 << 20


@dataclass(slots=True)
class Counts:
    """What became of a stream's packets: received = decoded + dropped + unread + held by the decoder."""

    received: int = 0
    decoded: int = 0
    dropped: int = 0
    unread: int = 0
    cpu_ns: int = 0

    def add(self, other: "Counts") -> None:
        """Count what another has counted, too."""
        self.received += other.received
        self.decoded += other.decoded
        self.dropped += other.dropped
        self.unread += other.unread
        self.cpu_ns += other.cpu_ns


class OnDemand:
    """Decodes every packet while `wanted`; until the first picture in any case, as it tells the size.

    While nobody wants pictures the packets since the last key frame are kept, and decoded when somebody
    does. More than `MOST_KEPT`, or `MOST_KEPT_BYTES`, are forgotten; then it begins at the next key frame.
    """

    def __init__(
        self,
        decoder: VideoDecoder,
        wanted: Callable[[], bool],
        counts: Counts,
        check_cancelled: Callable[[], None],
    ) -> None:
        self._decoder, self._wanted, self._counts = decoder, wanted, counts
        self._check_cancelled = check_cancelled
        self._begun = False
        self._resting = False
        self._kept: list[Packet] = []
        self._kept_bytes = 0
        self._joined = True
        """What is kept, or comes, follows on what was decoded, or begins with a key frame."""
        self._at_keyframe = False

    def pictures(self, packet: Packet) -> list[Picture]:
        """Return the pictures to publish once this packet has come; raise DecodeError as the decoder does."""
        self._counts.received += 1
        if not self._resting:
            if not self._begun or self._wanted():
                pictures = self._decode(packet)
                self._begun = self._begun or bool(pictures)
                return pictures
            self._resting = self._joined = True
            self._at_keyframe = False
        self._counts.unread += 1
        self._keep(packet)
        return self._catch_up() if self._wanted() else []

    def end(self) -> None:
        """Count what is still held: nothing comes of it."""
        self._counts.dropped = self._decoder.dropped + self._decoder.held

    def _decode(self, packet: Packet) -> list[Picture]:
        decoder, counts = self._decoder, self._counts
        pictures = decoder.decode(packet)
        counts.decoded += len(pictures)
        counts.dropped = decoder.dropped
        return pictures

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
