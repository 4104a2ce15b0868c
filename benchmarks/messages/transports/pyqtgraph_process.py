"""A peer: pyqtgraph's QtProcess, whose two sides look for messages every 10 ms."""

import importlib
import os
import signal
from contextlib import suppress
from typing import Any

from qtpy import API_NAME

from benchmarks.messages.transports.base import BackEnd, Ended, Heard

os.environ["PYQTGRAPH_QT_LIB"] = API_NAME
# Not a plain import: the types must be checked where the peers are not installed, too.
multiprocess: Any = importlib.import_module("pyqtgraph.multiprocess")

_JOIN_S = 2.0


class PyqtgraphProcess:
    """A process of pyqtgraph. Owns it."""

    def __init__(self, heard: Heard) -> None:
        self._process = multiprocess.QtProcess()
        speaking = self._process._import("benchmarks.messages.speaking")
        echo = speaking.PyqtgraphEcho(multiprocess.proxy(heard))
        self._ping, self._say = echo.ping, echo.say  # now: each look-up asks the other side, and waits

    def pid(self) -> int:
        """Return the process id."""
        pid: int = self._process.proc.pid
        return pid

    def ping(self, value: int) -> None:
        """Call, without waiting for its result."""
        self._ping(value, _callSync="off")

    def say(self, count: int, hz: float) -> None:
        """Call, without waiting for its result."""
        self._say(count, hz, _callSync="off")

    def close(self) -> None:
        """Kill it: there is nothing to be saved, and it asks for an answer otherwise."""
        self._process.stopRequestProcessing()
        self._process.proc.send_signal(signal.SIGKILL)
        self._process.proc.wait(_JOIN_S)
        with suppress(OSError, multiprocess.ClosedError):
            self._process.join(_JOIN_S)


class OpenTransport:
    """Owns the processes."""

    tells_death = False

    def __init__(self) -> None:
        self._processes: list[PyqtgraphProcess] = []

    def start(self, heard: Heard, ended: Ended) -> BackEnd:
        """Start one more; it is there on return."""
        self._processes.append(PyqtgraphProcess(heard))
        return self._processes[-1]

    def close(self) -> None:
        """End all."""
        for process in self._processes:
            process.close()
