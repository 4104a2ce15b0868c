"""Unix sockets between our own processes: addresses, peers' identity, passing descriptors."""

import array
import hashlib
import os
import resource
import socket
import struct
from collections.abc import Sequence
from typing import NamedTuple

from camgraph.base.errors import BrokenError

MAX_DESCRIPTORS = 8
_MAX_ADDRESS_BYTES = 107
_UCRED = struct.Struct("3i")
_ANCILLARY_BYTES = socket.CMSG_SPACE(MAX_DESCRIPTORS * 4)
# Plain integers: combining the enumerations of `socket` costs as much as receiving.
_CLOEXEC = int(socket.MSG_CMSG_CLOEXEC)
_CUT = int(socket.MSG_TRUNC | socket.MSG_CTRUNC)


class Peer(NamedTuple):
    """Who is at the other end of a Unix socket (for a listener's clients: who called listen)."""

    pid: int
    uid: int
    gid: int


def site_address(site: str) -> str:
    """Return the abstract socket address at which the readers of a site ask for their rings."""
    return f"\0camgraph-{os.getuid()}-{site}"


def ring_address(ring: str) -> bytes:
    """Return the abstract socket address at which a ring is asked for by its name alone; any name will do."""
    name = os.fsencode(ring)
    address = b"\0camgraph-ring-%d-%s" % (os.getuid(), name)
    if len(address) > _MAX_ADDRESS_BYTES:
        address = b"\0camgraph-ring-%d.%s" % (os.getuid(), hashlib.sha256(name).hexdigest().encode())
    return address


def peer_of(sock: socket.socket) -> Peer:
    """Return the credentials that the kernel holds for the other end (``SO_PEERCRED``)."""
    return Peer(*_UCRED.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)))


def check_peer(sock: socket.socket) -> Peer:
    """Return the peer; raise BrokenError if it belongs to another user."""
    peer = peer_of(sock)
    if peer.uid != os.getuid():
        raise BrokenError(
            f"process {peer.pid} belongs to user {peer.uid}; only user {os.getuid()} may connect"
        )
    return peer


def connect_site(site: str) -> socket.socket:
    """Return a new non-blocking connection to the broker of a site.

    Raises BrokenError if there is no such site, or if it belongs to another user.
    """
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC)
    try:
        sock.settimeout(2.0)
        sock.connect(site_address(site))
        check_peer(sock)
        sock.setblocking(False)
    except ConnectionRefusedError as error:
        sock.close()
        raise BrokenError(
            f"no site named {site!r} runs on this machine for this user: is the name right, was it closed?"
        ) from error
    except OSError as error:
        sock.close()
        raise BrokenError(f"site {site!r} does not answer: {error.strerror or error}") from error
    except BrokenError:
        sock.close()
        raise
    return sock


def send_with_descriptors(sock: socket.socket, data: bytes, descriptors: Sequence[int] = ()) -> None:
    """Send one datagram; the caller keeps its descriptors. Raises what `socket.sendmsg` raises."""
    ancillary = (
        [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors).tobytes())]
        if descriptors
        else []
    )
    sock.sendmsg([data], ancillary, socket.MSG_NOSIGNAL)


def receive_with_descriptors(sock: socket.socket, size_bytes: int) -> tuple[bytes, list[int]]:
    """Receive one datagram and the descriptors it carries, close-on-exec; the caller owns them.

    Empty bytes mean end of file. Raises BlockingIOError if nothing is there, BrokenError if the datagram
    was cut.
    """
    data, ancillary, flags, _ = sock.recvmsg(size_bytes, _ANCILLARY_BYTES, _CLOEXEC)
    if not ancillary and not flags & _CUT:
        return data, []
    received = array.array("i")
    for level, kind, payload in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            received.frombytes(payload[: len(payload) - len(payload) % received.itemsize])
    if flags & _CUT:
        close_all(received)
        raise BrokenError("a datagram or its descriptors were cut short")
    return data, list(received)


def occupy_standard() -> None:
    """Have ``/dev/null`` stand for the standard streams that this process was started without.

    Else the next descriptors get their numbers, and what is passed on to a child under such a number is
    replaced by the child's own standard stream.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            descriptor = os.open(os.devnull, os.O_RDWR)
            if descriptor == number:
                os.set_inheritable(descriptor, True)
            else:
                # Another thread has taken the number meanwhile.
                os.close(descriptor)


def allow_many_descriptors() -> None:
    """Have this process open as many descriptors as it may at all, not the few that are usual."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def duplicate_all(descriptors: Sequence[int]) -> tuple[int, ...]:
    """Return another descriptor for each of the sequence; all or, raising OSError, none."""
    made: list[int] = []
    try:
        for descriptor in descriptors:
            made.append(os.dup(descriptor))
    except OSError:
        close_all(made)
        raise
    return tuple(made)


def close_all(descriptors: Sequence[int]) -> None:
    """Close every descriptor of the sequence."""
    for descriptor in descriptors:
        os.close(descriptor)
