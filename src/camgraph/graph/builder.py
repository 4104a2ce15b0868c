"""The words a program writes its graph with."""

from typing import NamedTuple

from camgraph.base.errors import GraphError
from camgraph.base.pixels import PixelFormat
from camgraph.base.redact import split_login
from camgraph.graph.secrets import resolve
from camgraph.graph.spec import (
    FrameRequest,
    GraphSpec,
    Node,
    ReadPolicy,
    RtspSource,
    check_address,
    check_node,
    check_request,
)


class Stream(NamedTuple):
    """A declared stream: the name by which frames of it are asked for, anywhere."""

    name: str

    def frames(
        self,
        *,
        format: PixelFormat | None = None,  # noqa: A002
        size: tuple[int, int] | None = None,
        fps: float | None = None,
        policy: ReadPolicy = "latest",
        leases: int = 3,
    ) -> FrameRequest:
        """Return a request for frames of this stream; it costs nothing until somebody reads.

        `format` None: as the camera sends it. `size` is (width, height) in px, `fps` an upper bound. With
        policy ``latest`` a slow reader gets the newest frame, with ``every`` all in order as long as the
        ring holds them. `leases` is how many frames the reader may hold at a time. Raises GraphError.
        """
        request = FrameRequest(
            stream=self.name, format=format, size=size, fps=fps, policy=policy, leases=leases
        )
        check_request(request)
        return request


class GraphBuilder:
    """A graph being written. Passwords given in URLs stay in this object and out of its `spec`."""

    def __init__(self) -> None:
        self._nodes: dict[str, Node] = {}
        self._url_logins: dict[str, str] = {}

    @classmethod
    def from_spec(cls, spec: GraphSpec) -> "GraphBuilder":
        """Return a graph that holds the nodes of a stored declaration."""
        graph = cls()
        for node in spec.nodes:
            graph._add(node)
        return graph

    @property
    def spec(self) -> GraphSpec:
        """The declaration as data, without secrets."""
        return GraphSpec(nodes=tuple(self._nodes.values()))

    def rtsp(self, name: str, url: str, *, login: str | None = None) -> Stream:
        """Declare a camera reached by RTSP, and return its stream.

        `login` refers to ``user:password``: ``env:NAME`` or ``file:/path``. A login written into the URL
        works too. Raises GraphError if the name is taken or the address is none.
        """
        check_address(name, url)
        bare, url_login = split_login(url)
        if url_login is not None:
            if login is not None:
                raise GraphError(f"stream {name!r}: give the login once, in the url or as login=")
            login = f"url:{name}"
        self._add(RtspSource(id=name, url=bare, login=login))
        if url_login is not None:
            self._url_logins[f"url:{name}"] = url_login
        return Stream(name)

    def resolve_secrets(self) -> dict[str, str]:
        """Return what each reference of the graph stands for; raise GraphError for one without a value."""
        references = {node.login for node in self._nodes.values() if node.login is not None}
        return {ref: self._url_logins.get(ref) or resolve(ref) for ref in sorted(references)}

    def _add(self, node: Node) -> None:
        check_node(node)
        if node.id in self._nodes:
            raise GraphError(f"two streams are named {node.id!r}; give each its own name")
        self._nodes[node.id] = node
