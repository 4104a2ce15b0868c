"""Cameras by their addresses alone."""

import camgraph as cg


def declare(graph: cg.Graph, name: str, url: str, login: str | None) -> None:
    """Declare what is at the address, by RTSP or HTTP; raise GraphError as those do."""
    by_http = url.lower().startswith(("http://", "https://"))
    (graph.http if by_http else graph.rtsp)(name, url, login=login)
