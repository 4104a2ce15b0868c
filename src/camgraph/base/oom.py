"""Telling a process that the kernel killed for memory from one that somebody killed."""

import signal
import threading
from collections.abc import Callable
from functools import cache

from camgraph.base.cgroup import MemoryCgroups
from camgraph.base.children import describe_exit

OUT_OF_MEMORY = "out of memory: killed by the kernel"


class OomKills:
    """Takes a kill off the kernel's counter for each process that died of one.

    The counter tells how many, not who: when others of the same control group are killed for memory too, a
    later SIGKILL by hand may be taken for one of theirs.
    """

    def __init__(self, count: Callable[[], int | None]) -> None:
        """`count` returns the kernel's counter; None: unknown, then nothing is ever explained."""
        self._count = count
        self._explained = count() or 0
        self._lock = threading.Lock()

    def count(self) -> int:
        """Return how many there have been: to be asked before a process is started."""
        return self._count() or 0

    def describe_exit(self, returncode: int, before: int) -> str:
        """Return the phrase for an exit status, or OUT_OF_MEMORY: for one that we have not killed ourselves.

        `before` is the count when it was started. The counter is ahead of the signal: it is enough to ask
        once, after the process was reaped.
        """
        out_of_memory = returncode == -signal.SIGKILL and self._explains(before)
        return OUT_OF_MEMORY if out_of_memory else describe_exit(returncode)

    def _explains(self, before: int) -> bool:
        with self._lock:
            accounted = max(before, self._explained)
            if self.count() <= accounted:
                return False
            self._explained = accounted + 1
            return True


@cache
def own_oom_kills() -> OomKills:
    """Return the one of this process's control group, which its children share."""
    return OomKills(MemoryCgroups().oom_kills)
