"""The doors of a site: brings readers to the media process that runs their stream, and lets programs join."""

import functools
import logging
import resource
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from camgraph.base.descriptors import check_peer, close_all, receive_with_descriptors
from camgraph.base.errors import BrokenError
from camgraph.base.loop import Loop
from camgraph.control.channel import GREETING
from camgraph.control.published import request_of
from camgraph.graph.nodes import Publish
from camgraph.ring.protocol import MAX_DATAGRAM_BYTES, Hello, refuse

_log = logging.getLogger(__name__)

HELLO_WITHIN_S = 2.0
UNKNOWN_STREAM_S = 10.0
"""So long a reader may come before the stream that it asks for."""
REMOVED_STREAM_S = 1.0
"""So long a stream may be away from the graph without losing its readers."""
SWEEP_EVERY_S = 1.0


@dataclass
class _Waiting:
    sock: socket.socket
    door: socket.socket
    accepted_ns: int
    data: bytes = b""
    hello: Hello | None = None


class Broker:
    """Accepts connections, reads each one's first datagram, and hands it over.

    `hand_over(stream, hello, sock)` returns False while no media process can take a reader, which then waits
    here. Nobody stands between reader and ring afterwards. `knows(stream)` tells declared streams,
    `was_removed(stream)` those that were. The connection of a program that joins the site is given to
    `join(sock)`, which owns it from then on.

    At the door of a published ring that ring is given, whatever the reader asks for; for how many leases, is
    the reader's word.

    Those that wait here take half of this process's descriptors at most, the others wait outside: starting
    the media process that all of them wait for takes some, too.
    """

    def __init__(
        self,
        loop: Loop,
        listener: socket.socket,
        *,
        knows: Callable[[str], bool],
        was_removed: Callable[[str], bool],
        hand_over: Callable[[str, bytes, socket.socket], bool],
        join: Callable[[socket.socket], None],
    ) -> None:
        self._loop = loop
        self._listener = listener
        self._rings: dict[socket.socket, Publish] = {}
        self._knows = knows
        self._was_removed = was_removed
        self._hand_over = hand_over
        self._join = join
        self._waiting: dict[int, _Waiting] = {}
        self._closed = False
        listener.setblocking(False)
        self._sweep()

    def open_door(self, listener: socket.socket, node: Publish) -> None:
        """Let in at this socket who wants the node's ring; again: it is another node's now."""
        listener.setblocking(False)
        self._rings[listener] = node
        self._let_in()

    def close_door(self, listener: socket.socket) -> None:
        """Let nobody in there any more; who has waited goes. The caller closes the socket."""
        del self._rings[listener]
        self._loop.remove(listener)
        for waiting in list(self._waiting.values()):
            if waiting.door is listener:
                self._drop(waiting)

    def serve(self) -> None:
        """Try again to hand over those that wait: a media process has started, or the graph has changed."""
        for waiting in list(self._waiting.values()):
            self._try(waiting)
        self._let_in()

    def close(self) -> None:
        """Turn away all that wait, and accept no more: those that come wait outside for another broker."""
        self._closed = True
        for listener in self._listeners:
            self._loop.remove(listener)
        for waiting in list(self._waiting.values()):
            self._drop(waiting)

    def close_for_good(self) -> None:
        """Close; there will be no other one, so those that come are told at once that nobody is here.

        A process that is just joining the site would wait for us, while we wait for its end.
        """
        self.close()
        # What all have that have inherited the socket is shut with it.
        self._listener.shutdown(socket.SHUT_RDWR)
        with suppress(OSError):
            while True:
                self._listener.accept()[0].close()

    @property
    def _listeners(self) -> tuple[socket.socket, ...]:
        return self._listener, *self._rings

    def _let_in(self) -> None:
        if not self._closed:
            for listener in self._listeners:
                self._loop.add(listener, functools.partial(self._accept, listener))

    def _accept(self, listener: socket.socket) -> None:
        if len(self._waiting) >= resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2:
            self._loop.remove(listener)
            return
        try:
            sock, _ = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        except OSError as error:
            _log.warning("nobody can be let in for a moment: %s", error.strerror)
            # It stays readable; the next sweep tries again.
            self._loop.remove(listener)
            return
        try:
            check_peer(sock)
        except BrokenError as error:
            _log.warning("somebody was turned away: %s", error)
            sock.close()
            return
        sock.setblocking(False)
        waiting = _Waiting(sock, listener, time.monotonic_ns())
        self._waiting[sock.fileno()] = waiting
        self._loop.add(sock, lambda: self._readable(waiting))

    def _readable(self, waiting: _Waiting) -> None:
        try:
            data, descriptors = receive_with_descriptors(waiting.sock, MAX_DATAGRAM_BYTES)
        except BlockingIOError:
            return
        except (OSError, BrokenError):
            data, descriptors = b"", []
        close_all(descriptors)
        if not data or descriptors or waiting.hello is not None:
            self._drop(waiting)
            return
        if data == GREETING and waiting.door is self._listener:
            self._forget(waiting)
            self._join(waiting.sock)
            return
        try:
            waiting.hello = Hello.decode(data)
        except ValueError as error:
            self._refuse(waiting, str(error))
            return
        waiting.data = data
        self._try(waiting)

    def _try(self, waiting: _Waiting) -> None:
        if waiting.hello is None:
            return
        stream, data = waiting.hello.request.stream, waiting.data
        node = self._rings.get(waiting.door)
        if node is not None:
            stream = node.id
            data = replace(waiting.hello, request=request_of(node)).encode()
        if self._knows(stream) and self._hand_over(stream, data, waiting.sock):
            self._drop(waiting)

    def _sweep(self) -> None:
        now_ns = time.monotonic_ns()
        for waiting in list(self._waiting.values()):
            waited_s = (now_ns - waiting.accepted_ns) / 1e9
            if waiting.hello is None:
                if waited_s > HELLO_WITHIN_S:
                    self._drop(waiting)
            elif waiting.door in self._rings:
                self._try(waiting)
            else:
                self._try_or_refuse(waiting, waiting.hello.request.stream, waited_s)
        if not self._closed:
            self._let_in()
            self._loop.call_later(SWEEP_EVERY_S, self._sweep)

    def _try_or_refuse(self, waiting: _Waiting, stream: str, waited_s: float) -> None:
        if self._knows(stream):
            # A media process that could not take it may be able to by now.
            self._try(waiting)
        elif self._was_removed(stream) and waited_s > REMOVED_STREAM_S:
            self._refuse(waiting, f"the stream {stream!r} was removed")
        elif waited_s > UNKNOWN_STREAM_S:
            self._refuse(waiting, f"no stream is named {stream!r}")

    def _refuse(self, waiting: _Waiting, reason: str) -> None:
        self._forget(waiting)
        refuse(waiting.sock, reason)

    def _drop(self, waiting: _Waiting) -> None:
        self._forget(waiting)
        waiting.sock.close()

    def _forget(self, waiting: _Waiting) -> None:
        self._waiting.pop(waiting.sock.fileno(), None)
        self._loop.remove(waiting.sock)
