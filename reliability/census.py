"""What a process holds, as the kernel tells it; and who has anything of a site."""

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

_PROC = Path("/proc")


def holdings(pid: int) -> Counter[str]:
    """Return how many threads a process has, and how many descriptors and mapped memfds of each kind."""
    root = _PROC / str(pid)
    found: Counter[str] = Counter()
    found["thread"] = len(os.listdir(root / "task"))
    for name in os.listdir(root / "fd"):
        try:
            target = os.readlink(root / "fd" / name)
        except OSError:
            continue
        found[f"descriptor {_kind(target)}"] += 1
    maps = (root / "maps").read_text(encoding="utf-8", errors="replace").splitlines()
    found["mapped memfd"] = len({line.split(None, 5)[4] for line in maps if "/memfd:" in line})
    found["shared memory file"] = sum(name.startswith("camgraph-") for name in _shared_files(maps))
    return found


def growth(before: Mapping[str, int], after: Mapping[str, int]) -> list[str]:
    """Return what there is more of, an entry for each."""
    return [kind for kind, count in after.items() for _ in range(count - before.get(kind, 0))]


def users_of(site: str) -> list[str]:
    """Return who still has anything of a site: processes that were started with its name, its sockets."""
    found = []
    for directory in _PROC.iterdir():
        if not directory.name.isdecimal() or int(directory.name) == os.getpid():
            continue
        try:
            arguments = (directory / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if site.encode() in arguments:
            found.append(f"process {directory.name}: {b' '.join(arguments).decode()}")
    sockets = (_PROC / "net" / "unix").read_text(encoding="utf-8").splitlines()
    return [*found, *(line for line in sockets if line.endswith(site))]


def _kind(target: str) -> str:
    """Return what a descriptor leads to, without the number that tells it from others of its kind."""
    return target.partition(":")[0] if target.startswith(("socket:", "pipe:")) else target.partition(" ")[0]


def _shared_files(maps: list[str]) -> set[str]:
    return {Path(line.split(None, 5)[5]).name for line in maps if "/dev/shm/" in line}
