"""What a site is to do, as data: nodes with ids, JSON and YAML round trip, no secrets."""

import re
from typing import Annotated, Literal, NamedTuple, get_args
from urllib.parse import urlsplit

import msgspec

from camgraph.base.errors import GraphError
from camgraph.base.geometry import MAX_SIDE_PX
from camgraph.base.pixels import PIXEL_FORMATS, FrameFormat
from camgraph.base.redact import has_places, redact, split_login
from camgraph.graph.filter_values import MAX_FPS, check_filter
from camgraph.graph.nodes import (
    BaseNode,
    Filter,
    Fork,
    Fresh,
    Gate,
    Interval,
    Movement,
    Observe,
    Publish,
    Rate,
    Stamp,
)
from camgraph.graph.types import check_types

SPEC_VERSION = 1
SHORTEST_TIME_S, LONGEST_TIME_S = 0.1, 3600.0
"""Bounds of the times that a source can be declared with."""
MOST_BUFFER_BYTES = 1 << 30
MOST_REORDER_MS = 5000
MOST_THREADS = 16
MAX_CPU = 4095
_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
_OF_PACKETS = ("nal", "fmp4")
_REFERENCE = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|file:.+")

ReadPolicy = Literal["latest", "every"]
Decode = Literal["all", "keyframes"]
Transport = Literal["tcp", "udp", "multicast"]
Speed = Literal["own", "fast"]
Clock = Literal["capture", "camera", "arrival"]


class Address(NamedTuple):
    """A kind of addresses."""

    name: str
    schemes: tuple[str, ...]


RTSP = Address("RTSP", ("rtsp",))
HTTP = Address("HTTP", ("http", "https"))


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


Source = RtspSource | SdpSource | HttpSource | FileSource | DeviceSource | SyntheticSource
Node = (
    RtspSource
    | SdpSource
    | HttpSource
    | FileSource
    | DeviceSource
    | SyntheticSource
    | Gate
    | Rate
    | Fork
    | Interval
    | Fresh
    | Stamp
    | Movement
    | Observe
    | Publish
)


class GraphSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A declaration, versioned.

    As YAML::

        version: 1
        nodes:
        - {type: rtsp, id: door, url: "rtsp://10.0.0.5/main", login: "env:DOOR"}
        - {type: gate, id: night, source: door}
        - {type: rate, id: slow, source: door, fps: 2}
        - {type: fork, id: rooms, source: door, branches: [hall, desk]}
        - {type: interval, id: seldom, source: door, shortest_ms: 1000}
        - {type: fresh, id: recent, source: door, oldest_ms: 300}
        - {type: stamp, id: arrived, source: door}
        - {type: movement, id: moves, source: night, every_ms: 200, threshold: 0.01, ends_after_ms: 2000}
        - {type: observe, id: watched, source: door, of: packets}
        - {type: publish, id: shared, source: slow, ring: door_rgb, format: rgb24, size: [640, 360]}

    What else `Graph.rtsp` and `Graph.gate` take goes by the same names; an id is what they call the name.
    """

    version: int = SPEC_VERSION
    nodes: tuple[Node, ...] = ()

    def to_json(self) -> bytes:
        """Return the declaration as JSON."""
        return msgspec.json.format(msgspec.json.encode(self))

    def to_yaml(self) -> bytes:
        """Return the declaration as YAML; needs PyYAML."""
        return msgspec.yaml.encode(self)

    @classmethod
    def from_json(cls, data: bytes | str) -> "GraphSpec":
        """Read a declaration; raise GraphError naming the path of what is wrong."""
        return _checked(data, msgspec.json.decode)

    @classmethod
    def from_yaml(cls, data: bytes | str) -> "GraphSpec":
        """Read a declaration; needs PyYAML; raise GraphError naming the path of what is wrong."""
        return _checked(data, msgspec.yaml.decode)


class FrameRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Frames of one stream as a reader wants them.

    `roi` is the region of interest, (x, y, width, height) in px of the camera's picture; `size` is (width,
    height) in px, `fps` an upper bound in frames per second; None means as the camera sends it. Packets
    (formats ``nal`` and ``fmp4``) have no region and no rate, and their size is (bytes, 1): longer items are
    cut. Requests that agree in stream, format, roi, size and fps share one ring, whatever their policy and
    their number of leases.
    """

    stream: str
    format: FrameFormat | None = None
    roi: Annotated[tuple[int, int, int, int], "x, y, width, height in px"] | None = None
    size: Annotated[tuple[int, int], "width, height in px"] | None = None
    fps: float | None = None
    policy: ReadPolicy = "latest"
    leases: int = 3


