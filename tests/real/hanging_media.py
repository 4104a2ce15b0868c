"""``python -m tests.real.hanging_media CONTROL PARENT``: a media process that is less patient than usual.

Its files are opened by FFmpeg, which waits for ever where there is a FIFO that nobody writes to.
"""

import sys
from collections.abc import Iterator

import av

from camgraph.graph.spec import FileSource, Source
from camgraph.media import hangs, session
from camgraph.media.__main__ import main
from camgraph.media.opening import Opener
from camgraph.media.source import NetworkCounts, Packet, PacketSource, StreamInfo

_usual = Opener.open


class FifoSource:
    """Opens a file, and would never come to an end of that."""

    def __init__(self, path: str) -> None:
        self.network = NetworkCounts()
        self._path = path

    def resolve(self) -> None:
        """There is nothing to look up."""

    def open(self) -> StreamInfo:
        """Open it."""
        av.open(self._path)
        raise AssertionError("somebody writes to the FIFO")

    def packets(self) -> Iterator[Packet]:
        """Never comes to this."""
        raise NotImplementedError

    def cancel(self) -> bool:
        """Can't be ended."""
        return False

    def close(self) -> None:
        """Has nothing to release."""


def opened(opener: Opener, node: Source) -> PacketSource:
    """Return the source of a node."""
    return FifoSource(node.path) if isinstance(node, FileSource) else _usual(opener, node)


if __name__ == "__main__":
    # The process itself is loaded by main.
    hangs.LOOK_EVERY_S = 0.1
    session.OPENING_BOUND_NS = 300_000_000
    Opener.open = opened  # type: ignore[method-assign, assignment]
    main(*map(int, sys.argv[1:3]))
