"""Memory of streams that have ended goes back to the kernel, and not only when it is needed."""

import ctypes
import gc
import os

_libc = ctypes.CDLL(None)
_trim = getattr(_libc, "malloc_trim", None)
"""Of glibc, which keeps what lies between things in use; others have none."""
_ARENA_MAX = -8


class FreedMemory:
    """What the ends of streams leave behind."""

    def __init__(self) -> None:
        self._is_some = False

    def note(self) -> None:
        """Take note that a stream has ended; from any thread."""
        self._is_some = True

    def give_back(self) -> None:
        """Give back what those left that ended since the last time, if any did; takes a millisecond or two.

        The collector, left alone, comes once in a thousand of them.
        """
        if not self._is_some:
            return
        self._is_some = False
        gc.collect()
        if _trim is not None:
            _trim(0)


freed_memory = FreedMemory()
"""That of this process."""


def begin() -> None:
    """Call once, before there are threads: what is loaded by now stays, and what comes is to go again.

    The collector never looks again at what stays. Threads share as many heaps as can be at work at a time,
    where glibc has eight times as many, each with holes of its own.
    """
    gc.collect()
    gc.freeze()
    if _trim is not None:
        _libc.mallopt(_ARENA_MAX, max(2, os.cpu_count() or 1))
