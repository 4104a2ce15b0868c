"""Typed messages with descriptors over a socket that keeps their boundaries."""

import logging
import os
import socket
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from camgraph.base.descriptors import close_all, receive_with_descriptors, send_with_descriptors
from camgraph.base.errors import BrokenError
from camgraph.base.loop import Loop
from camgraph.base.parking import close_in_children

_log = logging.getLogger(__name__)

MAX_MESSAGE_BYTES = 1 << 20
MAX_QUEUED = 4096
_MOST_AT_ONCE = 64
GREETING = b"camgraph control 1"
"""The first datagram of a program that joins a site, at the address where readers ask for their rings."""

T = TypeVar("T")


def channel_pair() -> tuple[socket.socket, socket.socket]:
    """Return two connected non-blocking sockets that keep message boundaries, close-on-exec."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for sock in (ours, theirs):
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, MAX_MESSAGE_BYTES)
    return ours, theirs


class ControlChannel(Generic[T]):
    """One end of a control connection; owns its socket.

    Sending is allowed from any thread and never waits: what the socket does not take is queued, up to a
    bound, and sent when the loop finds it writable. Receiving belongs to the loop given to `attach`.
    """

    def __init__(self, sock: socket.socket, receives: Any) -> None:
        sock.setblocking(False)
        close_in_children(sock)
        self._sock = sock
        self._decoder = msgspec.msgpack.Decoder(receives)
        self._encoder = msgspec.msgpack.Encoder()
        self._queue: deque[tuple[bytes, list[int]]] = deque()
        self._lock = threading.Lock()
        self._loop: Loop | None = None
        self._on_message: Callable[[T, list[int]], None] | None = None
        self._on_closed: Callable[[], None] | None = None
        self._on_drained: Callable[[], None] | None = None
        self._closed = False

    @property
    def queued(self) -> int:
        """How many messages wait for the other side to read."""
        return len(self._queue)

    def fileno(self) -> int:
        """Return the descriptor of the socket (-1: closed)."""
        return self._sock.fileno()

    def attach(
        self,
        loop: Loop,
        on_message: Callable[[T, list[int]], None],
        on_closed: Callable[[], None],
        on_drained: Callable[[], None] | None = None,
    ) -> None:
        """Serve the channel in `loop`: `on_message(message, descriptors)`, whose callee owns the descriptors,
        `on_closed()` once, when the other side is gone, and `on_drained()` when it has taken all that was
        queued. Call it before the loop runs, or in its thread.
        """
        self._loop, self._on_message, self._on_closed = loop, on_message, on_closed
        self._on_drained = on_drained
        with self._lock:
            loop.add(self._sock, self._readable, self._flush if self._queue else None)

    def send(self, message: msgspec.Struct, descriptors: Sequence[int] = ()) -> None:
        """Send a message; the caller keeps its descriptors.

        Raises BrokenError if the other side is gone or has not read `MAX_QUEUED` messages, or if descriptors
        can't be copied for the queue; ClosedError never: sending on a channel closed here raises BrokenError.
        """
        data = self._encoder.encode(message)
        with self._lock:
            if self._closed:
                raise BrokenError("the control connection is closed")
            if not self._queue:
                try:
                    send_with_descriptors(self._sock, data, descriptors)
                    return
                except BlockingIOError:
                    pass
                except OSError as error:
                    raise BrokenError(f"the control connection is broken: {error.strerror}") from error
            if len(self._queue) >= MAX_QUEUED:
                raise BrokenError("the other side of the control connection does not read")
            self._queue.append((data, _copies(descriptors)))
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._want_writable)

    def offer(self, message: msgspec.Struct) -> bool:
        """Send a message that may be lost: nothing is queued. From any thread.

        False: the other side does not take it now, and it is lost.
        """
        data = self._encoder.encode(message)
        with self._lock:
            if self._closed or self._queue:
                return False
            try:
                self._sock.send(data, socket.MSG_NOSIGNAL)
            except OSError:
                return False
            return True

    def close(self) -> None:
        """Release the socket and what is queued; closing twice does nothing. In the loop's thread."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            if self._loop is not None:
                self._loop.remove(self._sock)
            self._sock.close()
            while self._queue:
                close_all(self._queue.popleft()[1])

    def receive_rest(self) -> None:
        """Take what the other side, which has ended, had still sent. In the loop's thread."""
        for _ in range(MAX_QUEUED // _MOST_AT_ONCE):
            self._readable()

    def abandon(self) -> None:
        """Close all in a forked child; without the lock, which another thread may have held."""
        self._sock.close()
        while self._queue:
            close_all(self._queue.popleft()[1])

    def _want_writable(self) -> None:
        with self._lock:
            if not self._closed and self._loop is not None and self._queue:
                self._loop.add(self._sock, self._readable, self._flush)

    def _flush(self) -> None:
        with self._lock:
            while self._queue:
                data, descriptors = self._queue[0]
                try:
                    send_with_descriptors(self._sock, data, descriptors)
                except BlockingIOError:
                    return
                except OSError:
                    pass
                self._queue.popleft()
                close_all(descriptors)
            if not self._closed and self._loop is not None:
                self._loop.add(self._sock, self._readable)
        if self._on_drained is not None:
            self._on_drained()

    def _readable(self) -> None:
        for _ in range(_MOST_AT_ONCE):
            if self._closed:
                return
            try:
                data, descriptors = receive_with_descriptors(self._sock, MAX_MESSAGE_BYTES)
            except BlockingIOError:
                return
            except BrokenError as error:
                # No free descriptor for what came with it; the sender closes its own.
                _log.error("a control message was lost: %s", error)
                continue
            except OSError:
                data, descriptors = b"", []
            if not data:
                close_all(descriptors)
                on_closed, self._on_closed = self._on_closed, None
                self.close()
                if on_closed is not None:
                    on_closed()
                return
            try:
                message = self._decoder.decode(data)
            except msgspec.DecodeError:
                _log.exception("a control message could not be read")
                close_all(descriptors)
                continue
            assert self._on_message is not None
            self._on_message(message, descriptors)


def _copies(descriptors: Sequence[int]) -> list[int]:
    copies: list[int] = []
    try:
        for descriptor in descriptors:
            copies.append(os.dup(descriptor))
    except OSError as error:
        close_all(copies)
        raise BrokenError(f"descriptors could not be queued: {error.strerror}") from error
    return copies
