"""A peer: pyzmq, a PAIR over ipc to each process, read in the GUI's thread when its descriptor says so."""

import importlib
import itertools
import multiprocessing
import os
from typing import Any

from qtpy.QtCore import QObject, QSocketNotifier, Signal

from benchmarks.messages.speaking import serve_zmq
from benchmarks.messages.transports.base import BackEnd, Ended, Heard

# Not a plain import: the types must be checked where the peers are not installed, too.
zmq: Any = importlib.import_module("zmq")

_numbers = itertools.count()


class ZmqProcess(QObject):
    """A process and its socket. Owns them."""

    _heard = Signal(object)

    def __init__(self, context: Any, heard: Heard) -> None:
        super().__init__()
        address = f"ipc://@camgraph-bench-{os.getpid()}-{next(_numbers)}"
        self._socket = context.socket(zmq.PAIR)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.bind(address)
        self._draining = False
        self._heard.connect(heard)
        self._notifier = QSocketNotifier(self._socket.getsockopt(zmq.FD), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._drain)
        spawn = multiprocessing.get_context("spawn")
        self._process = spawn.Process(target=serve_zmq, args=(address,), daemon=True)
        self._process.start()

    def pid(self) -> int:
        """Return the process id."""
        return self._process.pid or 0

    def ping(self, value: int) -> None:
        """Send the value."""
        self._send(value)

    def say(self, count: int, hz: float) -> None:
        """Send what is asked for."""
        self._send((count, hz))

    def close(self) -> None:
        """Kill the process, close the socket."""
        self._notifier.setEnabled(False)
        self._process.kill()
        self._process.join()
        self._socket.close(0)

    def _send(self, asked: object) -> None:
        self._socket.send_pyobj(asked)
        # The descriptor tells of changes only, and a send may have taken note of one.
        self._drain()

    def _drain(self) -> None:
        if self._draining:
            return
        self._draining = True
        try:
            while True:
                self._heard.emit(self._socket.recv_pyobj(zmq.NOBLOCK))
        except zmq.Again:
            pass
        finally:
            self._draining = False


class OpenTransport:
    """Owns the processes and libzmq's thread."""

    tells_death = False

    def __init__(self) -> None:
        self._context = zmq.Context()
        self._processes: list[ZmqProcess] = []

    def start(self, heard: Heard, ended: Ended) -> BackEnd:
        """Start one more."""
        self._processes.append(ZmqProcess(self._context, heard))
        return self._processes[-1]

    def close(self) -> None:
        """End all."""
        for process in self._processes:
            process.close()
        self._context.term()
