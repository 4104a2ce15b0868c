"""A timer that is due again and again."""

import time
from collections.abc import Callable
from typing import Protocol


class _Once(Protocol):
    def cancel(self) -> None: ...


class Repeating:
    """Calls back every so many seconds, in step with the clock; turns that were missed are left out."""

    def __init__(
        self,
        seconds: float,
        callback: Callable[[], object],
        call_later: Callable[[float, Callable[[], object]], _Once],
    ) -> None:
        if seconds <= 0:
            raise ValueError(f"every() takes seconds, more than 0, not {seconds!r}")
        self._seconds = seconds
        self._callback = callback
        self._call_later = call_later
        self._due = time.monotonic() + seconds
        self._cancelled = False
        self._timer = call_later(seconds, self._turn)

    def cancel(self) -> None:
        """Forget it; cancelling twice does nothing."""
        self._cancelled = True
        self._timer.cancel()

    def _turn(self) -> object:
        late = time.monotonic() - self._due
        self._due += self._seconds * (1 + max(0, late // self._seconds))
        self._timer = self._call_later(max(0.0, self._due - time.monotonic()), self._turn)
        return self._callback()
