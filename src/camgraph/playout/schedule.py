"""Which frame is shown when: a delay after its time of capture. Knows neither clocks nor frames."""

from typing import Generic, TypeVar

from camgraph.playout.waiting import Due, WaitingFrames

T = TypeVar("T")

FRAMES_PER_S = 30
"""What the room for waiting frames is reckoned with; where more come, they are shown before their time."""
MOST_WAITING = 60
SOONEST_NS = 100_000_000
"""Clocks differ by so much: a frame that comes from the future by less is never too early."""
TOO_EARLY = 5


class Schedule(Generic[T]):
    """Frames that wait until they are due. Times are of the wall clock, in ns."""

    def __init__(self, delay_ms: int) -> None:
        self.delay_ms = min(delay_ms, MOST_WAITING * 1000 // FRAMES_PER_S)
        """The delay that is kept: what was asked for, as far as so many frames may wait."""
        self._delay_ns = self.delay_ms * 1_000_000
        self._waiting = WaitingFrames[T](waiting_frames(delay_ms))

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def room(self) -> int:
        """How many frames wait at the most."""
        return self._waiting.room

    @property
    def next_due_ns(self) -> int | None:
        """When `take` has something to give; None: nothing waits."""
        return self._waiting.next_due_ns

    def is_too_early(self, capture_ns: int, now_ns: int) -> bool:
        """Tell whether a frame is from too far in the future."""
        return capture_ns + self._delay_ns - now_ns > max(TOO_EARLY * self._delay_ns, SOONEST_NS)

    def offer(self, frame: T, capture_ns: int, now_ns: int) -> bool:
        """Have a frame wait; False: it is from too far in the future, and not taken."""
        if self.is_too_early(capture_ns, now_ns):
            return False
        self._waiting.add(frame, capture_ns + self._delay_ns)
        return True

    def take(self, now_ns: int) -> Due[T]:
        """Return the newest frame that is due, and the others; where there is no room, the oldest is."""
        return self._waiting.take(now_ns)

    def clear(self) -> list[T]:
        """Return all that waits, and wait for nothing."""
        return self._waiting.clear()


def waiting_frames(delay_ms: int) -> int:
    """Return how many frames wait at the most for a delay."""
    return min(-(-delay_ms * FRAMES_PER_S // 1000), MOST_WAITING)
