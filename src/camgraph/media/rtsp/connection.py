"""One client of the RTSP server: its requests, answered, and its session (RFC 2326)."""

import asyncio
import contextlib
import logging
import secrets
import socket
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from camgraph.media.rtsp.broadcast import Broadcast
from camgraph.media.rtsp.gate import Gate
from camgraph.media.rtsp.message import VERSION, Headers, MessageParser, Request, Response, RtspSyntaxError
from camgraph.media.rtsp.offers import MulticastOffer, Offer, TcpOffer, first_offer
from camgraph.media.rtsp.routes import TcpRoute, UdpRoute
from camgraph.media.rtsp.sdp import session_description
from camgraph.media.rtsp.seats import MulticastGroups, Seat, UnicastSeat

_log = logging.getLogger(__name__)

SESSION_TIMEOUT_S = 60
SEND_BUFFER_BYTES = 256 * 1024
MAX_UNREAD_REPLIES_BYTES = 4 * 1024 * 1024
_TRACK = "/track0"
_LINGER_NO_TIME = struct.pack("ii", 1, 0)
_REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    454: "Session Not Found",
    455: "Method Not Valid in This State",
    461: "Unsupported Transport",
    501: "Not Implemented",
    505: "RTSP Version not supported",
    551: "Option not supported",
}


@dataclass(frozen=True, slots=True)
class _Session:
    name: str
    path: str
    seat: Seat


