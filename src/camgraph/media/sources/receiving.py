"""How packets are received, where a stream is told to do it otherwise than usual."""

import logging
import socket
from contextlib import suppress
from typing import NamedTuple

from camgraph.graph.nodes import Clock, RtspSource, SdpSource

_log = logging.getLogger(__name__)
_told: set[int] = set()


class Receiving(NamedTuple):
    """A stream's wishes; 0: as usual."""

    buffer_bytes: int = 0
    reorder_ms: int = 0
    clock: Clock = "capture"

    @classmethod
    def of(cls, node: RtspSource | SdpSource) -> "Receiving":
        """Return what a source is declared with."""
        return cls(node.receive_buffer_bytes, node.reorder_ms, node.clock)


USUAL = Receiving()


def ask_for_buffer(sock: socket.socket, size_bytes: int) -> None:
    """Have the kernel keep so much for a socket; what it does not allow is told once in a process."""
    if not size_bytes:
        return
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size_bytes)
    # It counts what it keeps besides the data, too, and so takes, and tells, twice as much.
    had = sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2
    if had < size_bytes and size_bytes not in _told:
        _told.add(size_bytes)
        _log.warning(
            "this system allows receive buffers of %d bytes, not of %d: raise it with "
            "`sysctl net.core.rmem_max=%d`",
            had,
            size_bytes,
            size_bytes,
        )
