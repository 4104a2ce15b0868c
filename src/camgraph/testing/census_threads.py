"""Which threads this process runs, of Python and of libraries, and where Python's were started."""

import os
import sys
import threading
import traceback
from collections.abc import Callable, Hashable
from pathlib import Path
from types import FrameType
from typing import Any
from weakref import WeakKeyDictionary

_TASKS = Path("/proc/self/task")


class Threads:
    """The threads of this process, keyed by their id in the kernel."""

    kind = "thread"

    def __init__(self) -> None:
        # Its linear algebra starts a pool of threads when it is first imported: before the first census.
        import numpy  # noqa: F401

        self._starts: WeakKeyDictionary[threading.Thread, traceback.StackSummary] = WeakKeyDictionary()
        self._start: Callable[[threading.Thread], None] = threading.Thread.start
        starts, start = self._starts, self._start

        def start_noted(thread: threading.Thread) -> None:
            starts[thread] = stack_of(sys._getframe(1))
            start(thread)

        _replace_start(threading.Thread, start_noted)

    def close(self) -> None:
        """Stop noting where threads are started."""
        _replace_start(threading.Thread, self._start)

    def take(self) -> set[int]:
        """Return the threads there are."""
        return {int(tid) for tid in os.listdir(_TASKS)}

    def describe(self, key: int) -> str:
        """Return what a thread is, where it is now and where it was started."""
        for thread in threading.enumerate():
            if thread.native_id == key and thread.ident is not None:
                frame = sys._current_frames().get(thread.ident)
                text = f"{key} {thread!r}"
                if frame is not None:
                    text += f"\nis at\n{formatted(stack_of(frame))}"
                if thread in self._starts:
                    text += f"\nstarted at\n{formatted(self._starts[thread])}"
                return text
        try:
            name = (_TASKS / str(key) / "comm").read_text().strip()
        except OSError:
            name = "gone by now"
        return f"{key} [{name}], a library's own: it runs no Python code"

    def remove(self, key: int) -> None:
        """Do nothing: a thread can't be ended from outside."""

    def keep_the_process(self, keys: set[Hashable]) -> bool:
        """Tell whether one of these threads is one that Python waits for before it ends."""
        return any(thread.native_id in keys and not thread.daemon for thread in threading.enumerate())


def _replace_start(threads: Any, start: Callable[[threading.Thread], None]) -> None:
    threads.start = start


def stack_of(frame: FrameType | None) -> traceback.StackSummary:
    """Return the innermost calls of a stack; their lines are read when it is printed."""
    walk: Any = traceback.walk_stack(frame)
    summary = traceback.StackSummary.extract(walk, limit=10, lookup_lines=False)
    summary.reverse()
    return summary


def formatted(stack: traceback.StackSummary) -> str:
    """Return a stack as text, without the test runner's own calls."""
    ours = [
        frame for frame in stack if "/_pytest/" not in frame.filename and "/pluggy/" not in frame.filename
    ]
    return "".join(traceback.StackSummary.from_list(ours).format()).rstrip()
