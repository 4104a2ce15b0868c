"""What processes hold at a moment, what they run, and ending them for certain."""

import contextlib
import os
import select
import signal
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

_KB_OF_MB = 1000.0


class Census(NamedTuple):
    """What some processes hold together."""

    processes: int
    threads: int
    descriptors: int
    rss_mb: float
    """Resident memory; what two of the processes share counts twice. MB are of 1000 kB of 1024 bytes."""
    pss_mb: float
    """Resident memory; what n processes share counts as one n-th for each."""


def take_census(pids: Sequence[int]) -> Census:
    """Count what the processes hold now; raise ProcessLookupError if one has ended."""
    threads = descriptors = 0
    rss_kb = pss_kb = 0
    for pid in pids:
        try:
            threads += len(os.listdir(f"/proc/{pid}/task"))
            descriptors += len(os.listdir(f"/proc/{pid}/fd"))
            memory = parse_rollup(Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii"))
        except (FileNotFoundError, ProcessLookupError) as error:
            raise ProcessLookupError(f"process {pid} has ended") from error
        rss_kb += memory["Rss"]
        pss_kb += memory["Pss"]
    return Census(len(pids), threads, descriptors, rss_kb / _KB_OF_MB, pss_kb / _KB_OF_MB)


def parse_rollup(text: str) -> dict[str, int]:
    """Return the figures of a ``smaps_rollup`` by name, in kB."""
    fields = (line.partition(":") for line in text.splitlines()[1:])
    return {name: int(value.removesuffix("kB")) for name, _, value in fields}


def module_of(pid: int) -> str:
    """Return the module that a process runs, as in ``python -m module``; empty: none, or it has ended."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return ""
    return words[words.index(b"-m") + 1].decode() if b"-m" in words[:-1] else ""


def name_of(pid: int) -> str:
    """Return the kernel's name of a process; empty: it has ended."""
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").rstrip("\n")
    except OSError:
        return ""


class Doomed:
    """Processes that are about to end: told apart from later ones with their numbers."""

    def __init__(self, pids: Iterable[int]) -> None:
        self._pidfds: list[int] = []
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                self._pidfds.append(os.pidfd_open(pid))

    def see_off(self, patience_s: float) -> None:
        """Wait for the end of all; kill those that are still there after `patience_s`."""
        deadline = time.monotonic() + patience_s
        while self._pidfds:
            pidfd = self._pidfds.pop()
            try:
                ended, _, _ = select.select([pidfd], [], [], max(0.0, deadline - time.monotonic()))
                if not ended:
                    signal.pidfd_send_signal(pidfd, signal.SIGKILL)
            finally:
                os.close(pidfd)
