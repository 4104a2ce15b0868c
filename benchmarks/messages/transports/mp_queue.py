"""A peer: a `multiprocessing.Queue` to each process, one for all back to the program, read by a QThread."""

import multiprocessing
from multiprocessing.context import SpawnProcess
from typing import Any

from qtpy.QtCore import QThread, Signal

from benchmarks.messages.speaking import serve_queues
from benchmarks.messages.transports.base import BackEnd, Ended, Heard

_JOIN_S = 5.0


class _Listener(QThread):
    heard = Signal(object)

    def __init__(self, queue: Any) -> None:
        super().__init__()
        self._queue = queue

    def run(self) -> None:
        while (value := self._queue.get()) is not None:
            self.heard.emit(value)


class QueueProcess:
    """A process and its queue."""

    def __init__(self, process: SpawnProcess, inbox: Any) -> None:
        self._process = process
        self._inbox = inbox

    def pid(self) -> int:
        """Return the process id."""
        return self._process.pid or 0

    def ping(self, value: int) -> None:
        """Put the value."""
        self._inbox.put(value)

    def say(self, count: int, hz: float) -> None:
        """Put what is asked for."""
        self._inbox.put((count, hz))

    def ask_to_end(self) -> None:
        """Put the end. A process that is killed may die with the lock of the common queue, for ever."""
        self._inbox.put(None)

    def close(self) -> None:
        """Wait for the end, and end the queue's thread."""
        self._process.join(_JOIN_S)
        self._process.kill()
        self._process.join()
        self._inbox.cancel_join_thread()
        self._inbox.close()


class OpenTransport:
    """Owns the processes, the queues and the thread."""

    tells_death = False

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._outbox = self._context.Queue()
        self._processes: list[QueueProcess] = []
        self._listener: Any = _Listener(self._outbox)
        self._listener.start()

    def start(self, heard: Heard, ended: Ended) -> BackEnd:
        """Start one more."""
        if not self._processes:
            self._listener.heard.connect(heard)
        inbox = self._context.Queue()
        process = self._context.Process(target=serve_queues, args=(inbox, self._outbox), daemon=True)
        process.start()
        self._processes.append(QueueProcess(process, inbox))
        return self._processes[-1]

    def close(self) -> None:
        """End all."""
        for process in self._processes:
            process.ask_to_end()
        for process in self._processes:
            process.close()
        self._outbox.put(None)
        self._listener.wait()
        self._outbox.close()
        self._outbox.join_thread()
