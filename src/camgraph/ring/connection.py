"""The reader's connection: made again when it ends, behind one descriptor that stays the same."""

import contextlib
import select
import socket
from collections.abc import Callable

from camgraph.base.alarm import Alarm
from camgraph.base.descriptors import check_peer, receive_with_descriptors
from camgraph.base.errors import BrokenError
from camgraph.ring.protocol import MAX_DATAGRAM_BYTES

_DELAYS_S = (0.0, 0.05, 0.1, 0.2, 0.4, 0.8)
"""Before connecting again, by how many connections in a row ended without a word."""
_PATIENT_S = (0.01, 0.02, 0.05, 0.1, 0.2)
"""Before looking again whether there is somebody to connect to, by how often there was nobody."""


class Connection:
    """A socket to a ring's writer, replaced when it ends.

    Not thread-safe, but for `wait` beside anything, and `wake`. Owns its descriptors.
    """

    def __init__(
        self, connect: Callable[[], socket.socket], greeting: bytes, *, patient: bool = False
    ) -> None:
        """Connect and greet.

        When there is nobody to connect to, now or later, BrokenError is raised; a `patient` one looks again,
        each time that it is asked for what came, and wakes up who waits for it now and then.
        """
        self._patient = patient
        self._absent = 0
        self._connect = connect
        self._greeting = greeting
        self._epoll = select.epoll()
        self._alarm: Alarm | None = None
        self._sock: socket.socket | None = None
        self._mute = 0
        self.made = 0
        """How many connections there have been."""
        try:
            self._renew()
        except BaseException:
            self.close()
            raise

    def fileno(self) -> int:
        """Return a descriptor that is readable when `receive` has something to do; -1: closed."""
        return -1 if self._epoll.closed else self._epoll.fileno()

    def wait(self, timeout_s: float | None) -> None:
        """Wait until there is something to receive, a connection to make, or `wake` was called."""
        self._epoll.poll(timeout_s, 1)

    def receive(self) -> tuple[bytes, list[int]] | None:
        """Return a datagram and its descriptors, which the caller owns; None: there is none now.

        An empty datagram says that the connection ended; the next one is being made. Never waits. Raises
        BrokenError when there is nobody to connect to.
        """
        sock = self._sock
        if sock is None:
            assert self._alarm is not None
            if self._alarm.rang() or self._absent:
                try:
                    self._renew()
                except BaseException:
                    self._alarm.ring_after(0)
                    raise
            return None
        try:
            try:
                received = receive_with_descriptors(sock, MAX_DATAGRAM_BYTES)
            except ConnectionResetError:
                # Said once, when the other side left without reading all; its last words come after it.
                received = receive_with_descriptors(sock, MAX_DATAGRAM_BYTES)
        except BlockingIOError:
            return None
        if received[0]:
            self._mute = 0
        else:
            self._retry()
        return received

    def wake(self) -> None:
        """End a `wait` under way, in any thread, by ending the connection."""
        sock, alarm = self._sock, self._alarm
        with contextlib.suppress(OSError):
            if sock is not None:
                sock.shutdown(socket.SHUT_RDWR)
        if alarm is not None:
            alarm.ring_after(0)

    def close(self) -> None:
        """Release everything; nobody may be in `wait`."""
        self._drop_socket()
        if self._alarm is not None:
            self._alarm.close()
        self._epoll.close()

    def forget_in_child(self) -> None:
        """Close a forked child's copies, and leave the connection to the parent."""
        sock, self._sock = self._sock, None
        if sock is not None:
            # Not unregistered: the parent shares the epoll.
            sock.close()
        self.close()

    def _retry(self) -> None:
        delay_s = _DELAYS_S[min(self._mute, len(_DELAYS_S) - 1)]
        self._mute += 1
        if delay_s == 0:
            self._renew()
        else:
            self._renew_after(delay_s)

    def _renew_after(self, delay_s: float) -> None:
        if self._alarm is None:
            self._alarm = Alarm()
            self._epoll.register(self._alarm, select.EPOLLIN)
        self._alarm.ring_after(delay_s)
        self._drop_socket()

    def _renew(self) -> None:
        if not self._patient:
            self._replace()
            return
        try:
            sock = self._connect()
        except BrokenError:
            self._renew_after(_PATIENT_S[min(self._absent, len(_PATIENT_S) - 1)])
            self._absent += 1
        else:
            self._absent = 0
            self._adopt(sock)

    def _replace(self) -> None:
        # When this fails the old socket stays, readable for ever: whoever selects learns of the end.
        self._adopt(self._connect())

    def _adopt(self, sock: socket.socket) -> None:
        try:
            sock.setblocking(False)
            check_peer(sock)
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                sock.send(self._greeting, socket.MSG_NOSIGNAL)
        except BaseException as error:
            sock.close()
            if isinstance(error, OSError):
                raise BrokenError(f"the ring's connection can't be used: {error.strerror}") from error
            raise
        self._drop_socket()
        self._sock = sock
        self._epoll.register(sock, select.EPOLLIN)
        self.made += 1

    def _drop_socket(self) -> None:
        sock, self._sock = self._sock, None
        if sock is not None and not self._epoll.closed:
            # Not left to close: a child forked meanwhile would keep the registration alive.
            self._epoll.unregister(sock)
            sock.close()