def check_name(name: str, what: str) -> None:
    """Raise GraphError if `name` can't be that of a stream, or of a site, as `what` says."""
    if not _ID.fullmatch(name):
        raise GraphError(
            f"{name!r} can't be the name of a {what}: use 1 to 64 letters, digits, dots, dashes, underscores"
        )


def check_node(node: Node) -> None:
    """Raise GraphError if the node can't be run; the text names it and the remedy."""
    check_name(node.id, "stream")
    try:
        _check_values(node)
    except TypeError:
        check_types(node.id, node)
        raise
    check_types(node.id, node)


def _check_values(node: Node) -> None:
    if isinstance(node, Source):
        _check_source(node)
    else:
        check_filter(node)
    match node:
        case RtspSource() | HttpSource():
            _check_login(node)
        case DeviceSource(size=size, fps=fps) | SyntheticSource(size=size, fps=fps):
            if size is not None and not _is_size(size):
                raise GraphError(
                    f"stream {node.id!r}: size {size!r} must be (width, height), each 1 to {MAX_SIDE_PX} px"
                )
            _check_fps(node.id, "fps", fps)
        case Fork():
            _check_fork(node)


def _check_source(node: Source) -> None:
    for option, value, known in (
        ("decode", node.decode, get_args(Decode)),
        ("transport", getattr(node, "transport", "tcp"), get_args(Transport)),
        ("speed", getattr(node, "speed", "own"), get_args(Speed)),
        ("clock", getattr(node, "clock", "capture"), get_args(Clock)),
    ):
        if value not in known:
            raise GraphError(
                f"stream {node.id!r}: {option} {value!r} is unknown; choose one of {', '.join(known)}"
            )
    if isinstance(node, FileSource | DeviceSource | SdpSource) and not _is_path(node.path):
        raise GraphError(f"stream {node.id!r}: path {node.path!r} names no file")
    _check_fps(node.id, "decode_fps", node.decode_fps)
    _check_times(node)
    for option, least, most in (
        ("receive_buffer_bytes", 0, MOST_BUFFER_BYTES),
        ("reorder_ms", 0, MOST_REORDER_MS),
        ("decode_threads", 1, MOST_THREADS),
        ("cpu", -1, MAX_CPU),
    ):
        if not least <= (number := getattr(node, option, least)) <= most:
            raise GraphError(f"stream {node.id!r}: {option} {number!r} must be {least} to {most}")


def _check_fps(stream: str, option: str, fps: float | None) -> None:
    if fps is not None and not 0 < fps <= MAX_FPS:
        raise GraphError(f"stream {stream!r}: {option} {fps!r} must be above 0 and at most {MAX_FPS}")


def _check_login(node: RtspSource | HttpSource) -> None:
    urls = [node.url]
    if isinstance(node, RtspSource) and node.sub_url is not None:
        urls.append(node.sub_url)
    for url in urls:
        check_address(node.id, url, HTTP if isinstance(node, HttpSource) else RTSP)
        if _has_login(url):
            raise GraphError(
                f"stream {node.id!r}: the url of a stored graph carries a password; tell where that is: "
                'login "env:NAME" or "file:/path", with {user} and {password} where a query or path had it'
            )
        if has_places(url) and node.login is None:
            raise GraphError(f'stream {node.id!r}: {url} needs a login: give it as login "env:NAME"')
    # Nor is a login shown, or stored, that somebody took for the name: "env:user:password".
    if node.login not in (None, f"url:{node.id}") and not _REFERENCE.fullmatch(node.login):
        raise GraphError(f'stream {node.id!r}: login must be a reference: "env:NAME" or "file:/path"')


