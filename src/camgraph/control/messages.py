"""The control protocol: typed messages, encoded as msgpack; nothing is unpickled from a control socket.

::

    client → supervisor     Apply, Do, Attach (+ descriptors), Listen, Spawn (+ payload memfd), Watch,
                            Terminate, AskStatistics, Ping, Shutdown
    supervisor → client     Secrets, GraphChanged, StreamStatus, MediaStatus, NodeEvent, Answer,
                            ProcessStarted (+ channel), ProcessStopped, ProcessExited, SiteStatistics, Pong
    supervisor → media      Secrets, Configure, Attach (+ descriptors), AddReader (+ the reader's socket),
                            MemoryAnswer, AskStatistics, Shutdown
    media → supervisor      StreamStatus, NodeEvent, ReserveMemory, ReleaseMemory, MediaStatistics, MediaHung

Times are CLOCK_MONOTONIC in ns, which all processes of a machine share. Each side gives the requests that
want an answer their tokens.
"""

from typing import Literal

import msgspec

from camgraph.graph.changes import GraphDiff, NodeCommand
from camgraph.graph.spec import FrameRequest, GraphSpec

StreamState = Literal[
    "starting",
    "resolving",
    "opening",
    "waiting_for_keyframe",
    "live",
    "degraded",
    "stalled",
    "backing_off",
    "unauthorized",
    "not_found",
    "unsupported",
    "stopped",
]
EventKind = Literal["movement_began", "movement_ended", "seen"]
HAS_PICTURES: frozenset[StreamState] = frozenset({"live", "degraded"})


