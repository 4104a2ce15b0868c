"""A peer, as one would write it by hand: a `multiprocessing.Pipe` a process, each read by a QThread."""

import multiprocessing
from multiprocessing.connection import Connection
from typing import Any

from qtpy.QtCore import QThread, Signal

from benchmarks.messages.speaking import serve_pipe
from benchmarks.messages.transports.base import BackEnd, Ended, Heard


class _Listener(QThread):
    heard = Signal(object)
    ended = Signal()

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._connection = connection

    def run(self) -> None:
        try:
            while True:
                self.heard.emit(self._connection.recv())
        except (EOFError, ConnectionError):
            self.ended.emit()


class PipedProcess:
    """A process, its pipe and its thread. Owns them."""

    def __init__(self, heard: Heard, ended: Ended) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=serve_pipe, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()
        self._listener: Any = _Listener(self._connection)
        self._listener.heard.connect(heard)
        self._listener.ended.connect(ended)
        self._listener.start()

    def pid(self) -> int:
        """Return the process id."""
        return self._process.pid or 0

    def ping(self, value: int) -> None:
        """Send the value."""
        self._connection.send(value)

    def say(self, count: int, hz: float) -> None:
        """Send what is asked for."""
        self._connection.send((count, hz))

    def close(self) -> None:
        """Kill it: that ends the pipe, and with it the thread."""
        self._process.kill()
        self._process.join()
        self._listener.wait()
        self._connection.close()


class OpenTransport:
    """Owns the processes."""

    tells_death = True

    def __init__(self) -> None:
        self._processes: list[PipedProcess] = []

    def start(self, heard: Heard, ended: Ended) -> BackEnd:
        """Start one more, with its thread."""
        self._processes.append(PipedProcess(heard, ended))
        return self._processes[-1]

    def close(self) -> None:
        """End all."""
        for process in self._processes:
            process.close()
