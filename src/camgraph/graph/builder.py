"""The words a program writes its graph with."""

from collections.abc import Container
from typing import Self

from camgraph.base.errors import GraphError
from camgraph.graph.filters import FilterWords
from camgraph.graph.nodes import Node, Source
from camgraph.graph.secrets import resolve
from camgraph.graph.sources import SourceWords
from camgraph.graph.spec import GraphSpec, StreamPath, check_node, check_spec, references_of, streams_of


class GraphBuilder(SourceWords, FilterWords):
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


def _maker(path: StreamPath) -> Node:
    return path.steps[-1][0] if path.steps else path.source
