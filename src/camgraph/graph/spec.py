"""What a site is to do, as data: nodes with ids, JSON and YAML round trip, no secrets."""

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec

from camgraph.base.errors import GraphError
from camgraph.base.pixels import PIXEL_FORMATS, PixelFormat

SPEC_VERSION = 1
MAX_SIDE_PX = 16384
_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")

ReadPolicy = Literal["latest", "every"]


class RtspSource(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="rtsp", forbid_unknown_fields=True
):
    """A camera reached by RTSP. `login` is a reference to a secret, never the secret."""

    id: str
    url: str
    login: str | None = None


Node = RtspSource


class GraphSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A declaration, versioned."""

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

    `size` is (width, height) in pixels, `fps` an upper bound in frames per second; None means as the camera
    sends it. Requests that agree in stream, format, size and fps share one ring, whatever their policy and
    their number of leases.
    """

    stream: str
    format: PixelFormat | None = None
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
    check_address(node.id, node.url)
    if urlsplit(node.url).username is not None:
        raise GraphError(
            f'stream {node.id!r}: the url of a stored graph carries a password; use login="env:NAME"'
        )
    if node.login is not None and node.login.partition(":")[0] not in ("env", "file", "url"):
        raise GraphError(f'stream {node.id!r}: login must be a reference: "env:NAME" or "file:/path"')


def check_address(stream: str, url: str) -> None:
    """Raise GraphError if the URL is no RTSP address; the text names the stream, and shows no login."""
    try:
        parts = urlsplit(url)
        # An "@" after the host: what is taken for the port may be the beginning of a password with a slash.
        where_expected = "@" in parts.netloc or "@" not in url
        usable = parts.scheme == "rtsp" and bool(parts.hostname) and parts.port != 0 and where_expected
    except ValueError:
        usable = False
    if not usable:
        # What is not understood may hide a login anywhere, so it is shown only when it has no "@".
        shown = "its url" if "@" in url else repr(url)
        raise GraphError(
            f"stream {stream!r}: {shown} is not an RTSP address; write rtsp://host[:port]/path, "
            "special characters of a login percent-encoded"
        )


def check_request(request: FrameRequest) -> None:
    """Raise GraphError if no ring can serve the request; the text names the argument and the remedy."""
    where = f"frames of {request.stream!r}"
    if request.format is not None and request.format not in PIXEL_FORMATS:
        raise GraphError(
            f"{where}: format {request.format!r} is unknown; choose one of {', '.join(PIXEL_FORMATS)}"
        )
    if request.size is not None and not _is_size(request.size):
        raise GraphError(
            f"{where}: size {request.size!r} must be (width, height), each 1 to {MAX_SIDE_PX} px"
        )
    if request.fps is not None and not 0 < request.fps <= 1000:
        raise GraphError(f"{where}: fps {request.fps!r} must be above 0 and at most 1000")
    if request.policy not in ("latest", "every"):
        raise GraphError(f"{where}: policy {request.policy!r} is unknown; choose 'latest' or 'every'")
    if not (isinstance(request.leases, int) and 1 <= request.leases <= 64):
        raise GraphError(f"{where}: leases {request.leases!r} must be 1 to 64")


def _is_size(value: object) -> bool:
    return (
        isinstance(value, tuple)
        and len(value) == 2
        and all(isinstance(side, int) and 1 <= side <= MAX_SIDE_PX for side in value)
    )


def _checked(data: bytes | str, decode: object) -> GraphSpec:
    try:
        spec: GraphSpec = decode(data, type=GraphSpec)  # type: ignore[operator]
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise GraphError(f"the graph can't be read: {error}") from error
    check_spec(spec)
    return spec


def check_spec(spec: GraphSpec) -> None:
    """Raise GraphError if the declaration can't be run."""
    if spec.version != SPEC_VERSION:
        raise GraphError(f"the graph has version {spec.version}; this camgraph reads version {SPEC_VERSION}")
    seen: set[str] = set()
    for node in spec.nodes:
        check_node(node)
        if node.id in seen:
            raise GraphError(f"two streams are named {node.id!r}; give each its own name")
        seen.add(node.id)
