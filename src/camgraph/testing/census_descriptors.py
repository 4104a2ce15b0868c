"""Which descriptors, memory mappings, abstract sockets and shared memory files this process holds."""

import gc
import io
import os
import re
import socket
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

_FD = "/proc/self/fd"
_SHARED = Path("/dev/shm")
_BENCHMARK = "camgraph-bench-"
"""Names of files that a peer of the benchmarks makes, which may run beside and keeps them while they do."""
_UNIX_SOCKET = re.compile(r"(\d+) (@camgraph-\S+)$", re.MULTILINE)
_MEMFD_MAPPING = re.compile(rb"\S+:\S+ (\d+) +(/memfd:[^\n]*)")


def _targets() -> dict[int, str]:
    found = {}
    for name in os.listdir(_FD):
        try:
            found[int(name)] = os.readlink(f"{_FD}/{name}")
        except OSError:
            continue
    return found


class Descriptors:
    """The open descriptors, keyed by (number, target); memfds are told by their target.

    Standard streams are left out: the test runner turns them to and fro.
    """

    kind = "descriptor"

    def take(self) -> set[tuple[int, str]]:
        """Return the descriptors there are."""
        helper = _resource_tracker_pipe()
        return {(fd, target) for fd, target in _targets().items() if fd > 2 and fd != helper}

    def describe(self, key: tuple[int, str]) -> str:
        """Return what a descriptor leads to, which object holds it and, if traced, where that was made."""
        fd, target = key
        holders = [item for item in gc.get_objects() if _holds(item, fd)]
        text = f"{fd} → {target}"
        if not holders:
            return f"{text}, held by no object that says so"
        text += f", held by {', '.join(map(repr, holders))}"
        made = tracemalloc.get_object_traceback(holders[0])
        if made is None:
            return f"{text} (PYTHONTRACEMALLOC=10 in the environment tells where it was made)"
        return "\n".join([f"{text}\nmade at", *made.format()])

    def remove(self, key: tuple[int, str]) -> None:
        """Do nothing: closing what an object still holds would close somebody else's descriptor later."""


class MemfdMappings:
    """The memfds mapped into this process, keyed by (inode, name)."""

    kind = "memfd mapping"

    def take(self) -> set[tuple[int, str]]:
        """Return the mappings there are."""
        maps = Path("/proc/self/maps").read_bytes()
        if b"/memfd:" not in maps:
            return set()
        return {(int(inode), name.decode()) for inode, name in _MEMFD_MAPPING.findall(maps)}

    def describe(self, key: tuple[int, str]) -> str:
        """Return what is mapped, and how much of it."""
        inode, name = key
        lines = [line for line in Path("/proc/self/maps").read_text().splitlines() if f" {inode} " in line]
        return f"{name} (inode {inode}): " + ", ".join(line.split()[0] for line in lines)

    def remove(self, key: tuple[int, str]) -> None:
        """Do nothing: something may still point into it."""


class AbstractSockets:
    """The sockets named ``@camgraph-…`` that this process holds, keyed by (inode, name)."""

    kind = "abstract socket"

    def take(self) -> set[tuple[int, str]]:
        """Return the sockets there are; other sessions on this machine have their own."""
        named = _UNIX_SOCKET.findall(Path("/proc/net/unix").read_text())
        if not named:
            return set()
        held = set(_targets().values())
        return {(int(inode), name) for inode, name in named if f"socket:[{inode}]" in held}

    def describe(self, key: tuple[int, str]) -> str:
        """Return the name of a socket."""
        return f"{key[1]} (inode {key[0]})"

    def remove(self, key: tuple[int, str]) -> None:
        """Do nothing: it goes with its descriptor."""


class SharedMemory:
    """The files in /dev/shm that this session made, keyed by (name, inode)."""

    kind = "shared memory"

    def __init__(self, is_stranger: Callable[[int], bool]) -> None:
        self._since = time.time()
        self._is_stranger = is_stranger

    def take(self) -> set[tuple[str, int]]:
        """Return the files there are, but for those that are older, another user's or in a stranger's use."""
        found = set()
        for entry in os.scandir(_SHARED):
            try:
                stat = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            foreign = stat.st_uid != os.getuid() or entry.name.startswith(_BENCHMARK)
            if not foreign and stat.st_ctime >= self._since:
                found.add((entry.name, stat.st_ino))
        return {key for key in found if not self._has_strange_user(key[0])}

    def describe(self, key: tuple[str, int]) -> str:
        """Return the path of a file."""
        return f"{_SHARED / key[0]} (left there: remove it by hand)"

    def remove(self, key: tuple[str, int]) -> None:
        """Do nothing: that nobody else wants the file can't be known."""

    def _has_strange_user(self, name: str) -> bool:
        path = str(_SHARED / name)
        for process in Path("/proc").iterdir():
            if not process.name.isdecimal() or not self._is_stranger(int(process.name)):
                continue
            try:
                if path in (process / "maps").read_text(errors="replace"):
                    return True
                if any(os.readlink(link) == path for link in (process / "fd").iterdir()):
                    return True
            except OSError:
                continue
        return False


def _holds(item: object, fd: int) -> bool:
    try:
        if isinstance(item, socket.socket | io.FileIO):
            return item.fileno() == fd
        return type(item).__module__.startswith("camgraph.") and getattr(item, "_fd", None) == fd
    except Exception:
        return False


def _resource_tracker_pipe() -> int | None:
    """Return the descriptor to the helper that `multiprocessing` keeps for the life of this process."""
    module = sys.modules.get("multiprocessing.resource_tracker")
    fd = module._resource_tracker._fd if module is not None else None
    return fd if isinstance(fd, int) else None
