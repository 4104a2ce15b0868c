"""The limit: ``python -m benchmarks.messages.bare <processes> <window in s>``.

A `multiprocessing.Pipe` a process, read by who has written to it: no Qt, no thread, no other work meanwhile.
Prints what was measured as one line of JSON.
"""

import itertools
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from multiprocessing.connection import Connection
from typing import Self

from benchmarks.harness.machine import Meter, children_of
from benchmarks.messages.figures import LIVES, lives, trips
from benchmarks.messages.placing import apart
from benchmarks.messages.speaking import serve_pipe

_WARM_UP_S = 0.3
_PATIENCE_S = 10.0


class _PipedProcess:
    """A process and its pipe. Owns them."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._process = context.Process(target=serve_pipe, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *reason: object) -> None:
        self.kill()
        self._process.join()
        self.connection.close()

    def kill(self) -> None:
        self._process.kill()

    def ask(self) -> None:
        """Wait for a first answer."""
        self.connection.send(0)
        if not self.connection.poll(_PATIENCE_S):
            raise TimeoutError("a message did not come")
        self.connection.recv()


def _live() -> dict[str, float]:
    started_ms: list[float] = []
    noticed_ms: list[float] = []
    for _ in range(LIVES):
        begin_ns = time.perf_counter_ns()
        with _PipedProcess() as process:
            process.ask()
            started_ms.append((time.perf_counter_ns() - begin_ns) / 1e6)
            begin_ns = time.perf_counter_ns()
            process.kill()
            process.connection.poll(_PATIENCE_S)
            noticed_ms.append((time.perf_counter_ns() - begin_ns) / 1e6)
    return lives(started_ms, noticed_ms)


def _pass_around(connections: Sequence[Connection], seconds: float) -> list[int]:
    took_ns: list[int] = []
    end_ns = time.perf_counter_ns() + int(seconds * 1e9)
    for connection in itertools.cycle(connections):
        begin_ns = time.perf_counter_ns()
        connection.send(len(took_ns))
        connection.recv()
        now_ns = time.perf_counter_ns()
        took_ns.append(now_ns - begin_ns)
        if now_ns >= end_ns:
            break
    return took_ns


def main(processes: int, window_s: float) -> None:
    """Measure pipes to so many processes."""
    values = _live() if processes == 1 else {}
    with ExitStack() as running:
        started = [running.enter_context(_PipedProcess()) for _ in range(processes)]
        for process in started:
            process.ask()
        connections = [process.connection for process in started]
        children = children_of(os.getpid())
        with apart(children):
            _pass_around(connections, _WARM_UP_S)
            meter = Meter([os.getpid()], [os.getppid(), *children])
            values |= trips(_pass_around(connections, window_s))
            values["other_cores"] = meter.stop().other_cores
    print(json.dumps(values))


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
