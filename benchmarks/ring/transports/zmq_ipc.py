"""A peer: pyzmq, PUB to SUB over ipc."""

import importlib
import os
import struct
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.ring.setup import Setup
from benchmarks.ring.transports.base import Picture, Received, tight

# Not a plain import: the types must be checked where the peers are not installed, too.
zmq: Any = importlib.import_module("zmq")

_HEADER = struct.Struct("=qqq")
_DEPTH = 8


class ZmqWriter:
    """Owns a PUB socket."""

    def __init__(self, setup: Setup) -> None:
        self._size = setup.frame_bytes
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.XPUB)
        self._socket.setsockopt(zmq.SNDHWM, _DEPTH)
        self._socket.setsockopt(zmq.LINGER, 0)
        # Without it the second subscription to the same (empty) topic is not told to the publisher.
        self._socket.setsockopt(zmq.XPUB_VERBOSE, 1)
        self._readers = setup.readers
        self._address = f"ipc://@camgraph-bench-{os.getpid()}"
        self._socket.bind(self._address)

    def reader_ticket(self, index: int) -> Any:
        """Return the address."""
        return self._address

    def connected(self) -> None:
        """Wait for every subscription."""
        for _ in range(self._readers):
            if not self._socket.poll(10_000):
                raise TimeoutError("a subscriber did not come")
            self._socket.recv()

    def publish(self, planes: Sequence[Picture], number: int, handed_ns: int) -> None:
        """Copy once; libzmq keeps the copy until all readers have it. What a full queue lost is not told."""
        payload = np.empty(self._size, np.uint8)
        tight(planes, payload)
        self._socket.send(_HEADER.pack(number, handed_ns, time.monotonic_ns()), zmq.SNDMORE)
        self._socket.send(payload, copy=False)

    def close(self) -> None:
        """Release the socket and its thread."""
        self._socket.close()
        self._context.term()


class ZmqReader:
    """Owns a SUB socket."""

    def __init__(self, setup: Setup, ticket: Any) -> None:
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.SUB)
        self._socket.setsockopt(zmq.RCVHWM, _DEPTH)
        self._socket.connect(ticket)
        self._socket.subscribe(b"")

    def read(self, timeout_s: float) -> Received | None:
        """Wait, then receive both parts, the payload without another copy."""
        if not self._socket.poll(int(timeout_s * 1000)):
            return None
        header = self._socket.recv()
        message = self._socket.recv(copy=False)
        received_ns = time.monotonic_ns()
        payload = np.frombuffer(message.buffer, np.uint8)
        number, handed_ns, sent_ns = _HEADER.unpack(header)
        return Received(payload, number, handed_ns, sent_ns, received_ns)

    def close(self) -> None:
        """Release the socket and its thread."""
        self._socket.close(0)
        self._context.term()


open_writer = ZmqWriter
open_reader = ZmqReader
