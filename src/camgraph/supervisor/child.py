"""One supervised process: does what its life says, and tells its life what happened."""

import logging
import os
import signal
import subprocess
import time
from collections.abc import Callable

from camgraph.base.children import describe_exit
from camgraph.base.loop import Loop
from camgraph.base.oom import OUT_OF_MEMORY, OomKills, own_oom_kills
from camgraph.control.life import (
    Begin,
    Event,
    Exited,
    Launch,
    Launched,
    LaunchFailed,
    ProcessLife,
    Signal,
    Stop,
    Tick,
    WakeAt,
)

_log = logging.getLogger(__name__)


class Child:
    """Starts, watches by pidfd, signals and reaps one process at a time.

    `launch` starts it; `on_started(pid)` and `on_exited(pid, returncode)` follow each start and end, and
    `on_not_started()` each start that failed with an OSError: the latter two when the life has already
    decided what comes next, and `ended_how` tells the end in words.
    """

    def __init__(
        self,
        loop: Loop,
        *,
        name: str,
        restart: bool,
        launch: Callable[[], subprocess.Popen[bytes]],
        on_started: Callable[[int], None],
        on_exited: Callable[[int, int], None],
        on_not_started: Callable[[], None],
        explain: Callable[[int, str], str] = lambda returncode, how: how,
        crashes: int = 0,
        within_s: float = 60.0,
        is_told: bool = False,
        oom_kills: OomKills | None = None,
    ) -> None:
        """`explain(returncode, how)` may tell an end in other words, before the life hears of it.

        `is_told`: its end is told to somebody, and so not to everybody, in the log. `crashes`, `within_s`: as
        for `ProcessLife`. `oom_kills`: who knows of the kernel's kills; by default, this process's control
        group.
        """
        self.ended_how = ""
        """How the last one ended: ``exit code 3``, ``signal SIGTERM``, ``out of memory: …``; or why there was
        none: ``it could not be started: …``."""
        self.life = ProcessLife(restart=restart, crashes=crashes, within_s=within_s)
        self._loop = loop
        self._name = name
        self._launch = launch
        self._on_started = on_started
        self._on_exited = on_exited
        self._on_not_started = on_not_started
        self._explain = explain
        self._is_told = is_told
        self._popen: subprocess.Popen[bytes] | None = None
        self._pidfd = -1
        self._oom_kills = oom_kills or own_oom_kills()
        self._oom_kills_before = 0
        self._was_killed = False

    @property
    def pidfd(self) -> int:
        """The process's pidfd, which is ours (-1: none is running)."""
        return self._pidfd if self._popen else -1

    @property
    def pid(self) -> int:
        """The process's pid (0: none is running)."""
        return self._popen.pid if self._popen else 0

    def begin(self) -> None:
        """Start it."""
        self._handle(Begin())

    def stop(self, grace_s: float) -> None:
        """End it: SIGTERM now, SIGKILL after the grace."""
        self._handle(Stop(grace_s))

    def kill(self) -> None:
        """End it now, without waiting for it."""
        self._signal(signal.SIGKILL)

    def _handle(self, event: Event) -> None:
        for instruction in self.life.handle(event, time.monotonic_ns()):
            match instruction:
                case Launch():
                    self._start()
                case Signal(kill=kill):
                    self._signal(signal.SIGKILL if kill else signal.SIGTERM)
                case WakeAt(due_ns=due_ns):
                    self._loop.call_at(due_ns, lambda: self._handle(Tick()))

    def _signal(self, number: signal.Signals) -> None:
        if self._popen is not None:
            self._was_killed |= number == signal.SIGKILL
            self._popen.send_signal(number)

    def _start(self) -> None:
        self._was_killed = False
        self._oom_kills_before = self._oom_kills.count()
        popen: subprocess.Popen[bytes] | None = None
        try:
            popen = self._launch()
            self._pidfd = os.pidfd_open(popen.pid)
        except (OSError, subprocess.SubprocessError, MemoryError) as error:
            why = getattr(error, "strerror", None) or str(error) or "no memory"
            _log.error("%s could not be started: %s", self._name, why)
            if popen is not None:
                popen.kill()
                popen.wait()
            self.ended_how = f"it could not be started: {why}"
            self._handle(LaunchFailed())
            self._on_not_started()
            return
        self._popen = popen
        self._loop.add(self._pidfd, self._reap)
        self._handle(Launched(self._popen.pid))
        self._on_started(self._popen.pid)

    def _reap(self) -> None:
        assert self._popen is not None
        popen, self._popen = self._popen, None
        self._loop.remove(self._pidfd)
        os.close(self._pidfd)
        returncode = popen.wait()
        how = (
            describe_exit(returncode)
            if self._was_killed
            else self._oom_kills.describe_exit(returncode, self._oom_kills_before)
        )
        self.ended_how = self._explain(returncode, how)
        expected = self._is_told or self.life.state == "ending"
        _log.log(
            logging.DEBUG if expected else logging.WARNING,
            "%s (pid %d) ended: %s",
            self._name,
            popen.pid,
            self.ended_how,
        )
        self._handle(Exited(out_of_memory=how == OUT_OF_MEMORY, how=self.ended_how))
        self._on_exited(popen.pid, returncode)
