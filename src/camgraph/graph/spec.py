"""What a site is to do, as data: nodes with ids, JSON and YAML round trip, no secrets.

Which nodes there are is told in `nodes`, which values they can have in `source_values` and `filter_values`,
and those of a request in `request_values`.
"""

from typing import Annotated, Literal, NamedTuple, get_args

import msgspec

from camgraph.base.errors import GraphError
from camgraph.base.pixels import FrameFormat
from camgraph.base.redact import redact
from camgraph.graph.filter_values import check_filter
from camgraph.graph.nodes import Filter, Fork, HttpSource, Node, Publish, RtspSource, Source, SyntheticSource
from camgraph.graph.source_values import check_source
from camgraph.graph.types import check_types
from camgraph.graph.values import check_name

SPEC_VERSION = 1

ReadPolicy = Literal["latest", "every"]


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


def check_node(node: Node) -> None:
    """Raise GraphError if the node can't be run; the text names it and the remedy."""
    check_name(node.id, "stream")
    try:
        if isinstance(node, Source):
            check_source(node)
        else:
            check_filter(node)
    except TypeError:
        check_types(node.id, node)
        raise
    check_types(node.id, node)


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
