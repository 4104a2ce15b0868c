"""Which source receives what a node declares."""

from camgraph.base.loop import Loop
from camgraph.graph.spec import RtspSource, SdpSource, Source
from camgraph.media import rtsp_source, sdp_source
from camgraph.media.source import PacketSource


class Opener:
    """Makes the sources of one stream's attempts; what they learn of the way to the camera stays.

    `login` is ``user:password``.
    """

    def __init__(self, loop: Loop, login: str | None) -> None:
        self._loop, self._login = loop, login
        self._memory = rtsp_source.TransportMemory()

    def open(self, node: Source) -> PacketSource:
        """Return a source for one attempt at what the node declares."""
        match node:
            case RtspSource(url=url, transport=transport):
                return rtsp_source.RtspSource(self._loop, url, self._login, transport, self._memory)
            case SdpSource(path=path):
                return sdp_source.SdpSource(self._loop, path)
            case _:
                raise NotImplementedError(type(node).__name__)
