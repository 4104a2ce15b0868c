"""How long frames take from being taken to being there, lately: the quickest, and what most keep within."""

from bisect import bisect_left, insort
from collections import deque

WINDOW_NS = 10_000_000_000
"""What is older counts no longer."""
MOST = 600
"""No more are remembered; of more than 60 frames a second, the window is shorter."""


class Transits:
    """The latest transits of one line of frames, in ns.

    Where the line's times come from does not matter: only differences are looked at, but for what `shift`
    is told.
    """

    def __init__(self) -> None:
        self._times: deque[tuple[int, int]] = deque()
        self._sorted: list[int] = []
        self._shifted_ns = 0

    def __len__(self) -> int:
        return len(self._sorted)

    @property
    def lowest_ns(self) -> int:
        """The quickest one; only where there is one."""
        return self._sorted[0] + self._shifted_ns

    def within_ns(self, share: float) -> int:
        """Return what that share of them keeps within; only where there is one."""
        return self._sorted[min(len(self._sorted) - 1, int(share * len(self._sorted)))] + self._shifted_ns

    def add(self, now_ns: int, transit_ns: int) -> None:
        """Remember one, and forget what is too old."""
        value = transit_ns - self._shifted_ns
        self._times.append((now_ns, value))
        insort(self._sorted, value)
        if len(self._times) > MOST:
            self._forget_oldest()
        self.forget(now_ns - WINDOW_NS)

    def forget(self, before_ns: int) -> None:
        """Forget those that were added before that time."""
        while self._times and self._times[0][0] < before_ns:
            self._forget_oldest()

    def shift(self, by_ns: int) -> None:
        """The line's clock was set: count all that is remembered as so much more."""
        self._shifted_ns += by_ns

    def _forget_oldest(self) -> None:
        _, old = self._times.popleft()
        del self._sorted[bisect_left(self._sorted, old)]

    def clear(self) -> None:
        """Forget all."""
        self._times.clear()
        self._sorted.clear()
