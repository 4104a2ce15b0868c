"""One end of the connection between a front end and its back end."""

import errno
import os
import socket
import struct
import threading
import weakref
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from camgraph.base.alarm import Alarm
from camgraph.base.descriptors import close_all, receive_with_descriptors, send_with_descriptors
from camgraph.base.errors import BrokenError
from camgraph.base.loop import Loop
from camgraph.process.wire import MAX_DATAGRAM_BYTES, MAX_INLINE_BYTES, Envelope, Kind, pack, unpack

MAX_QUEUED = 1024
MAX_QUEUED_BYTES = 64 << 20
MAX_IN_MEMFDS_BYTES = 32 << 20
_TAKEN = struct.Struct("<Q")
_NO_SIGNAL = int(socket.MSG_NOSIGNAL)
_CONGESTED = {errno.ENOBUFS, errno.ENOMEM, errno.ETOOMANYREFS}
"""The socket has room, but not this machine, or this user, who has too many descriptors under way."""
RETRY_S = 0.02


class _Outgoing(NamedTuple):
    kind: Kind
    token: int
    data: bytes
    descriptors: tuple[int, ...]
    body_bytes: int
    in_memfd: bool


class Channel:
    """Sends and receives `Envelope`; owns its socket, which may come later than the first message.

    Sending is allowed from any thread and never waits: what the socket does not take is queued, up to
    `MAX_QUEUED` messages and `MAX_QUEUED_BYTES`, and sent by the loop the channel is attached to. Bodies in
    memfds cost the socket nothing, so the receiver tells what it has taken, and at most
    `MAX_IN_MEMFDS_BYTES` are under way. Receiving belongs to one thread at a time.
    """

    def __init__(self, sock: socket.socket | None = None) -> None:
        self._lock = threading.RLock()
        self._sock: socket.socket | None = None
        self._loop: Loop | None = None
        self._serving: Loop | None = None
        """The loop that watches the socket; for a moment, not yet the one it is attached to."""
        self._on_readable: Callable[[], None] | None = None
        self._queue: deque[_Outgoing] = deque()
        self._queued_bytes = 0
        self._sent_in_memfds = self._peer_has_taken = 0
        self._taken = self._told_taken = 0
        self._update_asked = False
        self._congested = False
        self._alarm: Alarm | None = None
        """Rings when to try again what congestion has kept; no descriptor tells of its end."""
        self._finishing = False
        self._reading = True
        self._peer_finished = False
        self._write_error = ""
        self._over = ""
        _channels.add(self)
        if sock is not None:
            self.open(sock)

    def open(self, sock: socket.socket) -> None:
        """Take over the socket and send what is queued."""
        sock.setblocking(False)
        with self._lock:
            if self._over:
                sock.close()
                return
            self._sock = sock
            self._push()
        self._ask_update()

    def fileno(self) -> int:
        """Return the descriptor of the socket (-1: none)."""
        return self._sock.fileno() if self._sock else -1

    @property
    def queued(self) -> int:
        """Messages that the socket has not taken yet, and may take."""
        return 0 if self._write_error else len(self._queue)

    def attach(self, loop: Loop, on_readable: Callable[[], None]) -> None:
        """Be served by `loop` from now on: `on_readable()` is called there while something can be received.

        From any thread. The loop that served until now lets go first, in its own thread, so nothing is lost
        and nothing overtakes.
        """
        with self._lock:
            self._loop, self._on_readable = loop, on_readable
            serving = self._serving
        if serving is None or serving is loop:
            self._ask_update()
        elif not serving.call_soon_threadsafe(lambda: self._leave(serving)):
            self._leave(serving)

    def send(
        self,
        kind: Kind,
        name: str = "",
        body: bytes = b"",
        *,
        token: int = 0,
        descriptors: tuple[int, ...] = (),
        force: bool = False,
    ) -> bool:
        """Send or queue a message; False: the queue is full and the message was not taken.

        `force` queues it beyond the bounds. The descriptors are taken over, whatever comes of it. Raises
        BrokenError if the other side is gone or this one is closed.
        """
        with self._lock:
            if (
                self._queue
                or descriptors
                or len(body) > MAX_INLINE_BYTES
                or not self._send_now(kind, name, body, token)
            ):
                return self._send_or_queue(kind, name, body, token, descriptors, force)
        return True

    def hand_over(self, successor: "Channel", kind: Kind) -> list[int]:
        """Queue for `successor` what of this kind was not sent here, in order; return the tokens of that.

        This channel sends nothing more; what the other side has sent can still be received.
        """
        with self._lock, successor._lock:
            self._write_error = self._write_error or "another channel sends instead"
            tokens: list[int] = []
            while self._queue:
                outgoing = self._unqueue(0)
                if outgoing.kind is kind:
                    tokens.append(outgoing.token)
                    successor._queue.append(outgoing)
                    successor._queued_bytes += outgoing.body_bytes
                else:
                    _release(outgoing)
            successor._push()
        return tokens

    def receive(self) -> Envelope | None:
        """Return the next message, None if there is none now.

        Raises EOFError when the other side sends no more, BrokenError for what no camgraph has sent.
        """
        while self._sock is not None:
            try:
                data, descriptors = receive_with_descriptors(self._sock, MAX_DATAGRAM_BYTES)
            except BlockingIOError:
                return None
            except ConnectionResetError:
                # The other side died with something of ours unread. The kernel says so once, and hands out
                # what that side had sent afterwards.
                continue
            except OSError as error:
                raise EOFError from error
            if not data and not descriptors:
                self._peer_finished = True
                raise EOFError
            envelope, in_memfd = unpack(data, descriptors)
            if in_memfd:
                with self._lock:
                    self._taken += in_memfd
                    self._push()
            if envelope.kind is not Kind.TAKEN:
                return envelope
            close_all(envelope.descriptors)
            if len(envelope.body) != _TAKEN.size:
                raise BrokenError("an acknowledgement has the wrong length")
            with self._lock:
                self._peer_has_taken = _TAKEN.unpack(envelope.body)[0]
                self._push()
        return None

    def stop_reading(self) -> None:
        """Stop watching for what the other side sends. In the loop's thread."""
        self._reading = False
        if self._loop is not None:
            self._update(self._loop)

    def read_again(self) -> None:
        """Watch again for what the other side sends; likewise."""
        self._reading = True
        if self._loop is not None:
            self._update(self._loop)

    def finish(self) -> None:
        """Send what is queued, then tell the other side that nothing follows; what it sends still arrives."""
        with self._lock:
            self._finishing = True
            self._push()

    def close(self) -> None:
        """Release the socket and what is queued; closing twice does nothing.

        In the thread of the loop, or when the loop is closed.
        """
        with self._lock:
            if self._sock is not None:
                if self._serving is not None:
                    self._serving.remove(self._sock)
                    self._drop_alarm(self._serving)
                    self._serving = None
                self._sock.close()
            self._give_up("the channel is closed")

    def _send_now(self, kind: Kind, name: str, body: bytes, token: int) -> bool:
        """Send it without further ado, as most are; False: that can't be. Under the lock."""
        if self._sock is None or self._over or self._write_error or self._finishing:
            return False
        try:
            self._sock.send(pack(kind, name, body, token)[0], _NO_SIGNAL)
        except OSError:
            return False
        return True

    def _send_or_queue(
        self, kind: Kind, name: str, body: bytes, token: int, descriptors: tuple[int, ...], force: bool
    ) -> bool:
        taken = False
        try:
            if self._finishing:
                raise BrokenError("the channel is closed")
            self._check_writable()
            if not force and self._is_full(len(body)):
                self._push()
                self._check_writable()
                if self._is_full(len(body)):
                    return False
            data, memfd = pack(kind, name, body, token)
            all_descriptors = descriptors if memfd < 0 else (memfd, *descriptors)
            self._queue.append(_Outgoing(kind, token, data, all_descriptors, len(body), memfd >= 0))
            taken = True
        finally:
            if not taken:
                close_all(descriptors)
        self._queued_bytes += len(body)
        self._push()
        if self._write_error:
            _release(self._unqueue(-1))
            self._check_writable()
        return True

    def _is_full(self, more_bytes: int) -> bool:
        return bool(self._queue) and (
            len(self._queue) >= MAX_QUEUED or self._queued_bytes + more_bytes > MAX_QUEUED_BYTES
        )

    def _push(self) -> None:
        """Send what the socket takes; ask the loop to go on when it takes more. Under the lock."""
        if self._sock is None or self._over or self._write_error:
            return
        self._congested = False
        try:
            if self._taken != self._told_taken:
                taken, _ = pack(Kind.TAKEN, "", _TAKEN.pack(self._taken))
                send_with_descriptors(self._sock, taken)
                self._told_taken = self._taken
            while self._queue and not self._must_wait():
                first = self._queue[0]
                send_with_descriptors(self._sock, first.data, first.descriptors)
                _release(self._unqueue(0))
                if first.in_memfd:
                    self._sent_in_memfds += first.body_bytes
            if self._finishing and not self._queue:
                self._write_error = "the channel is closed"
                self._sock.shutdown(socket.SHUT_WR)
        except OSError as error:
            if error.errno in _CONGESTED:
                self._congested = True
            elif error.errno != errno.EAGAIN:
                # Reading goes on: what the other side sent before it went is still there. What was not sent
                # stays, to be handed over.
                self._write_error = f"the other side is gone: {error.strerror}"
        if self._wants_write() and not self._update_asked:
            self._update_asked = True
            self._ask_update()

    def _check_writable(self) -> None:
        if self._over or self._write_error:
            raise BrokenError(self._over or self._write_error)

    def _must_wait(self) -> bool:
        first = self._queue[0]
        under_way = self._sent_in_memfds - self._peer_has_taken
        return (
            first.in_memfd
            and not self._peer_finished
            and under_way > 0
            and under_way + first.body_bytes > MAX_IN_MEMFDS_BYTES
        )

    def _wants_write(self) -> bool:
        if self._write_error:
            return False
        return self._taken != self._told_taken or (bool(self._queue) and not self._must_wait())

    def _ask_update(self) -> None:
        loop = self._loop
        if loop is not None:
            loop.call_soon_threadsafe(lambda: self._update(loop))

    def _leave(self, loop: Loop) -> None:
        with self._lock:
            if self._serving is not loop or self._loop is loop:
                return
            self._serving = None
            if self._sock is not None and not self._over:
                loop.remove(self._sock)
            self._drop_alarm(loop)
        self._ask_update()

    def _update(self, loop: Loop) -> None:
        """Watch what is to be watched, in the thread of `loop`."""
        with self._lock:
            if loop is not self._loop or self._serving not in (None, loop):
                return
            if self._sock is None or self._over:
                return
            self._serving = loop
            self._update_asked = False
            on_readable = self._on_readable if self._reading else None
            wants_write = self._wants_write()
            alarmed = wants_write and self._congested and self._set_alarm(loop)
            if not alarmed:
                self._drop_alarm(loop)
            on_writable = self._flush if wants_write and not alarmed else None
            if on_readable or on_writable:
                loop.add(self._sock, on_readable, on_writable)
            else:
                loop.remove(self._sock)

    def _set_alarm(self, loop: Loop) -> bool:
        """Have the loop try again soon; False: there is no descriptor for that either."""
        try:
            self._alarm = self._alarm or Alarm()
        except OSError:
            return False
        self._alarm.ring_after(RETRY_S)
        loop.add(self._alarm, self._flush)
        return True

    def _drop_alarm(self, loop: Loop) -> None:
        alarm, self._alarm = self._alarm, None
        if alarm is not None:
            loop.remove(alarm)
            alarm.close()

    def _flush(self) -> None:
        with self._lock:
            self._update_asked = True
            self._push()
        if self._loop is not None:
            self._update(self._loop)

    def _unqueue(self, index: int) -> _Outgoing:
        outgoing = self._queue[index]
        del self._queue[index]
        self._queued_bytes -= outgoing.body_bytes
        return outgoing

    def _give_up(self, why: str) -> None:
        self._over = self._over or why
        while self._queue:
            _release(self._unqueue(0))

    def _abandon_in_child(self) -> None:
        # The locks may be held by threads that this process does not have.
        self._lock = threading.RLock()
        if self._sock is not None:
            self._sock.close()
        if self._alarm is not None:
            self._alarm.close()
        self._loop = None
        self._give_up("this is a forked copy; the channel belongs to the process that forked")


def _release(outgoing: _Outgoing) -> None:
    close_all(outgoing.descriptors)


_channels: "weakref.WeakSet[Channel]" = weakref.WeakSet()


def _abandon_all_in_child() -> None:
    for channel in list(_channels):
        channel._abandon_in_child()


os.register_at_fork(after_in_child=_abandon_all_in_child)
