"""What a source of packets is: the words between whoever receives a stream and whoever decodes it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, NamedTuple, Protocol

from camgraph.ring.layout import CaptureQuality


class StreamInfo(NamedTuple):
    """What a camera says of its video before the first packet."""

    codec: str
    """FFmpeg's name of the codec: ``h264``, ``hevc``, ``mjpeg`` …"""
    extradata: bytes | None
    """Parameter sets sent apart from the stream."""
    width: int
    height: int
    """In px; 0: not announced."""
    fps: float
    """Frames per second; 0.0: not announced."""
    context: Any = None
    """FFmpeg's decoder as libavformat has set it up, where that received the stream; not opened yet."""
    recorded: bool = False
    """It has a beginning and an end: if there was no picture between them, there is none."""


class Packet(NamedTuple):
    """One encoded picture. It owns its data."""

    data: Any
    """Any object with the buffer protocol; never written to after the packet was made."""
    pts: int | None
    """In units of `time_base`; None: unknown."""
    time_base: Fraction
    keyframe: bool
    arrival_ns: int
    """CLOCK_MONOTONIC, when the packet was complete."""
    capture_ns: int
    """Wall clock, when the picture was taken, as well as the source knows."""
    capture_quality: CaptureQuality
    """How it knows."""
    damaged: bool = False
    """Data of this picture, or of one between the last packet and this one, is missing."""
    refresh: bool = False
    """With `keyframe`: no key picture, only a recovery point; pictures become whole little by little."""


@dataclass(slots=True)
class NetworkCounts:
    """What came over the network, since the attempt began; a source writes it, anybody may read it."""

    received_bytes: int = 0
    packets: int = 0
    """RTP packets that came over the connection of now; 0 where the source is no RTP."""
    lost: int = 0
    """RTP packets that were sent and did not come in time."""
    jitter_ns: int = 0
    """How unevenly they come (RFC 3550, 6.4.1)."""
    transport: str = ""
    """``tcp``, ``udp`` or ``multicast``; empty: not known yet, or none of these."""
    clock_offset_ns: int = 0
    """By how much the camera's clock is ahead of ours, as its sender reports tell; 0: it sends none."""
    dropped: int = 0
    """Whole packets that the source dropped because they were not fetched in time."""
    queued: int = 0
    """Whole packets that wait in the source to be fetched."""
    waiting_ns: int = 0
    """CLOCK_MONOTONIC, when a source that waits for the time of its next packet last said so, or one that is
    not in a hurry to hand packets over received the last one."""


def counted_on(earlier: NetworkCounts, now: NetworkCounts) -> NetworkCounts:
    """Return the counts of the connection of now, with what earlier ones of the attempt brought and lost."""
    return replace(
        now,
        received_bytes=earlier.received_bytes + now.received_bytes,
        lost=earlier.lost + now.lost,
        dropped=earlier.dropped + now.dropped,
    )


class PacketSource(Protocol):
    """One attempt at receiving one stream: `resolve`, `open`, `packets`, `close`, in one thread.

    All but `cancel` belong to that thread and may wait, for a bounded time each. What goes wrong is raised
    as a `SourceError` whose text is one sentence fit to show a person, without credentials.
    """

    def resolve(self) -> None:
        """Look the address up."""
        ...

    def open(self) -> StreamInfo:
        """Connect, log in and start the stream; again, where its packets have come to an end."""
        ...

    @property
    def network(self) -> NetworkCounts:
        """What came over the network so far."""
        ...

    def packets(self) -> Iterator[Packet]:
        """Yield the packets as they come; the end of the stream is raised, too.

        They come to an end where the source goes on in another way, maybe in another codec: `open` it then.
        """
        ...

    def cancel(self) -> bool:
        """Ask for the end, from any thread: what waits raises soon.

        False: the wait could not be ended yet; ask again a little later.
        """
        ...

    def close(self) -> None:
        """Release everything; closing twice does nothing."""
        ...
