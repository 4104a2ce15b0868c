"""The graph a program writes and starts, and joining one that runs."""

import os
import secrets

from camgraph.client.attached import AttachedConnection
from camgraph.client.owned import OwnedConnection
from camgraph.client.site import Site
from camgraph.graph.builder import GraphBuilder
from camgraph.graph.spec import GraphSpec
from camgraph.graph.values import check_name


class Graph(GraphBuilder):
    """A filtergraph: declare streams, then `start` it."""

    def start(self, *, name: str | None = None) -> Site:
        """Start the graph's processes and return the live site at once; the streams come up by themselves.

        `name` is the site's name on this machine (default: one that nobody else has). Raises GraphError if it
        can't be one or a login reference can't be resolved, BrokenError if a site of this name runs already.
        """
        if name is not None:
            check_name(name, "site")
        site = name or f"{os.getpid()}-{secrets.token_hex(4)}"
        spec, logins = self.spec, self.resolve_secrets()
        return Site(site, spec, lambda listener: OwnedConnection(site, spec, logins, listener))


def attach(name: str, *, timeout: float = 5.0) -> Site:
    """Join a site that runs on this machine for this user, and return it when its streams are known.

    Reading, watching, commands, `apply` and `spawn` are as in the program that started it; closing leaves it
    running. While its supervisor is being replaced, and when it was closed and is started again, the site is
    joined anew by itself; readers end with BrokenError when it was closed, and are to be made anew. Raises
    GraphError if there can be no such name, BrokenError if no such site runs, or if it does not answer within
    `timeout` seconds.
    """
    check_name(name, "site")
    site = Site(name, GraphSpec(), lambda listener: AttachedConnection(name, listener))
    try:
        site.wait_known(timeout)
    except BaseException:
        site.close()
        raise
    return site
