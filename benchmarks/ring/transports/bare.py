"""The limit: one copy into shared memory and one datagram a reader, nothing that protects a frame."""

import contextlib
import mmap
import os
import socket
import struct
import time
from collections.abc import Sequence
from multiprocessing.reduction import DupFd
from typing import Any

import numpy as np

from benchmarks.ring.setup import HELD, Setup
from benchmarks.ring.transports.base import Picture, Received, tight

_NOTICE = struct.Struct("=qqqq")


class BareWriter:
    """Owns the memory and a socket per reader. `copy_ns` collects what the bare copies took."""

    def __init__(self, setup: Setup) -> None:
        self._slots = HELD + 2 + int(setup.fps * 0.1)
        self._fd = os.memfd_create("bare", os.MFD_CLOEXEC)
        os.ftruncate(self._fd, self._slots * setup.frame_bytes)
        memory = mmap.mmap(self._fd, 0)
        self._memory: Picture = np.frombuffer(memory, np.uint8).reshape(self._slots, setup.frame_bytes)
        self._sockets: list[socket.socket] = []
        self._next = 0
        self.copy_ns: list[int] = []

    def reader_ticket(self, index: int) -> Any:
        """Return the memory and a socket."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        self._sockets.append(ours)
        return self._slots, DupFd(self._fd), theirs

    def connected(self) -> None:
        """Do nothing."""

    def publish(self, planes: Sequence[Picture], number: int, handed_ns: int) -> None:
        """Copy, then tell each reader."""
        slot, self._next = self._next, (self._next + 1) % self._slots
        begin_ns = time.thread_time_ns()
        tight(planes, self._memory[slot])
        self.copy_ns.append(time.thread_time_ns() - begin_ns)
        notice = _NOTICE.pack(slot, number, handed_ns, time.monotonic_ns())
        for sock in self._sockets:
            with contextlib.suppress(BlockingIOError):
                sock.send(notice, socket.MSG_DONTWAIT)

    def close(self) -> None:
        """Release the sockets and the memory."""
        for sock in self._sockets:
            sock.close()
        os.close(self._fd)


class BareReader:
    """Owns its socket."""

    def __init__(self, setup: Setup, ticket: Any) -> None:
        slots, descriptor, self._sock = ticket
        fd = descriptor.detach()
        memory = mmap.mmap(fd, 0, prot=mmap.PROT_READ)
        os.close(fd)
        self._memory: Picture = np.frombuffer(memory, np.uint8).reshape(slots, setup.frame_bytes)

    def read(self, timeout_s: float) -> Received | None:
        """Wait for a datagram."""
        self._sock.settimeout(timeout_s)
        try:
            notice = self._sock.recv(_NOTICE.size)
        except TimeoutError:
            return None
        received_ns = time.monotonic_ns()
        slot, number, handed_ns, sent_ns = _NOTICE.unpack(notice)
        return Received(self._memory[slot], number, handed_ns, sent_ns, received_ns)

    def close(self) -> None:
        """Release the socket."""
        self._sock.close()


open_writer = BareWriter
open_reader = BareReader
