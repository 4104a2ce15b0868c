"""A peer: iceoryx2 from Python, publish-subscribe for the frames and an event to wait on."""

import ctypes
import importlib
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.ring.setup import HELD, Setup
from benchmarks.ring.transports.base import Picture, Received, tight

# Not a plain import: the types must be checked where the peers are not installed, too.
iox2: Any = importlib.import_module("iceoryx2")

_DEPTH = 4


class _Header(ctypes.Structure):
    _fields_ = [("number", ctypes.c_int64), ("handed_ns", ctypes.c_int64), ("sent_ns", ctypes.c_int64)]


def _node(directory: str) -> Any:
    """Return a node whose files lie in a directory of this run, its shared memory under that name."""
    iox2.set_log_level(iox2.LogLevel.Fatal)
    config = iox2.config.default()
    config.global_cfg.root_path = iox2.Path.new(directory)
    config.global_cfg.prefix = iox2.FileName.new(_prefix(directory))
    return iox2.NodeBuilder.new().config(config).create(iox2.ServiceType.Ipc)


def _prefix(directory: str) -> str:
    return Path(directory).name + "_"


def _services(node: Any, setup: Setup) -> tuple[Any, Any]:
    frames = (
        node.service_builder(iox2.ServiceName.new("frames"))
        .publish_subscribe(iox2.Slice[ctypes.c_uint8])
        .user_header(_Header)
        .subscriber_max_buffer_size(_DEPTH)
        .subscriber_max_borrowed_samples(HELD + 2)
        .max_subscribers(setup.readers)
        .max_publishers(1)
        .open_or_create()
    )
    event = (
        node.service_builder(iox2.ServiceName.new("event"))
        .event()
        .max_listeners(setup.readers)
        .max_notifiers(1)
        .open_or_create()
    )
    return frames, event


class IceoryxWriter:
    """Owns a publisher and a notifier."""

    def __init__(self, setup: Setup) -> None:
        self._size = setup.frame_bytes
        self._directory = tempfile.mkdtemp(prefix="camgraph-bench-")
        self._node = _node(self._directory)
        self._services = _services(self._node, setup)
        self._publisher = self._services[0].publisher_builder().initial_max_slice_len(self._size).create()
        self._notifier = self._services[1].notifier_builder().create()

    def reader_ticket(self, index: int) -> Any:
        """Return the directory of the services."""
        return self._directory

    def connected(self) -> None:
        """Do nothing."""

    def publish(self, planes: Sequence[Picture], number: int, handed_ns: int) -> None:
        """Loan a sample, copy into it, send it, notify."""
        sample = self._publisher.loan_slice_uninit(self._size)
        header = sample.user_header().contents
        header.number, header.handed_ns = number, handed_ns
        target = (ctypes.c_uint8 * self._size).from_address(sample.payload_ptr)
        tight(planes, np.ctypeslib.as_array(target))
        header.sent_ns = time.monotonic_ns()
        sample.assume_init().send()
        self._notifier.notify()

    def close(self) -> None:
        """Release ports, services and node, and remove what iceoryx2 leaves in the file system."""
        self._publisher.delete()
        self._notifier.delete()
        del self._publisher, self._notifier, self._services, self._node
        for left in Path("/dev/shm").glob(_prefix(self._directory) + "*"):
            left.unlink()
        shutil.rmtree(self._directory)


class IceoryxReader:
    """Owns a subscriber and a listener."""

    def __init__(self, setup: Setup, ticket: Any) -> None:
        self._size = setup.frame_bytes
        self._node = _node(ticket)
        self._services = _services(self._node, setup)
        self._subscriber = self._services[0].subscriber_builder().buffer_size(_DEPTH).create()
        self._listener = self._services[1].listener_builder().create()

    def read(self, timeout_s: float) -> Received | None:
        """Take what is there, else wait for the event first."""
        sample = self._subscriber.receive()
        if sample is None:
            self._listener.timed_wait(iox2.Duration.from_secs_f64(timeout_s))
            sample = self._subscriber.receive()
            if sample is None:
                return None
        received_ns = time.monotonic_ns()
        header = sample.user_header().contents
        memory = (ctypes.c_uint8 * self._size).from_address(sample.payload_ptr)
        memory.owner = sample  # type: ignore[attr-defined]
        payload = np.ctypeslib.as_array(memory)
        return Received(payload, header.number, header.handed_ns, header.sent_ns, received_ns)

    def close(self) -> None:
        """Release ports, services and node."""
        self._subscriber.delete()
        self._listener.delete()
        del self._subscriber, self._listener, self._services, self._node


open_writer = IceoryxWriter
open_reader = IceoryxReader
