"""Where rings are asked for by their names alone: a listening socket for each published ring of the graph."""

import errno
import logging
import socket

from camgraph.base.descriptors import ring_address
from camgraph.base.loop import Loop, Timer
from camgraph.graph.nodes import Publish
from camgraph.graph.spec import GraphSpec
from camgraph.supervisor.broker import Broker

_log = logging.getLogger(__name__)

BACKLOG = 256
AGAIN_AFTER_S = 1.0


class RingDoors:
    """Owns the sockets; who comes there is the broker's.

    A name at which another site, or another program, listens already is tried again, for as long as it is
    wanted.
    """

    def __init__(self, loop: Loop, broker: Broker) -> None:
        self._loop, self._broker = loop, broker
        self._wanted: dict[str, Publish] = {}
        self._open: dict[str, socket.socket] = {}
        self._warned: set[str] = set()
        self._retry: Timer | None = None

    def follow(self, spec: GraphSpec) -> None:
        """Listen for the rings that this graph publishes, and for no others."""
        self._wanted = {node.ring: node for node in spec.nodes if isinstance(node, Publish)}
        self._warned &= self._wanted.keys()
        for ring in self._open.keys() - self._wanted.keys():
            self._close(ring)
        for ring in self._open.keys() & self._wanted.keys():
            self._broker.open_door(self._open[ring], self._wanted[ring])
        self._open_missing()

    def close(self) -> None:
        """Listen no more."""
        self._wanted = {}
        for ring in list(self._open):
            self._close(ring)
        if self._retry is not None:
            self._retry.cancel()

    def _close(self, ring: str) -> None:
        listener = self._open.pop(ring)
        self._broker.close_door(listener)
        listener.close()

    def _open_missing(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        for ring in self._wanted.keys() - self._open.keys():
            try:
                listener = _listen(ring)
            except OSError as error:
                self._warn(ring, error)
            else:
                self._warned.discard(ring)
                self._open[ring] = listener
                self._broker.open_door(listener, self._wanted[ring])
        if len(self._open) < len(self._wanted):
            self._retry = self._loop.call_later(AGAIN_AFTER_S, self._open_missing)

    def _warn(self, ring: str, error: OSError) -> None:
        if ring in self._warned:
            return
        self._warned.add(ring)
        why = error.strerror
        if error.errno == errno.EADDRINUSE:
            why = "another site, or another program of this user, publishes a ring of this name"
        _log.warning("%r: nobody can be let in at the ring %r yet: %s", self._wanted[ring].id, ring, why)


def _listen(ring: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC)
    try:
        listener.bind(ring_address(ring))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener
