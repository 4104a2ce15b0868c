"""The processes of a site, as the kernel tells them: whatever the program says, or does not say."""

import os
import re
import time
from pathlib import Path
from typing import NamedTuple

_PROC = Path("/proc")
_MODULE = re.compile(rb"\0-m\0(camgraph\.[\w.]+)\0")


class Process(NamedTuple):
    """A process: its parent, its state as in ``ps``, and the module of ours that it runs (empty: none)."""

    pid: int
    parent: int
    state: str
    module: str


class Family(NamedTuple):
    """What a program that owns a site has running."""

    supervisor: Process | None
    media: list[Process]
    backends: list[Process]

    @property
    def all(self) -> list[Process]:
        return [process for process in (self.supervisor, *self.media, *self.backends) if process is not None]


def family_of(pid: int) -> Family:
    """Return the family of a program, or of what is left of it; zombies are none."""
    processes = [process for process in _all() if process.state != "Z"]
    supervisor = next(
        (one for one in processes if one.parent == pid and one.module == "camgraph.supervisor"), None
    )
    children = [] if supervisor is None else [one for one in processes if one.parent == supervisor.pid]
    return Family(
        supervisor,
        [one for one in children if one.module == "camgraph.media"],
        [one for one in children if one.module == "camgraph.client.backend"],
    )


def gone(pid: int) -> bool:
    """Tell whether there is no such process, not even a zombie."""
    return not (_PROC / str(pid)).exists()


def age_s(pid: int) -> float:
    """Return how long ago a process was started; 0 for one that has ended."""
    try:
        started = int((_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[19])
    except OSError:
        return 0.0
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started / os.sysconf("SC_CLK_TCK")


def ring_holders(mark: str) -> list[str]:
    """Return the processes with this mark in their environment that hold a memfd of camgraph's."""
    found = []
    for directory in _PROC.iterdir():
        if not directory.name.isdecimal() or int(directory.name) == os.getpid():
            continue
        try:
            if mark.encode() not in (directory / "environ").read_bytes():
                continue
            if "/memfd:camgraph-" in (directory / "maps").read_text(encoding="utf-8", errors="replace"):
                found.append(directory.name)
        except OSError:
            continue
    return found


def descriptors_of(pid: int) -> int:
    """Return how many descriptors a process has open."""
    return len(os.listdir(_PROC / str(pid) / "fd"))


def _all() -> list[Process]:
    found = []
    for directory in _PROC.iterdir():
        if not directory.name.isdecimal():
            continue
        try:
            state, parent = (directory / "stat").read_text().rpartition(")")[2].split()[:2]
            module = _MODULE.search((directory / "cmdline").read_bytes())
        except OSError:
            continue
        found.append(Process(int(directory.name), int(parent), state, module[1].decode() if module else ""))
    return found
