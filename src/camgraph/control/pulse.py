"""Noticing that another process has stopped answering: stopped, hung, or swapped out."""

from collections.abc import Callable

from camgraph.base.loop import Loop, Timer

EVERY_S = 1.0
SILENT_TICKS = 5
STARTING_TICKS = 20
"""For the first answer: on a busy machine a process takes its time to start."""


class Pulse:
    """Asks once a second, and says so when `SILENT_TICKS` questions in a row got no answer.

    What counts are turns of this process's own loop, not time: after a stop of its own, or a long
    stall of the machine, the other side has a whole tick to answer.
    """

    def __init__(self, loop: Loop, ask: Callable[[], None], on_silent: Callable[[], None]) -> None:
        self._loop = loop
        self._ask = ask
        self._on_silent = on_silent
        self._unanswered = 0
        self._allowed = STARTING_TICKS
        self._timer: Timer | None = None

    def start(self) -> None:
        """Begin, or begin anew; in the loop's thread."""
        self.stop()
        self._unanswered, self._allowed = 0, STARTING_TICKS
        self._timer = self._loop.call_later(EVERY_S, self._tick)

    def answered(self) -> None:
        """The other side has said something."""
        self._unanswered, self._allowed = 0, SILENT_TICKS

    def stop(self) -> None:
        """Ask no more; stopping twice does nothing."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self) -> None:
        self._timer = None
        if self._unanswered >= self._allowed:
            self._on_silent()
            return
        self._unanswered += 1
        self._timer = self._loop.call_later(EVERY_S, self._tick)
        self._ask()
