"""Which processes descend from this one, even those whose parents are gone."""

import contextlib
import os
import secrets
import signal
import sys
from pathlib import Path
from typing import NamedTuple

from camgraph.testing.waiting import wait_until

MARK = "CAMGRAPH_TEST_ID"
"""Environment variable by which the processes of a test session are known, nested sessions appended."""

_PROC = Path("/proc")


class _Stat(NamedTuple):
    state: str
    parent: int
    started: int


def _stat(pid: int) -> _Stat | None:
    try:
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return _Stat(fields[0], int(fields[1]), int(fields[19]))


class Processes:
    """Descendants of this process, keyed by (pid, start time).

    A descendant is known by its parent, by the mark in its environment (kept by exec), or by a pipe it has
    inherited (kept by fork). Processes that are none are looked at once only.
    """

    kind = "process"

    def __init__(self) -> None:
        outer = os.environ.get(MARK)
        self._mark = secrets.token_hex(8)
        self._outer = outer
        os.environ[MARK] = f"{outer}/{self._mark}" if outer else self._mark
        self._pipe = os.pipe2(os.O_CLOEXEC)
        self._pipe_link = os.readlink(f"/proc/self/fd/{self._pipe[0]}")
        self._strangers: set[int] = set()
        self._known: set[tuple[int, int]] = set()

    def close(self) -> None:
        """Give the environment back, and the pipe."""
        if self._outer is None:
            os.environ.pop(MARK, None)
        else:
            os.environ[MARK] = self._outer
        for descriptor in self._pipe:
            os.close(descriptor)

    def take(self) -> set[tuple[int, int]]:
        """Return the descendants there are; a zombie counts while its parent is one of us."""
        us = os.getpid()
        pids = {int(name) for name in os.listdir(_PROC) if name.isdecimal()} - {us}
        self._strangers &= pids
        stats = {pid: stat for pid in pids - self._strangers if (stat := _stat(pid)) is not None}
        family = {pid for pid, stat in stats.items() if stat.parent == us or self._is_marked(pid, stat)}
        grown = True
        while grown:
            children = {pid for pid, stat in stats.items() if stat.parent in family} - family
            family |= children
            grown = bool(children)
        self._strangers |= stats.keys() - family
        self._known = {(pid, stats[pid].started) for pid in family}
        helper = _resource_tracker()
        return {(pid, started) for pid, started in self._known if pid != helper}

    def is_stranger(self, pid: int) -> bool:
        """Tell whether a process was found to be none of ours."""
        return pid in self._strangers

    def describe(self, key: tuple[int, int]) -> str:
        """Return what a process is and does."""
        pid, _ = key
        stat = _stat(pid)
        if stat is None:
            return f"{pid} (gone by now)"
        try:
            command = (
                (_PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            )
            name = (_PROC / str(pid) / "comm").read_text().strip()
        except OSError:
            command, name = "", "?"
        told = command.strip() or "(no command line)"
        return f"{pid} [{name}] state {stat.state}, parent {stat.parent}: {told}"

    def remove(self, key: tuple[int, int]) -> None:
        """Kill a process and wait for its end."""
        pid, started = key

        def gone() -> bool:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
            stat = _stat(pid)
            return stat is None or stat.started != started or stat.state == "Z"

        if not gone():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(AssertionError):
                wait_until(gone, 2.0)

    def _is_marked(self, pid: int, stat: _Stat) -> bool:
        if stat.state == "Z":
            return False
        if (pid, stat.started) in self._known:
            return True
        try:
            if self._mark.encode() in (_PROC / str(pid) / "environ").read_bytes():
                return True
            return os.readlink(f"/proc/{pid}/fd/{self._pipe[0]}") == self._pipe_link
        except OSError:
            return False


def _resource_tracker() -> int | None:
    """Return the pid of the helper that `multiprocessing` keeps for the life of this process."""
    module = sys.modules.get("multiprocessing.resource_tracker")
    pid = module._resource_tracker._pid if module is not None else None
    return pid if isinstance(pid, int) else None