def _has_login(url: str) -> bool:
    try:
        return split_login(url)[1] is not None
    except ValueError:
        return True


def _check_times(node: Source) -> None:
    for option, value in (
        ("stalled_after_s", node.stalled_after_s),
        ("longest_retry_s", node.longest_retry_s),
    ):
        if value is not None and not SHORTEST_TIME_S <= value <= LONGEST_TIME_S:
            raise GraphError(
                f"stream {node.id!r}: {option} {value!r} must be {SHORTEST_TIME_S:g} to {LONGEST_TIME_S:g} s"
            )


def _check_fork(node: Fork) -> None:
    if not node.branches:
        raise GraphError(f"fork {node.id!r} has no branches; name at least one")
    for branch in node.branches:
        check_name(f"{node.id}.{branch}", "stream")
    if len(set(node.branches)) < len(node.branches):
        raise GraphError(f"fork {node.id!r}: two branches have the same name; give each its own")
    for branch in node.detached:
        check_branch(node, branch)


def check_branch(node: Fork, branch: str) -> None:
    """Raise GraphError if the fork has no such branch."""
    if branch not in node.branches:
        raise GraphError(f"fork {node.id!r} has no branch {branch!r}; it has: {', '.join(node.branches)}")


def check_address(stream: str, url: str, kind: Address) -> None:
    """Raise GraphError if the URL is no such address; the text names the stream, and shows no login."""
    try:
        parts = urlsplit(url)
        # An "@" after the host: what is taken for the port may be the beginning of a password with a slash.
        where_expected = "@" in parts.netloc or "@" not in url
        usable = parts.scheme in kind.schemes and bool(parts.hostname) and parts.port != 0 and where_expected
    except ValueError:
        usable = False
    if not usable:
        # What is not understood may hide a login anywhere, so it is shown only when it has no "@".
        shown = "its url" if "@" in url else repr(redact(url))
        raise GraphError(
            f"stream {stream!r}: {shown} is not an {kind.name} address; write "
            f"{kind.schemes[0]}://host[:port]/path, "
            "special characters of a login percent-encoded"
        )


def check_request(request: FrameRequest) -> None:
    """Raise GraphError if no ring can serve the request; the text names the argument and the remedy."""
    where = f"frames of {request.stream!r}"
    if request.format is not None and request.format not in (*PIXEL_FORMATS, *_OF_PACKETS):
        raise GraphError(
            f"{where}: format {request.format!r} is unknown; choose one of {', '.join(PIXEL_FORMATS)}, "
            f"of packets {', '.join(_OF_PACKETS)}"
        )
    if request.format in _OF_PACKETS:
        if request.size is not None and not _is_item_size(request.size):
            raise GraphError(f"{where}: size {request.size!r} of {request.format!r} must be (bytes, 1)")
        if request.roi is not None or request.fps is not None:
            raise GraphError(
                f"{where}: roi and fps are for pictures; packets ({request.format}) come as they were sent"
            )
    elif request.size is not None and not _is_size(request.size):
        raise GraphError(
            f"{where}: size {request.size!r} must be (width, height), each 1 to {MAX_SIDE_PX} px"
        )
    if request.roi is not None and not _is_region(request.roi):
        raise GraphError(
            f"{where}: roi {request.roi!r} must be (x, y, width, height) in px of the camera's picture, "
            f"x and y 0 or more, width and height 1 to {MAX_SIDE_PX}"
        )
    if request.fps is not None and not 0 < request.fps <= MAX_FPS:
        raise GraphError(f"{where}: fps {request.fps!r} must be above 0 and at most {MAX_FPS}")
    if request.policy not in ("latest", "every"):
        raise GraphError(f"{where}: policy {request.policy!r} is unknown; choose 'latest' or 'every'")
    if not (isinstance(request.leases, int) and 1 <= request.leases <= 64):
        raise GraphError(f"{where}: leases {request.leases!r} must be 1 to 64")


def _is_region(value: object) -> bool:
    return (
        isinstance(value, tuple)
        and len(value) == 4
        and all(isinstance(number, int) and 0 <= number < MAX_SIDE_PX for number in value[:2])
        and _is_size(value[2:])
    )


