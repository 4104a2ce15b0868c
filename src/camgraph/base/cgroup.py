"""How much memory this process's control groups leave it, and how often the kernel killed in them.

Read from the kernel's files: versions 1 and 2, both at once, and namespaces that show only a part of the
tree. What can't be found or read counts as no limit; nothing here raises.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NamedTuple

_NO_LIMIT = 1 << 60
"""Version 1 writes the largest whole number of pages for "none"."""


class Headroom(NamedTuple):
    """What can still be touched before something is killed, and what bounds it."""

    bytes: int
    limit_bytes: int | None
    """The limit of the control group that bounds it; None: the machine's own memory does."""


@dataclass(frozen=True)
class _Files:
    """What the files of one version are called."""

    limits: tuple[str, ...]
    usage: str
    reclaimable: str
    kills: str
    """The file with a line ``oom_kill N``."""
    stated_limit: str | None = None
    """The field of memory.stat with the smallest limit of all ancestors, those out of sight included."""


# Over memory.high nobody is killed, but everybody in the group is made to wait for as long as it lasts.
_V2 = _Files(("memory.max", "memory.high"), "memory.current", "inactive_file", "memory.events")
_V1 = _Files(
    ("memory.limit_in_bytes",),
    "memory.usage_in_bytes",
    "total_inactive_file",
    "memory.oom_control",
    "hierarchical_memory_limit",
)


class MemoryCgroups:
    """The control groups that count this process's memory, itself and all above.

    They are looked up once: a process is moved before it starts to work, if at all. Asking what is left
    costs less than half a millisecond, some ten files.
    """

    def __init__(self, proc: Path = Path("/proc")) -> None:
        """Look them up in `proc`, which is somewhere else only in tests."""
        self._meminfo = proc / "meminfo"
        self._groups = list(_groups(proc))
        counted = (group.kills for group in self._groups if group.kills.exists())
        self._kills = next(counted, proc / "vmstat")

    @property
    def limit_bytes(self) -> int | None:
        """The smallest limit of all the groups; None: there is none."""
        limits = (group.limit_bytes for group in self._groups)
        return min((limit for limit in limits if limit is not None), default=None)

    @property
    def used_bytes(self) -> int | None:
        """What the process's own group uses and can't be dropped; None: it is not counted."""
        return self._groups[0].used_bytes if self._groups else None

    def headroom(self) -> Headroom | None:
        """Return what is left in the group that has least left, or of the machine; None: unknown.

        Files' pages that nobody has used lately don't count as used: the kernel drops them first. A level
        without a limit is not read any further.
        """
        rooms = [
            Headroom(max(limit - (group.used_bytes or 0), 0), limit)
            for group in self._groups
            if (limit := group.limit_bytes) is not None
        ]
        available = _fields(self._meminfo).get("MemAvailable:")
        if available is not None:
            rooms.append(Headroom(available * 1024, None))
        return min(rooms, key=lambda room: room.bytes, default=None)

    def oom_kills(self) -> int | None:
        """Return how many processes of the own group were killed for memory so far; None: unknown.

        Where no group counts them, those of the whole machine are returned.
        """
        return _fields(self._kills).get("oom_kill")


class _Group:
    """One control group's directory."""

    def __init__(self, directory: Path, files: _Files, *, own: bool) -> None:
        self.kills = directory / files.kills
        self._limits = [directory / name for name in files.limits]
        self._usage = directory / files.usage
        self._stat = directory / "memory.stat"
        self._reclaimable = files.reclaimable
        self._stated_limit = files.stated_limit if own else None

    @property
    def is_counted(self) -> bool:
        """Whether memory is counted here at all."""
        return self._usage.exists() or any(path.exists() for path in self._limits)

    @property
    def limit_bytes(self) -> int | None:
        limits = [_number(_text(path)) for path in self._limits]
        if self._stated_limit:
            limits.append(_fields(self._stat).get(self._stated_limit))
        return min((limit for limit in limits if limit is not None and limit < _NO_LIMIT), default=None)

    @property
    def used_bytes(self) -> int | None:
        usage = _number(_text(self._usage))
        if usage is None:
            return None
        return max(usage - _fields(self._stat).get(self._reclaimable, 0), 0)


class _Mount(NamedTuple):
    """A mounted hierarchy of control groups, or a part of one."""

    root: PurePosixPath
    """Which group of the hierarchy is at the mount point."""
    point: Path


def _groups(proc: Path) -> Iterator[_Group]:
    """Yield the groups of the process that count memory, the own one first."""
    mounts = list(_mounts(_text(proc / "self/mountinfo")))
    for line in _text(proc / "self/cgroup").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if "memory" in controllers.split(","):
            files = _V1
        elif number == "0" and not controllers:
            files = _V2
        else:
            continue
        found = _find(PurePosixPath(path), [mount for kind, mount in mounts if kind is files])
        if found is not None:
            point, directory = found
            own = True
            for level in (directory, *directory.parents):
                group = _Group(level, files, own=own)
                if group.is_counted:
                    yield group
                    own = False
                if level == point:
                    break


def _find(path: PurePosixPath, mounts: list[_Mount]) -> tuple[Path, Path] | None:
    """Return the mount point and the directory of a group; the mount point twice if it is not under one."""
    for mount in mounts:
        if path.is_relative_to(mount.root) and ".." not in path.parts:
            directory = mount.point / path.relative_to(mount.root)
            if directory.is_dir():
                return mount.point, directory
    return (mounts[0].point, mounts[0].point) if mounts else None


def _mounts(mountinfo: str) -> Iterator[tuple[_Files, _Mount]]:
    """Yield what is mounted of the hierarchies that can count memory (see proc_pid_mountinfo(5))."""
    for line in mountinfo.splitlines():
        fields = line.split(" ")
        try:
            kind, _, options = fields[fields.index("-", 6) + 1 :][:3]
            root, point = (_unescape(field) for field in fields[3:5])
        except ValueError:
            continue
        if kind == "cgroup2":
            yield _V2, _Mount(PurePosixPath(root), Path(point))
        elif kind == "cgroup" and "memory" in options.split(","):
            yield _V1, _Mount(PurePosixPath(root), Path(point))


def _unescape(field: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), field)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "surrogateescape")
    except (OSError, ValueError):
        return ""


def _number(text: str) -> int | None:
    """Return a number of bytes; None for "max", a negative one and whatever else there may be."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else None


def _fields(path: Path) -> dict[str, int]:
    """Return the numbers of a file of lines ``name number``."""
    fields = {}
    for line in _text(path).splitlines():
        name, _, rest = line.partition(" ")
        number = _number(rest.removesuffix("kB"))
        if number is not None:
            fields[name] = number
    return fields
