"""A loop that has no thread of its own: whoever calls `dispatch` runs it."""

import threading

from camgraph.base.loop import Loop


class DispatchedLoop(Loop):
    """For a program that waits by itself: `fileno()` is readable while there is something to `dispatch()`.

    It has no timers, which no descriptor would tell of. It belongs to the thread that made it, then to the
    last one that dispatched.
    """

    def __init__(self) -> None:
        super().__init__()
        self._turn = threading.Lock()
        self._thread_id = threading.get_ident()
        self._thread = threading.current_thread()

    def __del__(self) -> None:
        # Not earlier: the number may still be registered with the program's own loop, and would be given
        # to another file meanwhile.
        self.close()

    def dispatch(self, timeout_s: float | None = 0.0) -> None:
        """Do what there is to do, after waiting `timeout_s` at most (None: for ever).

        Does nothing in a callback of its own, or while another thread is at it.
        """
        if not self._turn.acquire(blocking=False):
            return
        try:
            self._thread = threading.current_thread()
            self.run_once(timeout_s)
        finally:
            self._turn.release()

    @property
    def is_left(self) -> bool:
        """The thread that dispatched last has ended; of one that Python has not started, nobody knows."""
        return not self._thread.is_alive()

    @property
    def in_callback(self) -> bool:
        """The caller is a callback that was called by `dispatch`."""
        return self._turn.locked() and self.in_thread()
