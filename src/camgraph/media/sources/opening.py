"""Which source receives what a node declares."""

from collections.abc import Callable

from camgraph.base.loop import Loop
from camgraph.graph.nodes import (
    DeviceSource,
    FileSource,
    HttpSource,
    RtspSource,
    SdpSource,
    Source,
    SyntheticSource,
)
from camgraph.media.source import PacketSource
from camgraph.media.sources import device, file, http, rtsp, sdp, synthetic
from camgraph.media.sources.feed import Need
from camgraph.media.sources.pair import Pair
from camgraph.media.sources.pair_source import PairSource
from camgraph.media.sources.receiving import Receiving


class Opener:
    """Makes the sources of one stream's attempts; what they learn of the way to the camera stays.

    `login` is ``user:password``; `pair` chooses between the two streams of a camera that has them; for
    `need` see `Feed`.
    """

    def __init__(
        self,
        loop: Loop,
        login: str | None,
        pair: Pair | None = None,
        need: Callable[[], Need] = lambda: "all",
    ) -> None:
        self._loop, self._login, self._need = loop, login, need
        self._memory, self._small_memory = rtsp.TransportMemory(), rtsp.TransportMemory()
        self._pair = pair

    def open(self, node: Source) -> PacketSource:
        """Return a source for one attempt at what the node declares."""
        match node:
            case RtspSource() if self._pair is not None:
                return PairSource(self._pair, lambda small: self._rtsp(node, small=small))
            case RtspSource():
                return self._rtsp(node, small=False)
            case SdpSource(path=path):
                return sdp.SdpSource(self._loop, path, Receiving.of(node))
            case HttpSource(url=url):
                return http.HttpSource(url, self._login)
            case FileSource(path=path, loop=loop, speed=speed):
                return file.FileSource(path, loop=loop, speed=speed)
            case DeviceSource(path=path, size=size, fps=fps):
                return device.DeviceSource(path, size, fps)
            case SyntheticSource(size=size, fps=fps):
                return synthetic.SyntheticSource(size, fps)

    def _rtsp(self, node: RtspSource, *, small: bool) -> rtsp.RtspSource:
        url, memory = (node.sub_url or node.url, self._small_memory) if small else (node.url, self._memory)
        return rtsp.RtspSource(
            self._loop, url, self._login, node.transport, memory, self._need, Receiving.of(node)
        )