class _Message(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    pass


class Secrets(_Message, frozen=True):
    """What references stand for; held in memory, never stored.

    A media process is told all of its part, in place of those before; the site's owner the new ones, before
    the graph that refers to them.
    """

    values: dict[str, str]

    def __repr__(self) -> str:
        return f"Secrets({', '.join(self.values)})"


class Apply(_Message, frozen=True):
    """The desired state of the site. An `Answer` follows."""

    token: int
    spec: GraphSpec
    secrets: dict[str, str]
    """What its references stand for, but for those that the site knows already."""

    def __repr__(self) -> str:
        return f"Apply({self.token}, {self.spec}, {', '.join(self.secrets)})"


class Do(_Message, frozen=True):
    """A command to a node. An `Answer` follows."""

    token: int
    command: NodeCommand


class Attach(_Message, frozen=True):
    """Descriptors of a program that belong to a node, in place of those before; none: it has none any more.

    The supervisor keeps them for media processes to come, as long as there is the node.
    """

    node: str


class Listen(_Message, frozen=True):
    """The nodes whose events a program hears from now on, in place of those before; at first, of none.

    The graph may have them or not, now or later.
    """

    nodes: frozenset[str]


class NodeEvent(_Message, frozen=True):
    """What a node saw; to the programs that listen to it."""

    node: str
    kind: EventKind
    stream: str
    """The camera's."""
    capture_ns: int
    """Wall clock of the frame; 0: unknown."""
    arrival_ns: int = 0
    """Monotonic."""
    format: str = ""
    """Of pictures the pixel format, of packets FFmpeg's name of the codec."""
    width: int = 0
    height: int = 0
    size_bytes: int = 0
    keyframe: bool = False
    count: int = 0
    """Frames that the node has seen so far."""
    data: bytes = b""
    """The first bytes, as many as the node tells."""


class Answer(_Message, frozen=True):
    """What came of an `Apply` or a `Do`."""

    token: int
    diff: GraphDiff
    refused: str = ""
    """Why nothing was done; empty: it was."""


class GraphChanged(_Message, frozen=True):
    """The desired state, to every client of the site: at first, and after each change."""

    spec: GraphSpec


class Configure(_Message, frozen=True):
    """The part of the graph that a media process runs.

    `epoch` (wall clock, ns) is that of its start.
    """

    spec: GraphSpec
    epoch: int


class Spawn(_Message, frozen=True):
    """Start a back end; its payload comes as a descriptor (memfd).

    With `restart` it is started again, with the same payload, when it ends by itself; unless it does so
    `crashes` times within `within_s` seconds (0: however often).
    """

    process: str
    name: str
    restart: bool = False
    crashes: int = 0
    within_s: float = 60.0
    watched: tuple[FrameRequest, ...] = ()
    """What it watches from the start."""


class Watch(_Message, frozen=True):
    """What a back end watches now, told beside the front end's own word: for its next start."""

    process: str
    watched: tuple[FrameRequest, ...]


class Terminate(_Message, frozen=True):
    """End a back end: its channel is closed by the client; after `grace_s` it is killed."""

    process: str
    grace_s: float
    renew: int = 0
    """Kill at once the one with this pid, which can't be heard, and start it again if it was spawned so."""


class AddReader(_Message, frozen=True):
    """A reader's connection, with the HELLO it sent, comes as a descriptor."""

    hello: bytes


class AskStatistics(_Message, frozen=True):
    """Ask for numbers; the answer carries the token."""

    token: int


class Ping(_Message, frozen=True):
    """Are you there?"""


class Pong(_Message, frozen=True):
    """I am."""


class ReserveMemory(_Message, frozen=True):
    """May a ring of `stream` use so much more memory? It is touched after the answer."""

    token: int
    stream: str
    size_bytes: int


class MemoryAnswer(_Message, frozen=True):
    """It may, or why not."""

    token: int
    refused: str = ""


class ReleaseMemory(_Message, frozen=True):
    """So much of what was reserved is used no longer."""

    size_bytes: int


class Shutdown(_Message, frozen=True):
    """End all that was started, then end."""


class StreamStatus(_Message, frozen=True):
    """The state of a stream, with one sentence fit to show a person."""

    stream: str
    state: StreamState
    reason: str = ""
    """Machine-readable cause, one of `camgraph.control.reasons.REASONS`; empty: nothing is wrong."""
    sentence: str = ""
    attempt: int = 0
    next_attempt_ns: int = 0
    """When the next attempt is due (0: none is planned)."""
    epoch: int = 0
    """Wall clock in ns of the start of the media process; grows with every start of the stream."""
    codec: str = ""
    width: int = 0
    height: int = 0
    since_ns: int = 0
    loss: float = 0.0
    """Share of the packets that is lost, while the stream is `degraded` for that."""


class RingStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """One ring of a stream: what was asked, by how many, and what came of it."""

    stream: str
    """The stream that was asked for: the camera's, or one that filters make of it."""
    format: str
    width: int
    height: int
    fps: float
    readers: int
    published: int
    behind: int
    """Wake-ups that a reader's full socket did not take."""
    no_slot: int
    """Frames dropped because every slot was held."""
    unfit: int = 0
    """Frames of another size than before: the region lies outside of them, or there was no memory yet."""
    roi: tuple[int, int, int, int] | None = None
    size_bytes: int = 0
    """The most memory that it may use with these readers."""


class StreamStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of a camera's stream since its media process started it.

    ``received = decoded + dropped + unread`` + what the decoder still holds, a few frames at most.
    """

    received: int
    """Packets of video."""
    decoded: int
    dropped: int
    """Packets that gave no frame: waiting for a keyframe, or damaged."""
    unread: int = 0
    """Packets that were not decoded, because nobody read the stream."""
    conversions: int
    """Pictures made for rings: converted, or copied as they are; one per distinct request."""
    attempts: int
    cpu_ns: int = 0
    """CPU time of receiving, decoding, converting and publishing."""
    cores: float = 0.0
    """The same per second, lately; filled in by the supervisor."""
    dropped_by: dict[str, int] = {}
    """`dropped`, by cause: ``no_keyframe``, ``damaged``, ``behind``, ``decoder``."""
    decoder_errors: int = 0
    received_bytes: int = 0
    """Of RTP its packets, else the video."""
    bit_rate: float = 0.0
    """Bits per second, lately."""
    fps: float = 0.0
    """Packets of video per second, lately."""
    jitter_ns: int = 0
    """How unevenly RTP packets come (RFC 3550, 6.4.1)."""
    lost: int = 0
    """RTP packets that did not come."""
    loss: float = 0.0
    """Their share, lately."""
    transport: str = ""
    """``tcp``, ``udp`` or ``multicast``; empty: none of these, or not connected."""
    clock_offset_ns: int = 0
    """By how much the camera's clock is ahead of ours, as it says itself; 0: it says nothing."""
    reconnects: int = 0
    """How often it was live again on another connection."""
    state_s: dict[str, float] = {}
    """Seconds spent in each state."""
    decode_ns: int = 0
    """CPU time of decoding a picture, lately."""
    queued: int = 0
    """Packets that wait for their decoding."""
    newest_age_ns: int = 0
    """How long ago the newest packet of video came that its thread has taken up; 0: none ever did."""
    keyframe_interval_ns: int = 0
    """How far apart key frames are, the longest of the last intervals; 0: unknown yet."""
    rings: tuple[RingStatistics, ...] = ()


class MediaStatistics(_Message, frozen=True):
    """Answer of a media process."""

    token: int
    streams: dict[str, StreamStatistics]
    touched_bytes: int = 0
    """Memory of rings that is in use by now, of what was reserved."""


class MediaHung(_Message, frozen=True):
    """A thread of this stream does not come back from a call; the media process ends for that."""

    stream: str
    sentence: str


class PlacementRule(msgspec.Struct, frozen=True, kw_only=True):
    """By which streams come to media processes: see docs/design/supervision.md."""

    most_streams: int
    """A media process that is shared runs at most so many streams."""
    most_cores: float
    """It gets no further stream that would bring its load above so many cores."""
    assumed_cores: float
    """What a stream is taken to need until it was measured."""


class MediaProcessStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """One media process: what it runs, and how it fares."""

    name: str
    pid: int
    """0: none is running."""
    starts: int
    own: bool
    """It runs one stream, which asked for a process of its own, or hung that of others."""
    streams: tuple[str, ...]
    cores: float
    """Measured load of its streams, in CPU-seconds per second."""
    reserved_bytes: int
    last_exit: str
    """How it ended last; empty: it never did."""


class SiteStatistics(_Message, frozen=True):
    """Answer of the supervisor: every stream, every process, and how they were placed."""

    token: int
    streams: dict[str, StreamStatistics]
    """By the name of the camera's stream; those of a media process that did not answer are missing."""
    media: tuple[MediaProcessStatistics, ...]
    rule: PlacementRule
    processes: dict[str, int]
    """Back ends of this program: process id (ours) → pid."""
    clients: int
    """Programs that are connected, this one too."""


class MediaStatus(_Message, frozen=True):
    """A media process started or ended."""

    name: str
    pid: int
    running: bool
    epoch: int
    sentence: str = ""


class ProcessStarted(_Message, frozen=True):
    """A back end runs; the front's end of its channel comes as a descriptor."""

    process: str
    pid: int


class ProcessStopped(_Message, frozen=True):
    """A back end was stopped by a signal (SIGSTOP, a terminal's), or goes on."""

    process: str
    pid: int
    stopped: bool


class ProcessExited(_Message, frozen=True):
    """A back end ended: `returncode` as in `subprocess` (negative: a signal), `how` in words.

    `how` has the whole story where too many crashes ended it for good.
    """

    process: str
    pid: int
    returncode: int
    how: str = ""
    trace: str = ""
    """What its threads were doing, as Python's faulthandler wrote it, where a signal ended it."""
    restarts: bool = False
    """It is started again: `ProcessStarted` follows."""


ToSupervisor = Apply | Do | Attach | Listen | Spawn | Watch | Terminate | AskStatistics | Ping | Shutdown
FromSupervisor = (
    Secrets
    | GraphChanged
    | StreamStatus
    | MediaStatus
    | NodeEvent
    | Answer
    | ProcessStarted
    | ProcessStopped
    | ProcessExited
    | SiteStatistics
    | Pong
)
ToMedia = Secrets | Configure | Attach | AddReader | MemoryAnswer | AskStatistics | Shutdown
FromMedia = StreamStatus | NodeEvent | ReserveMemory | ReleaseMemory | MediaStatistics | MediaHung
