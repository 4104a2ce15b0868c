"""A small RTSP server (RFC 2326): live streams by TCP, UDP and multicast, optional login."""

import asyncio
import socket
from collections.abc import Mapping

from camgraph.media.rtsp.broadcast import Broadcast
from camgraph.media.rtsp.connection import Connection
from camgraph.media.rtsp.gate import AuthKind, Gate
from camgraph.media.rtsp.meddling import Client
from camgraph.media.rtsp.seats import MulticastGroups

REALM = "camgraph"
CLOSE_PATIENCE_S = 0.5


class RtspServer:
    """Serves broadcasts by path (``/1``). All methods belong to the thread of one asyncio loop.

    `login` is ``user:password``, asked for as `auth` says; None lets everybody in.
    """

    def __init__(
        self, streams: Mapping[str, Broadcast], *, login: str | None = None, auth: AuthKind = "digest"
    ) -> None:
        self._streams = streams
        self._login = login
        self._auth = auth
        self._groups = MulticastGroups()
        self._server: asyncio.Server | None = None
        self._connections: set[Connection] = set()

    async def start(self, sock: socket.socket) -> None:
        """Accept clients at a bound socket, which the server owns from now on; OSError if it can't."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connection, sock=sock, backlog=128)

    def clients(self, broadcast: Broadcast) -> list[Client]:
        """Return the connections with a session of that stream."""
        return [connection for connection in self._connections if connection.has_session_of(broadcast)]

    async def close(self) -> None:
        """Accept no more, let what was sent reach the clients for a moment, close."""
        if self._server is None:
            return
        server, self._server = self._server, None
        server.close()
        ends = [connection.close() for connection in list(self._connections)]
        if ends:
            await asyncio.wait(ends, timeout=CLOSE_PATIENCE_S)
        for connection in list(self._connections):
            connection.abort()
        await asyncio.sleep(0)

    def _connection(self) -> Connection:
        gate = None
        if self._login is not None:
            user, _, password = self._login.partition(":")
            gate = Gate(REALM, user, password, self._auth)
        return Connection(self._streams, self._groups, gate, self._connections)