class Connection(asyncio.Protocol):
    """One client: reads its requests, keeps its session, which ends with it."""

    def __init__(
        self,
        streams: Mapping[str, Broadcast],
        groups: MulticastGroups,
        gate: Gate | None,
        register: "set[Connection]",
    ) -> None:
        self._streams = streams
        self._groups = groups
        self._gate = gate
        self._register = register
        self._parser = MessageParser()
        self._session: _Session | None = None
        self._gone = asyncio.get_running_loop().create_future()
        self._transport: asyncio.Transport
        self._handlers: dict[str, Callable[[Request], None]] = {
            "OPTIONS": self._options,
            "DESCRIBE": self._describe,
            "SETUP": self._setup,
            "PLAY": self._play,
            "TEARDOWN": self._teardown,
            "GET_PARAMETER": self._keep_alive,
            "SET_PARAMETER": self._keep_alive,
        }

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        # What waits in the kernel can't be dropped for a slow client any more: keep that little.
        sock: socket.socket = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        self._register.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        """End the session, whatever way its media take."""
        self._register.discard(self)
        self.end_session()
        if not self._gone.done():
            self._gone.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Serve the requests that are complete; what comes interleaved (receiver reports) is passed over."""
        self._parser.feed(data)
        try:
            for message in self._parser:
                if isinstance(message, Request):
                    self._serve(message)
        except RtspSyntaxError as error:
            _log.info("%s: %s", self._peer(), error)
            self._reply(None, 400)
            self._transport.close()
        if self._transport.get_write_buffer_size() > MAX_UNREAD_REPLIES_BYTES:
            self._transport.abort()

    def close(self) -> "asyncio.Future[None]":
        """Close after what is buffered was sent; return what is done when the connection is gone."""
        self._transport.close()
        return self._gone

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    def has_session_of(self, broadcast: Broadcast) -> bool:
        """Return whether the client has a session of that stream."""
        return self._session is not None and self._session.seat.broadcast is broadcast

    def session(self) -> str:
        """Return the name of the session, empty without one."""
        return self._session.name if self._session is not None else ""

    def write(self, data: bytes) -> bool:
        """Send bytes of the signalling; return whether the connection is still there."""
        if self._transport.is_closing():
            return False
        self._transport.write(data)
        return True

    def reset(self) -> None:
        """Close the connection by a TCP reset."""
        sock: socket.socket = self._transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NO_TIME)
        self._transport.abort()

    def end_session(self) -> None:
        """Send the client nothing more of its stream."""
        if self._session is not None:
            self._session.seat.leave()
            self._session = None

    def _serve(self, request: Request) -> None:
        if request.version != VERSION:
            self._reply(request, 505)
        elif request.headers.get("CSeq") is None:
            self._reply(request, 400)
        elif self._is_meddled_with(request):
            pass
        elif (needed := request.headers.get("Require")) is not None:
            self._reply(request, 551, ("Unsupported", needed))
        elif (handler := self._handlers.get(request.method)) is None:
            self._reply(request, 501)
        elif request.method != "OPTIONS" and not self._admits(request):
            assert self._gate is not None
            self._reply(request, 401, *(("WWW-Authenticate", asked) for asked in self._gate.challenges))
        else:
            handler(request)

    def _is_meddled_with(self, request: Request) -> bool:
        broadcast = self._streams.get(_path(request.url).removesuffix(_TRACK))
        meddler = broadcast.meddler if broadcast is not None else None
        return meddler is not None and meddler.meets(request, self)

    def _admits(self, request: Request) -> bool:
        if self._gate is None:
            return True
        authorization = request.headers.get("Authorization")
        if self._gate.admits(authorization, request.method, request.url):
            return True
        if authorization is not None:
            _log.info("%s: wrong login for %s", self._peer(), _path(request.url))
        return False

    def _options(self, request: Request) -> None:
        self._reply(request, 200, ("Public", ", ".join(self._handlers)))

    def _describe(self, request: Request) -> None:
        broadcast = self._streams.get(path := _path(request.url))
        if broadcast is None:
            self._reply(request, 404)
            return
        host = self._transport.get_extra_info("sockname")[0]
        description = session_description(path.strip("/"), host, [broadcast.media])
        if broadcast.meddler is not None:
            description = broadcast.meddler.describes(description)
        body = description.encode()
        base = request.url.rstrip("/") + "/"
        self._reply(request, 200, ("Content-Base", base), ("Content-Type", "application/sdp"), body=body)

    def _setup(self, request: Request) -> None:
        path = _path(request.url).removesuffix(_TRACK)
        broadcast = self._streams.get(path)
        if broadcast is None:
            self._reply(request, 404)
            return
        if self._session is not None:
            self._reply(request, 455)
            return
        seat = self._seat(broadcast, first_offer(request.headers.get("Transport") or ""))
        if seat is None:
            self._reply(request, 461)
            return
        self._session = _Session(secrets.token_hex(8), path, seat)
        name = f"{self._session.name};timeout={SESSION_TIMEOUT_S}"
        self._reply(request, 200, ("Session", name), ("Transport", seat.header))

    def _seat(self, broadcast: Broadcast, offer: Offer | None) -> Seat | None:
        """Return what an offer gives a client, None if that can't be had."""
        local, remote = (self._transport.get_extra_info(name)[0] for name in ("sockname", "peername"))
        with contextlib.suppress(OSError):
            match offer:
                case TcpOffer():
                    return UnicastSeat(broadcast, TcpRoute(self._transport, offer))
                case MulticastOffer():
                    return self._groups.seat(broadcast, local)
                case None:
                    return None
            return UnicastSeat(broadcast, UdpRoute(local, remote, offer))
        return None

    def _play(self, request: Request) -> None:
        if self._session is None:
            self._reply(request, 455)
        elif self._is_of_session(request, self._session):
            self._reply(request, 200, ("Session", self._session.name), ("Range", "npt=now-"))
            self._session.seat.play()

    def _teardown(self, request: Request) -> None:
        if self._session is None or self._is_of_session(request, self._session):
            self.end_session()
            self._reply(request, 200)

    def _keep_alive(self, request: Request) -> None:
        self._reply(request, 200)

    def _is_of_session(self, request: Request, session: _Session) -> bool:
        """Return whether a request names the session and its stream; if not, it is answered here."""
        name = (request.headers.get("Session") or "").partition(";")[0].strip()
        if name == session.name and _path(request.url).removesuffix(_TRACK) == session.path:
            return True
        self._reply(request, 454)
        return False

    def _reply(
        self, request: Request | None, status: int, *headers: tuple[str, str], body: bytes = b""
    ) -> None:
        cseq = request.headers.get("CSeq") if request is not None else None
        lines = [("CSeq", cseq), *headers] if cseq is not None else list(headers)
        self._transport.write(Response(status, _REASONS[status], Headers(lines), body).encode())

    def _peer(self) -> str:
        host, port = self._transport.get_extra_info("peername")[:2]
        return f"client {host}:{port}"


def _path(url: str) -> str:
    try:
        return unquote(urlsplit(url).path).rstrip("/")
    except ValueError:
        return ""
