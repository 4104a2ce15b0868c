"""What a transport is."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from benchmarks.ring.setup import Setup

Picture = npt.NDArray[np.uint8]


class Received:
    """A frame as a reader got it; it is dropped by releasing all references to it.

    `payload` is one-dimensional. `handed_ns` is when the writer had the frame in its hands, `sent_ns` when
    its copy was done and the way to the reader began, `received_ns` when the reader's call returned with it.
    """

    __slots__ = ("handed_ns", "number", "payload", "received_ns", "sent_ns")

    def __init__(self, payload: Picture, number: int, handed_ns: int, sent_ns: int, received_ns: int) -> None:
        self.payload = payload
        self.number = number
        self.handed_ns = handed_ns
        self.sent_ns = sent_ns
        self.received_ns = received_ns


class WriterEnd(Protocol):
    """The side that has frames."""

    def reader_ticket(self, index: int) -> Any:
        """Return what the process of a reader needs to open its end; it must travel by multiprocessing."""
        ...

    def connected(self) -> None:
        """All readers have opened their ends: finish the connections, if there is anything to do."""
        ...

    def publish(self, planes: Sequence[Picture], number: int, handed_ns: int) -> None:
        """Send a frame to all readers; its planes may change afterwards."""
        ...

    def close(self) -> None:
        """Release all."""
        ...


class ReaderEnd(Protocol):
    """The side that wants frames."""

    def read(self, timeout_s: float) -> Received | None:
        """Return the next frame, in order; None if there was none in time."""
        ...

    def close(self) -> None:
        """Release all."""
        ...


class Transport(Protocol):
    """A module of this package."""

    def open_writer(self, setup: Setup) -> WriterEnd:
        """Return the writing end."""
        ...

    def open_reader(self, setup: Setup, ticket: Any) -> ReaderEnd:
        """Return a reading end, in another process."""
        ...


def tight(planes: Sequence[Picture], out: Picture) -> None:
    """Copy planes into one contiguous buffer, one after another."""
    offset = 0
    for plane in planes:
        rows, columns = plane.shape
        np.copyto(out[offset : offset + rows * columns].reshape(rows, columns), plane)
        offset += rows * columns
