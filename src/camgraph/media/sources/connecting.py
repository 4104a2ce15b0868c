"""Connecting to a camera in a loop: its addresses one after the other, none for longer than the bound."""

import errno
import os
import socket
from collections.abc import Callable
from contextlib import suppress

from camgraph.base.errors import SourceError, SourceTimeout, SourceUnavailable
from camgraph.base.loop import Loop, Timer
from camgraph.media.sources.faults import Address
from camgraph.media.sources.receiving import ask_for_buffer

Resolved = tuple[socket.AddressFamily, tuple[object, ...]]
"""A family and the address for `connect`, as `socket.getaddrinfo` tells them."""

_NO_SOCKET = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_NO_WAY = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN, errno.EHOSTDOWN)


class Connecting:
    """One try at each address: `on_connected` gets the socket, and owns it, or `on_failed` the last reason.

    With `receive_buffer_bytes` that is asked of the system (0: as usual). Belongs to the loop's thread.
    """

    def __init__(
        self,
        loop: Loop,
        address: Address,
        resolved: list[Resolved],
        bound_s: float,
        on_connected: Callable[[socket.socket], None],
        on_failed: Callable[[SourceError], None],
        receive_buffer_bytes: int = 0,
    ) -> None:
        self._loop, self._address, self._bound_s = loop, address, bound_s
        self._resolved, self._buffer_bytes = iter(resolved), receive_buffer_bytes
        self._on_connected, self._on_failed = on_connected, on_failed
        self._sock: socket.socket | None = None
        self._timer: Timer | None = None
        self._failed(SourceUnavailable(f"{address.host} has no address.", reason="name_not_found"))

    def close(self) -> None:
        """Give up, silently; closing twice does nothing."""
        if self._timer is not None:
            self._timer.cancel()
        sock, self._sock = self._sock, None
        if sock is not None:
            self._loop.remove(sock)
            sock.close()

    def _failed(self, error: SourceError) -> None:
        """Go on to the next address, or fail with what the last one gave."""
        for family, address in self._resolved:
            sock = None
            try:
                sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                # Before connecting: what is agreed on then bounds it.
                ask_for_buffer(sock, self._buffer_bytes)
                code = sock.connect_ex(address)
            except OSError as failure:
                code = failure.errno or errno.EIO
            if code in (0, errno.EINPROGRESS) and sock is not None:
                self._sock = sock
                self._loop.add(sock, None, self._settled)
                self._timer = self._loop.call_later(self._bound_s, self._overdue)
                return
            if sock is not None:
                sock.close()
            error = self._explain(code)
        self._on_failed(error)

    def _settled(self) -> None:
        sock = self._sock
        assert sock is not None
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self.close()
            self._failed(self._explain(code))
            return
        if self._timer is not None:
            self._timer.cancel()
        self._sock = None
        self._loop.remove(sock)
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._on_connected(sock)

    def _overdue(self) -> None:
        self.close()
        self._failed(self._explain(errno.ETIMEDOUT))

    def _explain(self, code: int) -> SourceError:
        at = self._address.at
        if code == errno.ECONNREFUSED:
            return SourceUnavailable(
                f"Nothing listens at {at} (connection refused): is the camera on, is the port right?",
                reason="refused",
            )
        if code == errno.ETIMEDOUT:
            return SourceTimeout(
                f"{at} does not answer: is the camera on, is the address right, is a firewall in between?",
                reason="no_answer",
            )
        if code in _NO_SOCKET:
            return SourceUnavailable(
                f"This machine allows no further connection ({os.strerror(code)}): "
                "run fewer streams, or raise its limit.",
                reason="no_socket",
            )
        if code in _NO_WAY:
            return SourceUnavailable(
                f"No network leads to {self._address.host} ({os.strerror(code)}): is the address right?",
                reason="unreachable",
            )
        return SourceUnavailable(
            f"{at} can't be reached ({os.strerror(code)}): is the address right?", reason="unreachable"
        )
