"""Noticing that a child was stopped by a signal (SIGSTOP, a terminal's Ctrl-Z), and that it stays so."""

import os
import time
from collections.abc import Callable

from camgraph.base.loop import Loop, Timer

LOOK_EVERY_S = 1.0
STUCK_LOOKS = 5


class StopWatch:
    """Watches one life of a child, by its pidfd; does nothing unless it is stopped.

    `on_change(stopped)` is called when it was stopped, or goes on; `on_stuck()`, where there is one, when it
    was found stopped by `STUCK_LOOKS` looks in a row, a second apart. What counts are looks, not time, as
    with the pulse: a terminal's Ctrl-Z stops us and our children, and who goes on first is not known.
    """

    def __init__(
        self,
        loop: Loop,
        pidfd: int,
        *,
        on_change: Callable[[bool], None],
        on_stuck: Callable[[], None] | None,
    ) -> None:
        self.stopped = False
        self._loop, self._pidfd = loop, pidfd
        self._on_change, self._on_stuck = on_change, on_stuck
        self._timer: Timer | None = None
        self._looks = self._due_ns = 0

    def look(self) -> None:
        """Ask the kernel what is new, as after each SIGCHLD; it reaps nothing."""
        try:
            news = os.waitid(os.P_PIDFD, self._pidfd, os.WSTOPPED | os.WCONTINUED | os.WNOHANG)
        except ChildProcessError:
            return  # It has ended.
        if news is None or self.stopped == (news.si_code == os.CLD_STOPPED):
            return
        self.stopped = not self.stopped
        self.close()
        if self.stopped and self._on_stuck is not None:
            self._looks = 0
            self._look_again()
        self._on_change(self.stopped)

    def close(self) -> None:
        """Look no more by itself; closing twice does nothing."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look_again(self) -> None:
        self._due_ns = time.monotonic_ns() + int(LOOK_EVERY_S * 1e9)
        self._timer = self._loop.call_at(self._due_ns, self._count)

    def _count(self) -> None:
        self._timer = None
        self.look()
        if not self.stopped or self._timer is not None:
            return
        if time.monotonic_ns() - self._due_ns > LOOK_EVERY_S * 1e9:
            self._looks = 0  # We were stopped ourselves.
        self._looks += 1
        if self._looks < STUCK_LOOKS:
            self._look_again()
        elif self._on_stuck is not None:
            self._on_stuck()
