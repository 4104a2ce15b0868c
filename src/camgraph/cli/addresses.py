"""Cameras by their addresses alone."""

import camgraph as cg
from camgraph.graph.nodes import Transport

TRANSPORT_HELP = "How packets of RTSP travel; by TCP where they do not arrive so."


def declare(graph: cg.Graph, name: str, url: str, login: str | None, transport: Transport) -> None:
    """Declare what is at the address, by RTSP or HTTP; raise GraphError as those do."""
    if url.lower().startswith(("http://", "https://")):
        graph.http(name, url, login=login)
    else:
        graph.rtsp(name, url, login=login, transport=transport)
