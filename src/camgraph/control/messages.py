"""The control protocol: typed messages, encoded as msgpack; nothing is unpickled from a control socket.

::

    client → supervisor     Secrets, Apply, Spawn (+ payload memfd), Terminate, AskStatistics, Shutdown
    supervisor → client     StreamStatus, MediaStatus, ProcessStarted (+ channel), ProcessExited,
                            SiteStatistics
    supervisor → media      Secrets, Apply, AddReader (+ the reader's socket), AskStatistics, Shutdown
    media → supervisor      StreamStatus, MediaStatistics

Times are CLOCK_MONOTONIC in ns, which all processes of a machine share.
"""

from typing import Literal

import msgspec

from camgraph.graph.spec import GraphSpec

StreamState = Literal[
    "starting",
    "resolving",
    "opening",
    "waiting_for_keyframe",
    "live",
    "stalled",
    "backing_off",
    "unauthorized",
    "not_found",
    "unsupported",
    "stopped",
]


class _Message(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    pass


class Secrets(_Message, frozen=True):
    """What the references of the next `Apply` stand for; held in memory, never stored."""

    values: dict[str, str]

    def __repr__(self) -> str:
        return f"Secrets({', '.join(self.values)})"


class Apply(_Message, frozen=True):
    """The desired state. `epoch` (wall clock, ns) is set by the supervisor for a media process's start."""

    spec: GraphSpec
    epoch: int = 0


class Spawn(_Message, frozen=True):
    """Start a back end; its payload comes as a descriptor (memfd)."""

    process: str
    name: str


class Terminate(_Message, frozen=True):
    """End a back end: its channel is closed by the client; after `grace_s` it is killed."""

    process: str
    grace_s: float


class AddReader(_Message, frozen=True):
    """A reader's connection, with the HELLO it sent, comes as a descriptor."""

    hello: bytes


class AskStatistics(_Message, frozen=True):
    """Ask for numbers; the answer carries the token."""

    token: int


class Shutdown(_Message, frozen=True):
    """End all that was started, then end."""


class StreamStatus(_Message, frozen=True):
    """The state of a stream, with one sentence fit to show a person."""

    stream: str
    state: StreamState
    reason: str = ""
    """Machine-readable cause: "", refused, no_answer, camera_closed, name_not_found, media_process_died …"""
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


class RingStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """One ring of a stream: what was asked, by how many, and what came of it."""

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


class StreamStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """Counts since the media process started."""

    received: int
    """Packets of video."""
    decoded: int
    dropped: int
    """Packets that gave no frame: waiting for a keyframe, or damaged."""
    conversions: int
    attempts: int
    rings: tuple[RingStatistics, ...] = ()


class MediaStatistics(_Message, frozen=True):
    """Answer of a media process."""

    token: int
    streams: dict[str, StreamStatistics]


class SiteStatistics(_Message, frozen=True):
    """Answer of the supervisor: the streams of every media process, and who runs."""

    token: int
    streams: dict[str, StreamStatistics]
    media_pid: int
    """0: none is running."""
    media_starts: int
    processes: dict[str, int]
    """Back ends: process id (ours) → pid."""


class MediaStatus(_Message, frozen=True):
    """A media process started or ended."""

    pid: int
    running: bool
    epoch: int
    sentence: str = ""


class ProcessStarted(_Message, frozen=True):
    """A back end runs; the front's end of its channel comes as a descriptor."""

    process: str
    pid: int


class ProcessExited(_Message, frozen=True):
    """A back end ended: `returncode` as in `subprocess` (negative: a signal)."""

    process: str
    pid: int
    returncode: int


ToSupervisor = Secrets | Apply | Spawn | Terminate | AskStatistics | Shutdown
FromSupervisor = StreamStatus | MediaStatus | ProcessStarted | ProcessExited | SiteStatistics
ToMedia = Secrets | Apply | AddReader | AskStatistics | Shutdown
FromMedia = StreamStatus | MediaStatistics
