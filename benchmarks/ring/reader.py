"""A reader's process: receives, stamps, keeps a few frames, checks each before it drops it."""

import importlib
import time
from collections import deque
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from benchmarks.ring.pictures import checksum
from benchmarks.ring.setup import HELD, Setup, Window
from benchmarks.ring.transports.base import Received, Transport

_POLL_S = 0.2


class Report(NamedTuple):
    """What a reader saw of the frames handed to the writer within the window, times in ns."""

    handed_to_received_ns: npt.NDArray[np.int64]
    sent_to_received_ns: npt.NDArray[np.int64]
    checked: int
    torn: int
    cpu_ns: int


def read_frames(transport: str, setup: Setup, ticket: Any, connection: Connection) -> None:
    """Run a reader: open, say so, receive the checksums and the window, read until its end, send a Report."""
    end = cast(Transport, importlib.import_module(transport)).open_reader(setup, ticket)
    connection.send("ready")
    checksums, window = cast(tuple[Sequence[int], Window], connection.recv())
    handed_to_received: list[int] = []
    sent_to_received: list[int] = []
    held: deque[Received] = deque()
    checked = torn = cpu_begin_ns = cpu_end_ns = 0
    while time.monotonic_ns() < window.end_ns + int(_POLL_S * 1e9):
        received = end.read(_POLL_S)
        if received is None:
            continue
        if window.begin_ns <= received.handed_ns < window.end_ns:
            cpu_end_ns = time.process_time_ns()
            cpu_begin_ns = cpu_begin_ns or cpu_end_ns
            handed_to_received.append(received.received_ns - received.handed_ns)
            sent_to_received.append(received.received_ns - received.sent_ns)
        held.append(received)
        received = None
        if len(held) > HELD:
            oldest = held.popleft()
            checked += 1
            torn += checksum(oldest.payload, setup.check_step) != checksums[oldest.number % len(checksums)]
            del oldest
    held.clear()
    connection.send(
        Report(
            np.array(handed_to_received, np.int64),
            np.array(sent_to_received, np.int64),
            checked,
            torn,
            cpu_end_ns - cpu_begin_ns,
        )
    )
    end.close()
