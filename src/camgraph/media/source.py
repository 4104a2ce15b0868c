"""What a source of packets is: the words between whoever receives a stream and whoever decodes it."""

from collections.abc import Iterator
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


class PacketSource(Protocol):
    """One attempt at receiving one stream: `resolve`, `open`, `packets`, `close`, in one thread.

    All but `cancel` belong to that thread and may wait, for a bounded time each. What goes wrong is raised
    as a `SourceError` whose text is one sentence fit to show a person, without credentials.
    """

    def resolve(self) -> None:
        """Look the address up."""
        ...

    def open(self) -> StreamInfo:
        """Connect, log in and start the stream."""
        ...

    def packets(self) -> Iterator[Packet]:
        """Yield the packets as they come; the end of a stream is raised, too."""
        ...

    def cancel(self) -> bool:
        """Ask for the end, from any thread: what waits raises soon.

        False: the wait could not be ended yet; ask again a little later.
        """
        ...

    def close(self) -> None:
        """Release everything; closing twice does nothing."""
        ...
