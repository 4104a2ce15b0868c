"""What all processes of this API have in common: forks, which nobody waits for once they are dead."""

import atexit
import gc
import logging
import multiprocessing
import multiprocessing.util
import os
import signal
import sys
import threading
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakSet

from camgraph.base.children import describe_exit, end_with_pipe
from camgraph.base.interrupted import give_signals_back, interrupted_later
from camgraph.base.parking import Closes, close_in_children, foreign_threads, given_to_child, no_fork
from valkka.multiprocess.descriptor import Descriptor, lifeline, readable

_log = logging.getLogger(__name__)

AFTER_FAILURE_S = 2.0
FORK = multiprocessing.get_context("fork")
_running: "WeakSet[ForkedProcess]" = WeakSet()
_named: set[str] = set()


class _Starting(threading.local):
    """The process that this thread forks, for its child to know, and the descriptor that it ends with."""

    process: "ForkedProcess | None" = None
    held: Descriptor | None = None
    collects = True


_starting = _Starting()


class ForkedProcess(FORK.Process, multiprocessing.Process):  # type: ignore[name-defined,misc]
    """A process that is always forked, so that it finds all that the program has made before its start.

    It's killed when the program that started it is gone. `end_within_s`: how long one that was asked to stop
    may take before it is terminated, and after that, `kill_within_s`, before it is killed.
    """

    end_within_s = 10.0
    kill_within_s = 2.0

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._pidfd: Descriptor | None = None
        self._lifeline: Descriptor | None = None

    def start(self) -> None:
        """Fork it. A warning names threads that are not ours: what they hold stays held in the child."""
        with interrupted_later():
            self._start_now()

    def _start_now(self) -> None:
        held, alive = lifeline()
        before = foreign_threads()
        _starting.process, _starting.held = self, held
        try:
            with _quiet(), given_to_child(held, *self._back_ends()):
                super().start()
        finally:
            _starting.process = _starting.held = None
            held.close()
        self._lifeline = alive
        with no_fork():
            self._pidfd = Descriptor(os.pidfd_open(self._popen.pid))
            close_in_children(self._pidfd)
        _running.add(self)
        self._started()
        _warn_of_threads(self.name, before)

    def stop(self) -> None:
        """End it."""
        self._end_in_time(0)

    def _back_ends(self) -> tuple[Closes, ...]:
        """What only the child keeps open."""
        return ()

    def _started(self) -> None:
        """Runs in the front end, after the fork."""

    def _has_ended(self) -> bool:
        return self._pidfd is not None and bool(readable((self._pidfd,), 0))

    def _wait_for(self, *files: Any, timeout: float | None = None) -> bool:
        """Wait for one of the files, or for the end of the process; tell whether a file can be read."""
        ends = () if self._pidfd is None else (self._pidfd,)
        found = readable((*files, *ends), timeout)
        return any(file.fileno() in found for file in files)

    def _told_end(self) -> str:
        """Reap it, if it has ended; say how."""
        if not self._has_ended():
            return "has closed its pipes"
        super().join()
        # Another thread may have reaped it this very moment.
        return "has ended" if self.exitcode is None else f"has ended: {describe_exit(self.exitcode)}"

    def _end_in_time(self, within_s: float) -> None:
        """Wait for one that was asked to stop; terminate and at last kill it when it doesn't."""
        assert self._pidfd is not None
        if not readable((self._pidfd,), within_s):
            _log.error("%s does not stop within %g s: it is terminated", self.name, self.end_within_s)
            self.terminate()
            if not readable((self._pidfd,), self.kill_within_s):
                _log.error("%s does not heed SIGTERM: it is killed", self.name)
                self.kill()
        super().join()


def running() -> tuple[ForkedProcess, ...]:
    """Return those that were started here, and have not ended."""
    return tuple(process for process in list(_running) if not process._has_ended())


@contextmanager
def _quiet() -> Iterator[None]:
    """Collect no garbage in a child before it knows that it is one; Python 3.12 warns of our threads, too."""
    _starting.collects = gc.isenabled()
    gc.disable()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            yield
    finally:
        if _starting.collects:
            gc.enable()


def _in_child() -> None:
    process, held = _starting.process, _starting.held
    if process is None or held is None:
        return
    _starting.process = _starting.held = None
    give_signals_back()
    end_with_pipe(held.fileno())
    process._lifeline = held
    for mine in (held, *process._back_ends()):
        close_in_children(mine)
    _running.clear()
    # A signal of this process is none of the parent's.
    signal.set_wakeup_fd(-1)
    # What is unreachable here is the parent's to destroy: Qt's objects would talk on its connections.
    gc.freeze()
    if _starting.collects:
        gc.enable()


def _warn_of_threads(name: str, before: dict[int, str]) -> None:
    # Libraries that end their threads around a fork, as numpy's linear algebra does, know what they do.
    left = Counter(before[number] for number in before.keys() & foreign_threads().keys())
    if left.keys() - _named:
        _named.update(left)
        _log.warning(
            "%s was forked while %d other threads ran; it has none of them, but what they had locked stays "
            "locked in it for ever (start processes first, then threads): %s",
            name,
            left.total(),
            ", ".join(thread if count == 1 else f"{thread} ×{count}" for thread, count in left.items()),
        )


def _at_exit() -> None:
    """After an exception that nobody caught, Ctrl-C say, nobody stops them: Python would wait for ever."""
    if hasattr(sys, "last_value"):
        for process in running():
            # A forked child of the program may get here, too.
            if process._parent_pid == os.getpid():
                process.end_within_s = min(process.end_within_s, AFTER_FAILURE_S)
                process.stop()


os.register_at_fork(after_in_child=_in_child)
# After that of multiprocessing, which waits for all processes: it is called before it.
atexit.register(_at_exit)
