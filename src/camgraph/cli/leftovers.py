"""Finding processes that outlive the program that started them, by looking and not by being told."""

import os
import secrets
import time
from pathlib import Path

_MARK = "CAMGRAPH_STARTED_BY"


class Leftovers:
    """Marks this process's environment, so that whatever it starts, and they start, can be recognised."""

    def __init__(self) -> None:
        mark = secrets.token_hex(8)
        os.environ[_MARK] = mark
        self._needle = f"{_MARK}={mark}".encode()
        self._before = _processes()

    def find(self, patience_s: float = 2.0) -> list[int]:
        """Return the pids of marked processes that are still there after `patience_s` seconds."""
        deadline_ns = time.monotonic_ns() + int(patience_s * 1e9)
        while (pids := self._marked()) and time.monotonic_ns() < deadline_ns:
            time.sleep(0.02)
        return pids

    def _marked(self) -> list[int]:
        return [
            pid
            for pid in _processes() - self._before - {os.getpid()}
            if self._needle in _environment(pid).split(b"\0") and not _is_zombie(pid)
        ]


def _processes() -> set[int]:
    return {int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()}


def _environment(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
