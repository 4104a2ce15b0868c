"""Frames that wait for their times."""

from bisect import insort
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class _Waiting(NamedTuple):
    due_ns: int
    number: int
    frame: object


class Due(NamedTuple, Generic[T]):
    """What is to be done now."""

    shown: T | None
    passed: list[T]
    """Were due, too, and older."""


class WaitingFrames(Generic[T]):
    """Frames in the order of their times, `room` of them at the most."""

    def __init__(self, room: int) -> None:
        self.room = room
        self._number = 0
        self._waiting: list[_Waiting] = []

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def next_due_ns(self) -> int | None:
        """When `take` has something to give; None: nothing waits."""
        return self._waiting[0].due_ns if self._waiting else None

    def add(self, frame: T, due_ns: int) -> None:
        """Have a frame wait."""
        self._number += 1
        insort(self._waiting, _Waiting(due_ns, self._number, frame))

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
