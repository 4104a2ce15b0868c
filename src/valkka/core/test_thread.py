"""A thread that counts, for trying out callbacks."""

from collections.abc import Callable

from valkka.core.runtime import runtime
from valkka.core.thread import Thread

__all__ = ["TestThread"]

TICK_S = 1.0
ADDED = 100


class TestThread(Thread):
    """Counts once a second, beginning with 0, and calls back with the number."""

    __test__ = False
    """Not one of pytest's."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._count = 0
        self._added = 0
        self._life = 0
        self._callback: Callable[[int], object] | None = None

    def setCallback(self, callback: Callable[[int], object] | None) -> None:
        """Call back so."""
        if callback is not None and not callable(callback):
            raise TypeError(f"TestThread.setCallback: {callback!r} can't be called")
        self._callback = callback

    def addCall(self) -> None:
        """Add 100 to the next number."""
        self._added += ADDED

    def _start(self) -> None:
        self._life += 1
        life = self._life
        runtime.dispatcher.call(lambda: self._begin(life))

    def _begin(self, life: int) -> None:
        runtime.dispatcher.call_later(TICK_S, lambda: self._tick(life))

    def _tick(self, life: int) -> None:
        if not self._running or life != self._life:
            return
        self._begin(life)
        added, self._added = self._added, 0
        self._count += added
        count = self._count
        self._count += 1
        if self._callback is not None:
            self._callback(count)
