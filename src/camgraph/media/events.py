"""What happens to a stream's session, and what it asks for: plain data."""

from dataclasses import dataclass

from camgraph.control.messages import StreamStatus


@dataclass(frozen=True, slots=True)
class Begin:
    """Run the stream."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop the stream for good, or until the next `Begin`."""


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed. `last_packet_ns`: when the current attempt's newest packet came (0: none came)."""

    last_packet_ns: int = 0


@dataclass(frozen=True, slots=True)
class Resolved:
    """The address was looked up."""

    attempt: int


@dataclass(frozen=True, slots=True)
class Opened:
    """The camera agreed to send."""

    attempt: int
    codec: str


@dataclass(frozen=True, slots=True)
class PacketArrived:
    """A packet came; told one by one only in `waiting_for_keyframe` and `stalled`."""

    attempt: int


@dataclass(frozen=True, slots=True)
class FrameDecoded:
    """The first whole picture of an attempt, or the first of another size or codec."""

    attempt: int
    width: int
    height: int
    codec: str


@dataclass(frozen=True, slots=True)
class LossMeasured:
    """The share of the packets that was lost lately; told while there are pictures."""

    attempt: int
    loss: float


@dataclass(frozen=True, slots=True)
class Failed:
    """The attempt has ended, with a machine-readable reason and a sentence for a person."""

    attempt: int
    reason: str
    sentence: str


Event = Begin | Stop | Tick | Resolved | Opened | PacketArrived | FrameDecoded | LossMeasured | Failed


@dataclass(frozen=True, slots=True)
class OpenSource:
    """Start attempt number `attempt`."""

    attempt: int


@dataclass(frozen=True, slots=True)
class CloseSource:
    """End that attempt, if it has not ended; nothing it says later counts."""

    attempt: int


@dataclass(frozen=True, slots=True)
class Report:
    """Tell the status to whoever watches the stream."""

    status: StreamStatus


Instruction = OpenSource | CloseSource | Report
