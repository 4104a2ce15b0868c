"""What the machine did meanwhile: the CPU time of what is measured, and of everything else."""

import os
import resource
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

_TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
_CPU_CLOCK_OF_PROCESS = 2


def cpu_ns(pid: int) -> int:
    """Return the CPU time, user and system, of all threads a process has had, children left out.

    Raises ProcessLookupError if there is no such process. A zombie still has its clock.
    """
    try:
        return time.clock_gettime_ns((~pid << 3) | _CPU_CLOCK_OF_PROCESS)
    except OSError as error:
        raise ProcessLookupError(f"process {pid} has no CPU clock: it has ended") from error


def busy_ns() -> int:
    """Return the CPU time that all processes, interrupts and the hypervisor took since boot."""
    fields = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, fields[1:9])
    return (user + nice + system + irq + softirq + steal) * _TICK_NS


def children_of(pid: int) -> list[int]:
    """Return the process ids of the living children of a process, of all its threads."""
    children: list[int] = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            children += map(int, (task / "children").read_text(encoding="ascii").split())
    except (FileNotFoundError, ProcessLookupError):
        pass
    return children


def tree_of(pid: int) -> list[int]:
    """Return a process and its living descendants."""
    tree = [pid]
    for member in tree:
        tree += children_of(member)
    return tree


class Usage(NamedTuple):
    """What a window of time cost."""

    wall_s: float
    cpu_s: float
    """CPU time of the measured processes."""
    apart_s: float
    """CPU time of the processes that belong to the run and are reported apart: cameras, readers, harness."""
    other_cores: float
    """How many cores were busy with anything else, on average."""


class Meter:
    """Measures the CPU time of processes over a window: from construction to `stop`.

    `measured` and `apart` are process ids; they must live until `stop`. This process counts as apart unless
    it is measured.
    """

    def __init__(self, measured: Iterable[int], apart: Iterable[int] = ()) -> None:
        self._measured = set(measured)
        self._apart = ({os.getpid()} | set(apart)) - self._measured
        self._begin = self._sample()

    def stop(self) -> Usage:
        """Return what was used since the construction; raise ProcessLookupError if a process has ended."""
        wall, cpu, apart, busy = (
            (after - before) / 1e9 for before, after in zip(self._begin, self._sample(), strict=True)
        )
        return Usage(wall, cpu, apart, max(0.0, busy - cpu - apart) / wall)

    def _sample(self) -> tuple[int, int, int, int]:
        return (
            time.monotonic_ns(),
            sum(map(cpu_ns, self._measured)),
            sum(map(cpu_ns, self._apart)),
            busy_ns(),
        )


class FamilyMeter:
    """Measures this process and the children it starts and waits for meanwhile, their children included.

    For runs whose processes come and go; `stop` belongs after the last of them was waited for. `apart` are
    processes that live on.
    """

    def __init__(self, apart: Iterable[int] = ()) -> None:
        self._apart = set(apart)
        self._begin = self._sample()

    def stop(self) -> Usage:
        """Return what was used since the construction."""
        wall, cpu, apart, busy = (
            after - before for before, after in zip(self._begin, self._sample(), strict=True)
        )
        return Usage(wall, cpu, apart, max(0.0, busy - cpu - apart) / wall)

    def _sample(self) -> tuple[float, float, float, float]:
        usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return (
            time.monotonic(),
            sum(usage.ru_utime + usage.ru_stime for usage in usages),
            sum(map(cpu_ns, self._apart)) / 1e9,
            busy_ns() / 1e9,
        )
