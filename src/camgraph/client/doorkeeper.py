"""The thread in which a program lets readers in to what it publishes by name: one, while anything is."""

import contextlib
import logging
import os
import socket
import threading
from collections import deque

from camgraph.base.descriptors import check_peer, ring_address
from camgraph.base.errors import BrokenError
from camgraph.base.loop import Loop
from camgraph.base.parking import close_in_children, no_fork
from camgraph.base.wakeup import Wakeup
from camgraph.ring.protocol import MAX_DATAGRAM_BYTES, Hello, refuse
from camgraph.ring.writer import RingWriter

_log = logging.getLogger(__name__)

_AGAIN_S = 0.1
_HELLO_WITHIN_S = 2.0
_ENDS_WITHIN_S = 2.0
_QUEUED = 64


class Door:
    """Where a ring's readers come: its writer, and the listener at the address of its name.

    All but `close` happens in the doorkeeper's thread.
    """

    def __init__(self, name: str, writer: RingWriter, *, patient: bool) -> None:
        """Listen; a `patient` door takes its place when whoever has the name has gone. Raises BrokenError."""
        self.name = name
        self.writer = writer
        self.closed = threading.Event()
        self._patient = patient
        self._pid = os.getpid()
        self._listener: socket.socket | None = None
        self._greeting: set[socket.socket] = set()
        try:
            with no_fork():
                self._listen()
        except BrokenError as error:
            if not patient:
                raise
            _log.warning("%s: readers come here when it has ended", error)
        try:
            self._keeper = _enter(self)
        except BaseException:
            if self._listener is not None:
                self._listener.close()
            raise

    def open(self, loop: Loop) -> None:
        """Let readers in from now on."""
        if self.closed.is_set():
            return
        if self._listener is None:
            try:
                self._listen()
            except BrokenError:
                loop.call_later(_AGAIN_S, lambda: self.open(loop))
                return
        assert self._listener is not None
        loop.add(self._listener, lambda: self._accept(loop))

    def shut(self, loop: Loop) -> None:
        """End the ring: its readers see the end at once. Shutting twice does nothing."""
        if self.closed.is_set():
            return
        for sock in (*self._greeting, *self.writer.sockets(), *([self._listener] if self._listener else [])):
            loop.remove(sock)
        for sock in self._greeting:
            sock.close()
        if self._listener is not None:
            self._listener.close()
        self.writer.close()
        _leave(self, self._keeper)
        self.closed.set()

    def close(self) -> None:
        """Have it shut, and wait for that; from any thread. In a forked child nothing is done."""
        if self._pid == os.getpid():
            self._keeper.close(self)

    def close_soon(self) -> None:
        """Have it shut; takes no lock: a collector calls this, wherever it runs."""
        if self._pid == os.getpid():
            self._keeper.close_soon(self)

    def _listen(self) -> None:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC)
        try:
            listener.setblocking(False)
            listener.bind(ring_address(self.name))
            listener.listen(_QUEUED)
        except OSError as error:
            listener.close()
            raise BrokenError(
                f"another ring named {self.name!r} is published on this machine for this user"
            ) from error
        close_in_children(listener)
        self._listener = listener

    def _accept(self, loop: Loop) -> None:
        assert self._listener is not None
        try:
            sock = self._listener.accept()[0]
        except BlockingIOError:
            return
        except OSError as error:
            _log.warning("a reader of %r can't come in now: %s", self.name, error)
            loop.remove(self._listener)
            loop.call_later(_AGAIN_S, lambda: self.open(loop))
            return
        try:
            # Before it says anything: who says nothing takes a descriptor all the same.
            check_peer(sock)
        except BrokenError as error:
            _log.warning("a reader of %r was turned away: %s", self.name, error)
            sock.close()
            return
        sock.setblocking(False)
        close_in_children(sock)
        self._greeting.add(sock)
        loop.add(sock, lambda: self._greet(loop, sock))
        loop.call_later(_HELLO_WITHIN_S, lambda: self._turn_away(loop, sock))

    def _turn_away(self, loop: Loop, sock: socket.socket) -> None:
        if sock in self._greeting:
            self._greeting.discard(sock)
            loop.remove(sock)
            sock.close()

    def _greet(self, loop: Loop, sock: socket.socket) -> None:
        try:
            data = sock.recv(MAX_DATAGRAM_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self._greeting.discard(sock)
        loop.remove(sock)
        if not data:
            sock.close()
            return
        try:
            hello = Hello.decode(data)
        except ValueError as error:
            refuse(sock, str(error))
            return
        if self.writer.add_reader(sock, hello):
            # A reader says nothing after its HELLO: readable means that it is gone.
            loop.add(sock, lambda: self._gone(loop, sock))

    def _gone(self, loop: Loop, sock: socket.socket) -> None:
        loop.remove(sock)
        self.writer.remove_reader(sock)


class _Doorkeeper:
    def __init__(self) -> None:
        self.doors: set[Door] = set()
        self.loop = Loop()
        self._forgotten: deque[Door] = deque()
        self._wakeup = Wakeup()
        self.loop.add(self._wakeup, self._shut_forgotten)
        self._thread = threading.Thread(target=self._serve, name="camgraph-rings", daemon=True)
        self._thread.start()

    def close(self, door: Door) -> None:
        if self.loop.in_thread():
            door.shut(self.loop)
            return
        if self.loop.call_soon_threadsafe(lambda: door.shut(self.loop)):
            door.closed.wait(_ENDS_WITHIN_S)
        if not self.doors:
            self._thread.join(_ENDS_WITHIN_S)

    def close_soon(self, door: Door) -> None:
        self._forgotten.append(door)
        self._wakeup.set()

    def _shut_forgotten(self) -> None:
        self._wakeup.clear()
        while self._forgotten:
            self._forgotten.popleft().shut(self.loop)

    def _serve(self) -> None:
        self.loop.run()
        self.loop.close()
        with contextlib.suppress(OSError):
            self._wakeup.close()


_keeper: _Doorkeeper | None = None
# Nobody who holds it waits for the doorkeeper's thread.
_lock = threading.RLock()


def _enter(door: Door) -> _Doorkeeper:
    global _keeper
    with _lock, no_fork():
        keeper = _keeper = _keeper or _Doorkeeper()
        keeper.doors.add(door)
        keeper.loop.call_soon_threadsafe(lambda: door.open(keeper.loop))
    return keeper


def _leave(door: Door, keeper: _Doorkeeper) -> None:
    global _keeper
    with _lock:
        keeper.doors.discard(door)
        if not keeper.doors:
            keeper.loop.stop()
            if _keeper is keeper:
                _keeper = None


def _in_child() -> None:
    global _keeper, _lock
    _keeper, _lock = None, threading.RLock()


os.register_at_fork(after_in_child=_in_child)
