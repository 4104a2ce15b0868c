"""What a graph is made of, as data: sources, and filters that are fed by another stream."""

from typing import Annotated, Literal

import msgspec

from camgraph.base.pixels import PixelFormat

Decode = Literal["all", "keyframes"]
Transport = Literal["tcp", "udp", "multicast"]
Speed = Literal["own", "fast"]
Clock = Literal["capture", "camera", "arrival"]
Observed = Literal["packets", "units", "pictures"]


class BaseNode(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", forbid_unknown_fields=True):
    """A node of a graph."""

    id: str


class _Source(BaseNode, frozen=True, kw_only=True):
    own_process: bool = False
    """Run in a media process that runs no other stream."""
    keep_warm: bool = False
    """Decode while nobody reads, too: the first frame of a new reader comes sooner."""
    decode: Decode = "all"
    """Decode every picture, or key frames only."""
    decode_fps: float | None = None
    """Give at most so many pictures a second to readers; what need not be decoded for that is not."""
    show_damaged: bool = False
    """Publish pictures that data is missing of, too, instead of waiting for a key frame."""
    stalled_after_s: float = 2.0
    """Without packets for so long, the stream counts as stalled."""
    longest_retry_s: float | None = None
    """No attempt waits longer for the next one than this; None: as the kind of failure asks for."""
    decode_threads: int = 1
    """So many threads of FFmpeg decode it; each further one keeps pictures back by a frame."""
    cpu: int = -1
    """Decode it on this CPU only; -1: where the system likes."""


class _RtpSource(_Source, frozen=True, kw_only=True):
    receive_buffer_bytes: int = 0
    """So much is asked for as the receive buffer of the socket that packets come by; 0: as usual."""
    reorder_ms: int = 0
    """A late packet of a stream by UDP is waited for so long at most; 0: as usual."""
    clock: Clock = "capture"
    """What gives frames their capture time: an estimate from arrivals and a camera's clock that is right; the
    camera's own clock, right or wrong; or their arrival."""


class RtspSource(_RtpSource, frozen=True, kw_only=True, tag="rtsp"):
    """A camera reached by RTSP. `login` is a reference to a secret, never the secret."""

    url: str
    login: str | None = None
    transport: Transport = "tcp"
    """How packets travel; the stream changes to TCP when none arrive, or too many are lost."""
    sub_url: str | None = None
    """The camera's smaller stream: received instead while no reader asks for more than it has."""


class SdpSource(_RtpSource, frozen=True, kw_only=True, tag="sdp"):
    """RTP that is sent to this machine, or to a multicast group, as a session description (RFC 8866) says."""

    path: str


class HttpSource(_Source, frozen=True, kw_only=True, tag="http"):
    """A stream over HTTP or HTTPS: MJPEG of a camera, or what else FFmpeg reads."""

    url: str
    login: str | None = None


class FileSource(_Source, frozen=True, kw_only=True, tag="file"):
    """A file of any kind that FFmpeg reads."""

    path: str
    loop: bool = False
    """Begin again at the end."""
    speed: Speed = "own"
    """By its timestamps, or as fast as its pictures can be decoded."""


class DeviceSource(_Source, frozen=True, kw_only=True, tag="v4l2"):
    """A camera at this machine (Video4Linux).

    In a process of its own if not told otherwise: a driver that gives no pictures can't be asked to return.
    """

    own_process: bool = True
    path: str = "/dev/video0"
    size: Annotated[tuple[int, int], "width, height in px"] | None = None
    fps: float | None = None


class SyntheticSource(_Source, frozen=True, kw_only=True, tag="synthetic"):
    """A moving test picture, made in the media process."""

    size: Annotated[tuple[int, int], "width, height in px"] = (640, 360)
    fps: float = 25.0


class Gate(BaseNode, frozen=True, kw_only=True, tag="gate"):
    """Lets the frames of another stream through while it is open."""

    source: str
    opened: bool = True


class Rate(BaseNode, frozen=True, kw_only=True, tag="rate"):
    """Thins another stream out to at most `fps` frames per second."""

    source: str
    fps: float


class Fork(BaseNode, frozen=True, kw_only=True, tag="fork"):
    """Copies another stream to branches, the streams ``id.branch``, that come and go one by one."""

    source: str
    branches: tuple[str, ...]
    detached: tuple[str, ...] = ()
    """The branches that get no frames now."""


class Interval(BaseNode, frozen=True, kw_only=True, tag="interval"):
    """Passes a frame if it is at least `shortest_ms` younger than the last one that passed.

    By the frames' own times; a jump back begins anew.
    """

    source: str
    shortest_ms: int


class Fresh(BaseNode, frozen=True, kw_only=True, tag="fresh"):
    """Passes frames whose time lies at most `oldest_ms` back."""

    source: str
    oldest_ms: int


class Stamp(BaseNode, frozen=True, kw_only=True, tag="stamp"):
    """Gives frames the time of their arrival in place of that of their capture."""

    source: str


class Movement(BaseNode, frozen=True, kw_only=True, tag="movement"):
    """Watches the brightness of pictures; passes them, one in `every_ms`, while something moves.

    Every `every_ms` a picture is compared with the one before; movement is a mean difference of brightness
    above `threshold` (0 to 1), and ends after `ends_after_ms` without. Beginning and end are told as events.
    """

    source: str
    every_ms: int
    threshold: float
    ends_after_ms: int
    resets: int = 0
    """Counted up to have it forget what it saw."""


class Observe(BaseNode, frozen=True, kw_only=True, tag="observe"):
    """Passes all, and tells of each frame as an event, of one in `every_ms` where that is given."""

    source: str
    of: Observed
    every_ms: int = 0
    data_bytes: int = 0
    """So many of a frame's first bytes are told, too."""


class Publish(BaseNode, frozen=True, kw_only=True, tag="publish"):
    """Passes all, and has every program of this user read it as the ring `ring`, by that name alone.

    Descriptors attached to the node (event file descriptors) get a 1 written for each frame.
    """

    source: str
    ring: str
    format: PixelFormat | Literal["nal", "fmp4"]
    size: Annotated[tuple[int, int], "width, height in px"] | None = None
    """Of packets: (bytes, 1), the most that an item has; longer ones are cut."""
    headers: int = 0
    """Counted up to have what a new listener needs (of fmp4: ftyp, moov) sent once more."""
    tag: int = 0
    """Told with each frame of the ring (`Frame.tag`), 0 to 65535."""


Source = RtspSource | SdpSource | HttpSource | FileSource | DeviceSource | SyntheticSource
Filter = Gate | Rate | Fork | Interval | Fresh | Stamp | Movement | Observe | Publish
Node = Source | Filter
