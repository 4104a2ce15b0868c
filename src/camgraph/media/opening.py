"""Which source receives what a node declares."""

from camgraph.graph.spec import RtspSource, Source
from camgraph.media.libav_source import LibavRtspSource
from camgraph.media.source import PacketSource


def source_for(node: Source, login: str | None) -> PacketSource:
    """Return a source for one attempt; `login` is ``user:password``."""
    match node:
        case RtspSource():
            return LibavRtspSource(node.url, login)
        case _:
            raise NotImplementedError(type(node).__name__)
