"""Which frame is shown when: a delay after its time of capture. Knows neither clocks nor frames."""

from bisect import insort
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")

FRAMES_PER_S = 30
"""What the room for waiting frames is reckoned with; where more come, they are shown before their time."""
MOST_WAITING = 60
SOONEST_NS = 100_000_000
"""Clocks differ by so much: a frame that comes from the future by less is never too early."""
TOO_EARLY = 5


class _Waiting(NamedTuple):
    due_ns: int
    number: int
    frame: object


class Due(NamedTuple, Generic[T]):
    """What is to be done now."""

    shown: T | None
    passed: list[T]
    """Were due, too, and older."""


class Schedule(Generic[T]):
    """Frames that wait until they are due. Times are of the wall clock, in ns."""

    def __init__(self, delay_ms: int) -> None:
        self.room = waiting_frames(delay_ms)
        """How many frames wait at the most."""
        self.delay_ms = min(delay_ms, MOST_WAITING * 1000 // FRAMES_PER_S)
        """The delay that is kept: what was asked for, as far as so many frames may wait."""
        self._delay_ns = self.delay_ms * 1_000_000
        self._number = 0
        self._waiting: list[_Waiting] = []

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def next_due_ns(self) -> int | None:
        """When `take` has something to give; None: nothing waits."""
        return self._waiting[0].due_ns if self._waiting else None

    def is_too_early(self, capture_ns: int, now_ns: int) -> bool:
        """Tell whether a frame is from too far in the future."""
        return capture_ns + self._delay_ns - now_ns > max(TOO_EARLY * self._delay_ns, SOONEST_NS)

    def offer(self, frame: T, capture_ns: int, now_ns: int) -> bool:
        """Have a frame wait; False: it is from too far in the future, and not taken."""
        if self.is_too_early(capture_ns, now_ns):
            return False
        self._number += 1
        insort(self._waiting, _Waiting(capture_ns + self._delay_ns, self._number, frame))
        return True

    def take(self, now_ns: int) -> Due[T]:
        """Return the newest frame that is due, and the others; where there is no room, the oldest is."""
        count = max(0, len(self._waiting) - self.room)
        while count < len(self._waiting) and self._waiting[count].due_ns <= now_ns:
            count += 1
        taken: list[T] = [waiting.frame for waiting in self._waiting[:count]]  # type: ignore[misc]
        del self._waiting[:count]
        return Due(taken.pop() if taken else None, taken)

    def clear(self) -> list[T]:
        """Return all that waits, and wait for nothing."""
        taken: list[T] = [waiting.frame for waiting in self._waiting]  # type: ignore[misc]
        self._waiting.clear()
        return taken


def waiting_frames(delay_ms: int) -> int:
    """Return how many frames wait at the most for a delay."""
    return min(-(-delay_ms * FRAMES_PER_S // 1000), MOST_WAITING)
