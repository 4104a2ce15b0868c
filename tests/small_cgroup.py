"""A real control group with little memory, for the processes of one test."""

import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from typing import Self
from uuid import uuid4

import pytest

from camgraph.base.cgroup import MemoryCgroups
from camgraph.testing.waiting import wait_until


class SmallCgroup:
    """A group beneath this process's own, or beside it; the test is skipped where none can be made."""

    def __init__(self, limit_bytes: int) -> None:
        groups = MemoryCgroups()._groups
        if not groups:
            pytest.skip("no control group counts memory here")
        own = groups[0].kills.parent
        name = f"camgraph-test-{uuid4().hex[:8]}"
        reasons = []
        # Version 2 has no groups beneath one with processes, as a rule.
        for parent in (own, own.parent):
            self.path = parent / name
            try:
                self._make(limit_bytes)
                return
            except OSError as error:
                reasons.append(f"{parent}: {error.strerror}")
                with suppress(OSError):
                    self.path.rmdir()
        pytest.skip("no control group can be made: " + "; ".join(reasons))

    def _make(self, limit_bytes: int) -> None:
        self.path.mkdir()
        version_1 = self.path / "memory.limit_in_bytes"
        (version_1 if version_1.exists() else self.path / "memory.max").write_text(str(limit_bytes))
        for swap in ("memory.memsw.limit_in_bytes", "memory.swap.max"):
            if (self.path / swap).exists():
                (self.path / swap).write_text(str(limit_bytes) if "memsw" in swap else "0")

    def command(self, command: Sequence[str]) -> list[str]:
        """Return a command that enters the group and then becomes `command`."""
        enter = 'echo $$ > "$0" && exec "$@"'
        return ["/bin/sh", "-c", enter, str(self.path / "cgroup.procs"), *command]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        wait_until(self._removed, what=f"{self.path} to be left by its processes")

    def _removed(self) -> bool:
        for pid in (self.path / "cgroup.procs").read_text().split():
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        try:
            self.path.rmdir()
        except OSError:
            return False
        return True
