"""The ways packets take to a client: over its RTSP connection, by UDP, or to a multicast group."""

import asyncio
import contextlib
import secrets
import socket
from collections.abc import Sequence
from typing import Protocol

from camgraph.media.rtsp.message import interleaved_prefix
from camgraph.media.rtsp.offers import TcpOffer, UdpOffer
from camgraph.media.rtsp.packetize import is_rtcp

MULTICAST_TTL = 1
_PORT_TRIES = 50
_DRAIN_PACKETS = 64
_LONGEST_BYTES = 2048
_LOWEST_GROUP_PORT, _GROUP_PORTS = 16384, 8192


class Route(Protocol):
    """A way to one client, or to a group of them."""

    @property
    def header(self) -> str:
        """The Transport header that answers SETUP."""

    @property
    def backlog_bytes(self) -> int:
        """How much of what was sent waits here for the client."""

    def send(self, packets: Sequence[bytes]) -> None:
        """Send RTP and RTCP packets."""

    def abort(self) -> None:
        """Cut off a client that takes nothing."""

    def close(self) -> None:
        """Release what the route itself holds."""


class TcpRoute:
    """Interleaved with the signalling; the connection belongs to whoever made it."""

    def __init__(self, connection: asyncio.Transport, channels: TcpOffer) -> None:
        self._connection = connection
        self._channels = channels
        self.header = f"RTP/AVP/TCP;unicast;interleaved={channels.rtp_channel}-{channels.rtcp_channel}"

    @property
    def backlog_bytes(self) -> int:
        """What the connection has not sent yet."""
        return self._connection.get_write_buffer_size()

    def send(self, packets: Sequence[bytes]) -> None:
        """Send packets, in one piece."""
        data = bytearray()
        for packet in packets:
            data += interleaved_prefix(self._channels[is_rtcp(packet)], len(packet))
            data += packet
        self._connection.write(data)

    def abort(self) -> None:
        """Abort the connection."""
        self._connection.abort()

    def close(self) -> None:
        """Leave the connection as it is."""


class UdpRoute:
    """To two ports of a client, from a pair of ports of its own; a packet that can't be sent is lost.

    What the client sends there (receiver reports, packets that open firewalls) is taken and ignored. OSError
    if no pair of ports can be had.
    """

    backlog_bytes = 0

    def __init__(self, local_host: str, client_host: str, ports: UdpOffer) -> None:
        self._sockets = _bound_pair(local_host)
        self._targets = ((client_host, ports.rtp_port), (client_host, ports.rtcp_port))
        self._loop = asyncio.get_running_loop()
        for sock in self._sockets:
            self._loop.add_reader(sock, _drain, sock)
        own = [sock.getsockname()[1] for sock in self._sockets]
        self.header = (
            f"RTP/AVP;unicast;client_port={ports.rtp_port}-{ports.rtcp_port};server_port={own[0]}-{own[1]}"
        )

    def send(self, packets: Sequence[bytes]) -> None:
        """Send packets, one datagram each."""
        for packet in packets:
            control = is_rtcp(packet)
            with contextlib.suppress(OSError):
                self._sockets[control].sendto(packet, self._targets[control])

    def abort(self) -> None:
        """There is nothing to cut off."""

    def close(self) -> None:
        """Release both ports."""
        for sock in self._sockets:
            self._loop.remove_reader(sock)
            sock.close()


class MulticastRoute:
    """To a group of 239.255.0.0/16 of its own, no farther than the network of the interface `local_host`.

    OSError if that can't be had.
    """

    backlog_bytes = 0

    def __init__(self, local_host: str) -> None:
        number = secrets.randbelow(0xFFFE) + 1
        self._group = f"239.255.{number >> 8}.{number & 0xFF}"
        # A port of its own, too: Linux gives a socket on all addresses what comes for any group joined.
        self._port = _LOWEST_GROUP_PORT + 2 * secrets.randbelow(_GROUP_PORTS)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(local_host))
            self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, MULTICAST_TTL)
        except BaseException:
            self._socket.close()
            raise
        self.header = (
            f"RTP/AVP;multicast;destination={self._group};port={self._port}-{self._port + 1};"
            f"ttl={MULTICAST_TTL}"
        )

    def send(self, packets: Sequence[bytes]) -> None:
        """Send packets, one datagram each."""
        for packet in packets:
            with contextlib.suppress(OSError):
                self._socket.sendto(packet, (self._group, self._port + is_rtcp(packet)))

    def abort(self) -> None:
        """There is nothing to cut off."""

    def close(self) -> None:
        """Release the socket."""
        self._socket.close()


def _bound_pair(host: str) -> tuple[socket.socket, socket.socket]:
    """Return sockets at an even port and the next one, as RTP has it."""
    for _ in range(_PORT_TRIES):
        rtp = _bound(host, 0)
        port = rtp.getsockname()[1]
        if port % 2 == 0:
            with contextlib.suppress(OSError):
                return rtp, _bound(host, port + 1)
        rtp.close()
    raise OSError(f"no pair of UDP ports is free at {host}")


def _bound(host: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        sock.bind((host, port))
    except BaseException:
        sock.close()
        raise
    return sock


def _drain(sock: socket.socket) -> None:
    """Take what has come, for a moment at most."""
    with contextlib.suppress(OSError):
        for _ in range(_DRAIN_PACKETS):
            sock.recv(_LONGEST_BYTES)
