"""A peer: one `multiprocessing.Queue` a reader, the frame pickled as a numpy array."""

import contextlib
import multiprocessing
import queue
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.ring.setup import Setup
from benchmarks.ring.transports.base import Picture, Received, tight

_DEPTH = 8


class QueueWriter:
    """Owns the queues."""

    def __init__(self, setup: Setup) -> None:
        self._size = setup.frame_bytes
        context = multiprocessing.get_context("spawn")
        self._queues = [context.Queue(maxsize=_DEPTH) for _ in range(setup.readers)]

    def reader_ticket(self, index: int) -> Any:
        """Return the queue of that reader."""
        return self._queues[index]

    def connected(self) -> None:
        """Do nothing."""

    def publish(self, planes: Sequence[Picture], number: int, handed_ns: int) -> None:
        """Copy, for the queue's thread pickles later; then put. A full queue loses the frame."""
        payload = np.empty(self._size, np.uint8)
        tight(planes, payload)
        item = payload, number, handed_ns, time.monotonic_ns()
        for each in self._queues:
            with contextlib.suppress(queue.Full):
                each.put_nowait(item)

    def close(self) -> None:
        """End the queues' threads."""
        for item in self._queues:
            item.cancel_join_thread()
            item.close()


class QueueReader:
    """Reads one queue."""

    def __init__(self, setup: Setup, ticket: Any) -> None:
        self._queue = ticket

    def read(self, timeout_s: float) -> Received | None:
        """Get the next item."""
        try:
            item: tuple[Picture, int, int, int] = self._queue.get(timeout=timeout_s)
        except queue.Empty:
            return None
        received_ns = time.monotonic_ns()
        return Received(*item, received_ns)

    def close(self) -> None:
        """Release the queue."""
        self._queue.close()


open_writer = QueueWriter
open_reader = QueueReader
