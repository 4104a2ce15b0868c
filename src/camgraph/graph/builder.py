"""The words a program writes its graph with."""

from collections.abc import Container, Sequence
from typing import Self

from camgraph.base.errors import GraphError
from camgraph.graph.nodes import Fork, Gate, Rate
from camgraph.graph.secrets import resolve
from camgraph.graph.sources import SourceWords
from camgraph.graph.spec import (
    GraphSpec,
    Node,
    Source,
    StreamPath,
    check_node,
    check_spec,
    references_of,
    streams_of,
)
from camgraph.graph.stream import Stream


class GraphBuilder(SourceWords):
    """A graph being written. Passwords given in URLs stay in this object and out of its `spec`."""

    def __init__(self) -> None:
        super().__init__()
        self._nodes: dict[str, Node] = {}

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
