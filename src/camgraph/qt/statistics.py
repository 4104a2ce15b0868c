"""What a widget counts about the frames it has painted."""

from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass

_AGES_KEPT = 4096


@dataclass(frozen=True)
class WidgetStatistics:
    """Frames painted by a widget; times are CLOCK_MONOTONIC in ns, ages go from arrival to painting.

    `lost` counts the frames of the widget's ring between the first and the last painted that were not
    painted themselves. `fps` is frames shown per second from the first to the last. `width` and `height` are
    the shown picture's, in device pixels (0: none yet). Ages cover the latest few thousand frames.
    """

    shown: int
    lost: int
    width: int
    height: int
    fps: float
    age_ms_p50: float
    age_ms_p99: float
    first_shown_ns: int
    last_shown_ns: int


class PaintedCounter:
    """Counts painted frames."""

    def __init__(self) -> None:
        self._shown = 0
        self._lost = 0
        self._size = (0, 0)
        self._first_ns = 0
        self._last_ns = 0
        self._ages_ns: deque[int] = deque(maxlen=_AGES_KEPT)
        self._run: Hashable = None
        self._seq = 0

    def count(self, run: Hashable, seq: int, size: tuple[int, int], arrival_ns: int, now_ns: int) -> None:
        """Count a frame that was painted now.

        `run` names a stretch in which `seq` grows by one with each frame: a generation of a ring.
        """
        if run == self._run:
            self._lost += max(0, seq - self._seq - 1)
        self._run, self._seq, self._size = run, seq, size
        self._shown += 1
        self._first_ns = self._first_ns or now_ns
        self._last_ns = now_ns
        self._ages_ns.append(now_ns - arrival_ns)

    def statistics(self) -> WidgetStatistics:
        """Return the counts of the moment."""
        ages_ms = sorted(age / 1e6 for age in self._ages_ns) or [0.0]
        elapsed_s = (self._last_ns - self._first_ns) / 1e9
        return WidgetStatistics(
            shown=self._shown,
            lost=self._lost,
            width=self._size[0],
            height=self._size[1],
            fps=(self._shown - 1) / elapsed_s if elapsed_s > 0 else 0.0,
            age_ms_p50=ages_ms[len(ages_ms) // 2],
            age_ms_p99=ages_ms[min(len(ages_ms) - 1, len(ages_ms) * 99 // 100)],
            first_shown_ns=self._first_ns,
            last_shown_ns=self._last_ns,
        )
