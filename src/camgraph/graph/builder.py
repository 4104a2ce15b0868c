"""The words a program writes its graph with."""

import operator
from collections.abc import Container, Sequence
from typing import Any, NamedTuple, Self

from camgraph.base.errors import GraphError
from camgraph.base.pixels import PixelFormat
from camgraph.base.redact import split_login
from camgraph.graph.secrets import resolve
from camgraph.graph.spec import (
    Fork,
    FrameRequest,
    Gate,
    GraphSpec,
    Node,
    Rate,
    ReadPolicy,
    RtspSource,
    Source,
    StreamPath,
    check_address,
    check_node,
    check_request,
    check_spec,
    references_of,
    streams_of,
)


class Stream(NamedTuple):
    """A declared stream: the name by which frames of it are asked for, anywhere."""

    name: str

    def frames(
        self,
        *,
        format: PixelFormat | None = None,  # noqa: A002
        roi: tuple[int, int, int, int] | None = None,
        size: tuple[int, int] | None = None,
        fps: float | None = None,
        policy: ReadPolicy = "latest",
        leases: int = 3,
    ) -> FrameRequest:
        """Return a request for frames of this stream; it costs nothing until somebody reads.

        `format` None: as the camera sends it. `roi` is the part of the picture that is wanted, (x, y, width,
        height) in px of the camera's picture; what of it lies outside is cut off, and odd edges move outwards
        by a pixel. `size` is (width, height) in px of the result (None: that of the part), `fps` an upper
        bound. With policy ``latest`` a slow reader gets the newest frame, with ``every`` all in order as long
        as the ring holds them. `leases` is how many frames the reader may hold at a time. Raises GraphError.
        """
        request = FrameRequest(
            stream=self.name,
            format=format,
            roi=_whole_numbers(roi),
            size=_whole_numbers(size),
            fps=None if fps is None else float(fps),
            policy=policy,
            leases=leases,
        )
        check_request(request)
        return request


class GraphBuilder:
    """A graph being written. Passwords given in URLs stay in this object and out of its `spec`."""

    def __init__(self) -> None:
        self._nodes: dict[str, Node] = {}
        self._url_logins: dict[str, str] = {}

    @classmethod
    def from_spec(cls, spec: GraphSpec) -> Self:
        """Return a graph that holds the nodes of a stored declaration, or of a running site's `spec`.

        ``Stream("door")`` stands for a stream of it, where a filter is to be added.
        """
        graph = cls()
        check_spec(spec)
        graph._nodes = {node.id: node for node in spec.nodes}
        return graph

    @property
    def spec(self) -> GraphSpec:
        """The declaration as data, without secrets."""
        return GraphSpec(nodes=tuple(self._nodes.values()))

    def rtsp(
        self,
        name: str,
        url: str,
        *,
        login: str | None = None,
        own_process: bool = False,
        keep_warm: bool = False,
    ) -> Stream:
        """Declare a camera reached by RTSP, and return its stream.

        `login` refers to ``user:password``: ``env:NAME`` or ``file:/path``. A login written into the URL
        works too. With `own_process` no other stream runs in its media process, so that neither costs the
        other anything. A stream that nobody reads is not decoded, unless `keep_warm`. Raises GraphError if
        the name is taken or the address is none.
        """
        check_address(name, url)
        bare, url_login = split_login(url)
        if url_login is not None:
            if login is not None:
                raise GraphError(f"stream {name!r}: give the login once, in the url or as login=")
            login = f"url:{name}"
        self._add(RtspSource(id=name, url=bare, login=login, own_process=own_process, keep_warm=keep_warm))
        if url_login is not None:
            self._url_logins[f"url:{name}"] = url_login
        return Stream(name)

    def gate(self, name: str, source: Stream | str, *, opened: bool = True) -> Stream:
        """Declare a gate, and return the stream of the frames that it lets through while it is open.

        `source` is a stream, or its name. `Site.gate` opens and closes it while it runs. Raises GraphError if
        the name is taken.
        """
        self._add(Gate(id=name, source=_name_of(source), opened=opened))
        return Stream(name)

    def rate(self, name: str, source: Stream | str, fps: float) -> Stream:
        """Declare a stream of at most `fps` frames per second of another one, spaced evenly.

        `Site.rate` changes it while it runs. Where the rate need not change, ``frames(fps=…)`` is enough.
        Raises GraphError if the name is taken or the rate is none.
        """
        # Numpy's numbers are numbers, too; a graph is plain data.
        self._add(Rate(id=name, source=_name_of(source), fps=float(fps)))
        return Stream(name)

    def fork(self, name: str, source: Stream | str, branches: Sequence[str]) -> dict[str, Stream]:
        """Declare branches of a stream, and return theirs: ``name.branch``, by branch.

        Each gets all frames while it is attached, as it is at first; `Site.fork` detaches and attaches them
        while they run. Raises GraphError if a name is taken.
        """
        self._add(Fork(id=name, source=_name_of(source), branches=tuple(branches)))
        return {branch: Stream(f"{name}.{branch}") for branch in branches}

    def remove(self, name: str) -> None:
        """Take a camera or a filter out again, for `Site.apply`; its name can be given anew.

        Raises GraphError if there is none of this name, or if others are fed by it.
        """
        if name not in self._nodes:
            raise GraphError(
                f"{name!r} can't be removed; the graph has: {', '.join(self._nodes) or 'nothing'}"
            )
        gives = {stream for stream, path in streams_of(self.spec).items() if _maker(path).id == name}
        for node in self._nodes.values():
            if not isinstance(node, Source) and node.source in gives:
                raise GraphError(f"{name!r} can't be removed while {node.id!r} is fed by it")
        del self._nodes[name]
        self._url_logins.pop(f"url:{name}", None)

    def resolve_secrets(self, known: Container[str] = ()) -> dict[str, str]:
        """Return what each reference of the graph stands for; raise GraphError for one without a value.

        Those that are `known` elsewhere may be without one here.
        """
        secrets = {}
        for reference in sorted(references_of(self.spec)):
            try:
                secrets[reference] = self._url_logins.get(reference) or resolve(reference)
            except GraphError:
                if reference not in known:
                    raise
        return secrets

    def _add(self, node: Node) -> None:
        check_node(node)
        # All of it: a name may be taken by a branch.
        streams_of(GraphSpec(nodes=(*self._nodes.values(), node)))
        self._nodes[node.id] = node


def _name_of(source: Stream | str) -> str:
    return source if isinstance(source, str) else source.name


def _maker(path: StreamPath) -> Node:
    return path.steps[-1][0] if path.steps else path.source


def _whole_numbers(value: Any) -> Any:
    """Return pixels as a tuple of plain integers: a graph is plain data. What has none is left as it is."""
    try:
        return tuple(map(operator.index, value))
    except TypeError:
        return value
