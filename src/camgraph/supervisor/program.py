"""One program that uses the site: its connection, its back ends, and what it has not taken yet."""

import logging
import socket
from collections.abc import Callable

from camgraph.base.errors import BrokenError
from camgraph.base.loop import Loop
from camgraph.control.channel import ControlChannel
from camgraph.control.messages import (
    Answer,
    FromSupervisor,
    GraphChanged,
    NodeEvent,
    Pong,
    StreamStatus,
    ToSupervisor,
)
from camgraph.supervisor.backends import BackEnds

_log = logging.getLogger(__name__)


class Program:
    """A client of the site: the one that owns it, or one that has joined.

    A program that does not read, because it hangs or was stopped, keeps nobody waiting: of each stream it
    is then sent the last status only, of the graph, of each node's movement and of each of its processes the
    last news, once it reads again; nothing of single frames. Of nodes that it does not listen to it is sent
    nothing at all.
    """

    def __init__(
        self,
        loop: Loop,
        sock: socket.socket,
        *,
        site: str,
        on_message: Callable[["Program", ToSupervisor, list[int]], None],
        on_closed: Callable[["Program"], None],
    ) -> None:
        self._channel: ControlChannel[ToSupervisor] = ControlChannel(sock, ToSupervisor)
        self._statuses: dict[str, StreamStatus] = {}
        self._graph: GraphChanged | None = None
        self._movements: dict[str, NodeEvent] = {}
        self._listens_to: frozenset[str] = frozenset()
        self._lost_events = 0
        self.backends = BackEnds(loop, site=site, tell=self.tell, reads=lambda: not self._channel.queued)
        self._channel.attach(
            loop,
            lambda message, descriptors: on_message(self, message, descriptors),
            lambda: on_closed(self),
            self._catch_up,
        )

    def listen(self, nodes: frozenset[str]) -> None:
        """Tell the events of these nodes from now on, and of no others."""
        self._listens_to = nodes
        self._movements = {node: event for node, event in self._movements.items() if node in nodes}

    def tell(self, message: FromSupervisor, descriptors: tuple[int, ...] = ()) -> None:
        """Send a message; what the program can't be told any more, or does not listen to, is dropped."""
        if isinstance(message, NodeEvent):
            if message.node not in self._listens_to:
                return
            if message.kind == "seen":
                self._offer(message)
                return
        if self._channel.queued:
            if isinstance(message, NodeEvent):
                self._movements[message.node] = message
                return
            if isinstance(message, StreamStatus):
                self._statuses[message.stream] = message
                return
            if isinstance(message, GraphChanged):
                self._graph = message
                return
            if isinstance(message, Answer | Pong):
                # Whoever has changed the graph knows the new one when the answer comes.
                self._send_graph()
            if isinstance(message, Pong):
                # For a program that joins, it is the end of all that it is told of the site first.
                self._send_statuses()
        self._send(message, descriptors)

    def _offer(self, event: NodeEvent) -> None:
        if not self._channel.offer(event):
            self._lost_events += 1
        elif self._lost_events:
            _log.debug("a program did not take %d events", self._lost_events)
            self._lost_events = 0

    def _send(self, message: FromSupervisor, descriptors: tuple[int, ...] = ()) -> None:
        try:
            self._channel.send(message, descriptors)
        except BrokenError as error:
            _log.debug("a program did not take a message: %s", error)

    def close(self) -> None:
        """Close the connection; closing twice does nothing."""
        self._channel.close()

    def _send_graph(self) -> None:
        graph, self._graph = self._graph, None
        if graph is not None:
            self._send(graph)

    def _send_statuses(self) -> None:
        statuses, self._statuses = self._statuses, {}
        for status in statuses.values():
            self._send(status)

    def _catch_up(self) -> None:
        self._send_graph()
        statuses, self._statuses = self._statuses, {}
        movements, self._movements = self._movements, {}
        self.backends.catch_up()
        for movement in movements.values():
            self.tell(movement)
        for status in statuses.values():
            self.tell(status)
