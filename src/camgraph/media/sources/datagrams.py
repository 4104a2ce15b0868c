"""Pairs of UDP sockets for RTP and RTCP (RFC 3550, 11), of one sender or of a multicast group."""

import errno
import ipaddress
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from typing import Self

from camgraph.media.sources.receiving import ask_for_buffer

_TRIES = 64
_BUFFER_BYTES = 4 << 20
"""A key frame must fit while the loop is busy; the kernel may allow less."""
_MOST_BYTES = 65535
_EACH = 64
_NO_PACKET = bytes(4)


class DatagramPair:
    """The socket for RTP and the one for RTCP, both non-blocking; owns them."""

    def __init__(self, rtp: socket.socket, rtcp: socket.socket) -> None:
        self.rtp, self.rtcp = rtp, rtcp
        for sock in (rtp, rtcp):
            sock.setblocking(False)
        with suppress(OSError):
            rtp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)

    @classmethod
    def bound(cls, family: socket.AddressFamily) -> Self:
        """Return sockets at two ports in a row, the first one even; raise OSError if there are none."""
        failure = OSError("no pair of ports is free")
        for _ in range(_TRIES):
            rtp = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            rtcp = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            try:
                rtp.bind(("", 0))
                port = rtp.getsockname()[1]
                if port % 2 == 0:
                    rtcp.bind(("", port + 1))
                    return cls(rtp, rtcp)
            except OSError as error:
                failure = error
            rtp.close()
            rtcp.close()
        raise failure

    @classmethod
    def at(cls, address: str, port: int) -> Self:
        """Return sockets at `port` and the next one, of `address` if that is this machine's, else of all.

        A name is not looked up.

        Raises OSError if the ports can't be had.
        """
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        opened: list[socket.socket] = []
        try:
            for number in (port, port + 1):
                sock = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
                opened.append(sock)
                _bind_where_it_is_ours(sock, address, number)
        except OSError:
            for sock in opened:
                sock.close()
            raise
        return cls(*opened)

    @classmethod
    def joined(cls, group: str, port: int, source: str = "") -> Self:
        """Return sockets that hear a multicast group at two ports; raise OSError if that can't be.

        `group` is an address of IPv4.

        `source` is an address of the interface's network, to choose the interface by; empty: the kernel's.
        """
        if not is_address(group):
            raise OSError(errno.EINVAL, f"{group!r} is no group")  # `bind` would look it up.
        opened: list[socket.socket] = []
        try:
            for number in (port, port + 1):
                sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
                opened.append(sock)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                member = struct.pack("4s4s", socket.inet_aton(group), socket.inet_aton(source or "0.0.0.0"))
                sock.bind((group, number))
                sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
        except OSError:
            for sock in opened:
                sock.close()
            raise
        return cls(*opened)

    def ask_for_buffer(self, size_bytes: int) -> None:
        """Ask for another receive buffer than the usual; 0: the usual is right."""
        ask_for_buffer(self.rtp, size_bytes)

    @property
    def ports(self) -> tuple[int, int]:
        """Where they are bound."""
        return self.rtp.getsockname()[1], self.rtcp.getsockname()[1]

    def connect(self, host: str, ports: tuple[int, int]) -> None:
        """Take packets from there alone; send a first one, which opens the way back through a firewall."""
        self.rtp.connect((host, ports[0]))
        self.rtcp.connect((host, ports[1]))
        with suppress(OSError):
            self.rtp.send(_NO_PACKET)

    def close(self) -> None:
        """Release both; closing twice does nothing."""
        self.rtp.close()
        self.rtcp.close()


def _bind_where_it_is_ours(sock: socket.socket, address: str, port: int) -> None:
    """Bind to the address, or to all: many descriptions name the sender's."""
    try:
        sock.bind((address if is_address(address) else "", port))
    except OSError as error:
        if error.errno != errno.EADDRNOTAVAIL:
            raise
        sock.bind(("", port))


def is_address(text: str) -> bool:
    """Tell whether that is an address, and no name."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def arrived(sock: socket.socket) -> Iterator[bytes]:
    """Yield what has come at a non-blocking socket, so much at most that others get their turn, too."""
    for _ in range(_EACH):
        try:
            data = sock.recv(_MOST_BYTES)
        except BlockingIOError:
            return
        except OSError:
            continue  # An ICMP message: the port at the other side is closed.
        yield data