def _is_path(value: object) -> bool:
    return isinstance(value, str) and bool(value) and "\0" not in value


def _is_item_size(value: object) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and value[0] >= 1 and value[1] == 1


def _is_size(value: object) -> bool:
    return (
        isinstance(value, tuple)
        and len(value) == 2
        and all(isinstance(side, int) and 1 <= side <= MAX_SIDE_PX for side in value)
    )


def _checked(data: bytes | str, decode: object) -> GraphSpec:
    if not data.strip():
        raise GraphError("the graph can't be read: there is nothing in it")
    try:
        spec: GraphSpec = decode(data, type=GraphSpec)  # type: ignore[operator]
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        # What a YAML parser says has lines, and shows the place.
        said = redact(" ".join(str(error).split()))
        if said.startswith("Invalid value") and said.endswith(".type`"):
            said += f"; choose one of {', '.join(kind.__struct_config__.tag for kind in get_args(Node))}"
        raise GraphError(f"the graph can't be read: {said}") from error
    check_spec(spec)
    return spec


def check_spec(spec: GraphSpec) -> None:
    """Raise GraphError if the declaration can't be run."""
    if spec.version != SPEC_VERSION:
        raise GraphError(f"the graph has version {spec.version}; this camgraph reads version {SPEC_VERSION}")
    for node in spec.nodes:
        check_node(node)
    streams_of(spec)


def login_of(node: Node) -> str | None:
    """Return the reference to a source's login; None: it has none."""
    return node.login if isinstance(node, RtspSource | HttpSource) else None


def address_of(node: Source) -> str:
    """Return what a person calls the place that a stream comes from, without a login."""
    match node:
        case RtspSource(url=url) | HttpSource(url=url):
            return url
        case SyntheticSource():
            return "the test picture"
        case _:
            return node.path


def same_source(node: Source, other: Source) -> bool:
    """Tell whether a stream can go from one declaration to the other without being opened anew."""
    return type(node) is type(other) and _without_policy(node) == _without_policy(other)


def _without_policy(node: Source) -> Source:
    return msgspec.structs.replace(
        node, own_process=False, keep_warm=False, decode="all", decode_fps=None, show_damaged=False
    )


def references_of(spec: GraphSpec) -> set[str]:
    """Return the references to logins that a graph holds."""
    return {login for login in map(login_of, spec.nodes) if login is not None}


class StreamPath(NamedTuple):
    """How the frames of a stream come to be: from a source through filters."""

    source: Source
    steps: tuple[tuple[Filter, str], ...]
    """The filters, the one next to the source first, each with the stream that it gives on this way."""


def streams_of(spec: GraphSpec) -> dict[str, StreamPath]:
    """Return every stream of a graph with its path, in the order of their declaration.

    Raises GraphError for names that are taken twice, of rings too, for sources that don't exist, and for
    circles.
    """
    makers: dict[str, Node] = {}
    ids: set[str] = set()
    rings: dict[str, str] = {}
    for node in spec.nodes:
        if isinstance(node, Publish) and rings.setdefault(node.ring, node.id) != node.id:
            raise GraphError(
                f"{rings[node.ring]!r} and {node.id!r} publish one ring, {node.ring!r}: "
                "give each its own name"
            )
        given = [f"{node.id}.{branch}" for branch in node.branches] if isinstance(node, Fork) else [node.id]
        for name in {node.id, *given}:
            if name in makers or name in ids:
                raise GraphError(f"two streams are named {name!r}; give each its own name")
        ids.add(node.id)
        makers.update(dict.fromkeys(given, node))
    return {name: _path_to(name, makers) for name in makers}


def _path_to(name: str, makers: dict[str, Node]) -> StreamPath:
    steps: list[tuple[Filter, str]] = []
    node = makers[name]
    while not isinstance(node, Source):
        steps.insert(0, (node, name))
        if len(steps) > len(makers):
            raise GraphError(f"{node.id!r} is fed by itself, through {node.source!r}")
        if node.source not in makers:
            raise GraphError(f"{node.id!r} is fed by {node.source!r}, and no stream is named so")
        name = node.source
        node = makers[name]
    return StreamPath(node, tuple(steps))
