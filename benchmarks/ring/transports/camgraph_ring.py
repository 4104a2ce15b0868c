"""Ours: the frame ring, each frame protected by a lease."""

import socket
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.ring.setup import HELD, Setup
from benchmarks.ring.transports.base import Picture, Received
from camgraph.base.errors import BrokenError
from camgraph.ring.protocol import MAX_DATAGRAM_BYTES, Hello, RingRequest
from camgraph.ring.reader import Reader
from camgraph.ring.writer import FrameMeta, RingWriter

_REQUEST = RingRequest("bench", "yuv420p", 0, 0, 0.0)
_GREETING_S = 10.0


class OurWriter:
    """Owns a ring, and a socket for each reader that has not yet greeted."""

    def __init__(self, setup: Setup) -> None:
        self._ring = RingWriter("bench", "yuv420p", setup.width, setup.height, epoch=1, fps=setup.fps)
        self._waiting: list[socket.socket] = []

    def reader_ticket(self, index: int) -> Any:
        """Return the reader's end of a connection."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._waiting.append(ours)
        return theirs

    def connected(self) -> None:
        """Read the greetings, as the supervisor does, and give the connections to the ring."""
        for sock in self._waiting:
            sock.settimeout(_GREETING_S)
            hello = Hello.decode(sock.recv(MAX_DATAGRAM_BYTES))
            sock.setblocking(False)
            self._ring.add_reader(sock, hello)
        self._waiting.clear()

    def publish(self, planes: Sequence[Picture], number: int, handed_ns: int) -> None:
        """Publish; pts and arrival carry the number and the time."""
        self._ring.publish(planes, FrameMeta(pts=number, arrival_ns=handed_ns))

    def close(self) -> None:
        """Release the ring."""
        for sock in self._waiting:
            sock.close()
        self._ring.close()


class OurReader:
    """Owns a reader."""

    def __init__(self, setup: Setup, ticket: Any) -> None:
        tickets = [ticket]

        def connect() -> socket.socket:
            if not tickets:
                raise BrokenError("the writer has gone")
            sock: socket.socket = tickets.pop()
            sock.setblocking(False)
            return sock

        self._reader = Reader(connect, _REQUEST, policy="every", leases=HELD + 2)

    def read(self, timeout_s: float) -> Received | None:
        """Read; the payload keeps the lease."""
        try:
            frame = self._reader.read(timeout_s)
        except TimeoutError:
            return None
        received_ns = time.monotonic_ns()
        assert frame.pts is not None
        payload = np.frombuffer(frame.memory, np.uint8)
        return Received(payload, frame.pts, frame.arrival_ns, frame.publish_ns, received_ns)

    def close(self) -> None:
        """Release the reader."""
        self._reader.close()


open_writer = OurWriter
open_reader = OurReader
