"""The graph a program writes and starts."""

from camgraph.client.site import Site
from camgraph.graph.builder import GraphBuilder


class Graph(GraphBuilder):
    """A filtergraph: declare streams, then `start` it."""

    def start(self, *, name: str | None = None) -> Site:
        """Start the graph's processes and return the live site at once; the streams come up by themselves.

        `name` is the site's name on this machine (default: one that nobody else has). Raises GraphError if it
        can't be one or a login reference can't be resolved, BrokenError if a site of this name runs already.
        """
        return Site(self.spec, self.resolve_secrets(), name=name)
