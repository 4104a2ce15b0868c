"""Which result belongs to which picture; knows neither clocks nor Qt."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from camgraph.ring.frame import FrameKey

T = TypeVar("T")

_MS = 1_000_000
_MOST_WAITING = 256
_SHOWN_KEPT = 128
_LATENCIES_KEPT = 100
_LOST_NS = 10_000_000_000
"""So long after it no picture is waited for any more."""


@dataclass(frozen=True)
class ResultStatistics:
    """What became of the results of a widget: ``added == in_time + late + never + waiting``."""

    added: int
    in_time: int
    """Drawn from their own picture on, or from the first one after it where the widget had not that one."""
    late: int
    """They came when their picture had been shown, and were drawn from then on."""
    never: int
    """Not drawn at all: a newer one was there, or the picture's time was over."""
    waiting: int
    """For their picture."""
    latency_ms_p50: float
    """From the picture's arrival to its result, of the latest hundred."""
    latency_ms_p95: float
    hold_ms: float
    """How long after its arrival a picture is shown at the earliest, so that its result is there."""


@dataclass(frozen=True, slots=True)
class _Result(Generic[T]):
    key: FrameKey
    items: T
    late: bool


class Results(Generic[T]):
    """Results by the keys of their pictures. One that is shown stands until that of a later picture."""

    def __init__(self, stands_ms: float) -> None:
        self.stands_ms = stands_ms
        """A result stands over the pictures of so long a time after its own."""
        self._waiting: dict[FrameKey, _Result[T]] = {}
        self._standing: T | None = None
        self._drawn: FrameKey | None = None
        """The picture of the result that was drawn last."""
        self._ends_ns = 0
        """The arrival of the last picture over which it stands."""
        self._now: FrameKey | None = None
        self._shown: dict[FrameKey, None] = {}
        """The latest pictures that were shown."""
        self._since_ns = self._newest_ns = 0
        self._latencies: deque[int] = deque(maxlen=_LATENCIES_KEPT)
        self._added = self._in_time = self._late = self._never = 0

    def add(self, key: FrameKey, items: T, now_ns: int) -> bool:
        """Take a result; tell whether the picture that is shown now is its own, and to be drawn once more.

        A second one for the same picture takes the place of the first.
        """
        self._added += 1
        self._latencies.append(now_ns - key.arrival_ns)
        self._newest_ns = max(self._newest_ns, key.arrival_ns)
        if key.arrival_ns < self._since_ns:
            self._never += 1
            return False
        if key == self._now:
            self._late += 1
            self._stand(_Result(key, items, late=True), key)
            return True
        if self._is_old(key):
            self._never += 1
            return False
        late = key in self._shown or (self._now is not None and _precedes(key, self._now))
        self._never += self._waiting.pop(key, None) is not None
        self._waiting[key] = _Result(key, items, late)
        if len(self._waiting) > _MOST_WAITING:
            self._forget([next(iter(self._waiting))])
        return False

    def show(self, key: FrameKey) -> T | None:
        """Return what is to be drawn over a picture that is shown now; the same picture may come again."""
        if key != self._now:
            self._now = key
            self._shown[key] = None
            if len(self._shown) > _SHOWN_KEPT:
                del self._shown[next(iter(self._shown))]
            found = self._find(key) if self._waiting else None
            if found is not None:
                del self._waiting[found.key]
                self._late += found.late
                self._in_time += not found.late
                self._stand(found, key)
            elif self._standing is not None and key.arrival_ns > self._ends_ns:
                self._standing = None
        return self._standing

    def is_silent(self, silent_ns: int) -> bool:
        """Tell whether no result came for the pictures of so long a time before that shown now."""
        return self._now is not None and self._now.arrival_ns - self._newest_ns > silent_ns

    def latency_ms(self, share: float) -> float:
        """Return within which time that share of the latest results came; 0: none came."""
        latencies = sorted(self._latencies)
        return latencies[min(len(latencies) - 1, int(share * len(latencies)))] / _MS if latencies else 0.0

    def clear(self, now_ns: int) -> None:
        """Forget all pictures and their results: another camera's follow, that come from now on."""
        self._forget(list(self._waiting))
        self._latencies.clear()
        self._shown.clear()
        self._standing = self._drawn = self._now = None
        self._since_ns = now_ns

    def statistics(self, hold_ms: float) -> ResultStatistics:
        """Return the counts of the moment."""
        return ResultStatistics(
            added=self._added,
            in_time=self._in_time,
            late=self._late,
            never=self._never,
            waiting=len(self._waiting),
            latency_ms_p50=self.latency_ms(0.5),
            latency_ms_p95=self.latency_ms(0.95),
            hold_ms=hold_ms,
        )

    def _find(self, key: FrameKey) -> _Result[T] | None:
        """Return the picture's own result, else the newest of those before it that came since."""
        own = self._waiting.get(key)
        if own is not None:
            return own
        passed = [each for each in self._waiting.values() if _precedes(each.key, key)]
        over_ns = key.arrival_ns - round(self.stands_ms * _MS)
        self._forget([each.key for each in passed if not each.late and each.key.arrival_ns < over_ns])
        passed = [each for each in passed if each.key in self._waiting]
        return max(passed, key=lambda each: each.key.arrival_ns, default=None)

    def _stand(self, result: _Result[T], over: FrameKey) -> None:
        """Have a result stand from that picture on, and forget what comes to nothing."""
        self._standing, self._drawn = result.items, result.key
        begins_ns = over.arrival_ns if result.late else result.key.arrival_ns
        self._ends_ns = begins_ns + round(self.stands_ms * _MS)
        over_ns = over.arrival_ns - _LOST_NS
        self._forget([key for key in self._waiting if self._is_old(key) or key.arrival_ns < over_ns])

    def _is_old(self, key: FrameKey) -> bool:
        return self._drawn is not None and _precedes(key, self._drawn)

    def _forget(self, keys: Iterable[FrameKey]) -> None:
        for key in keys:
            del self._waiting[key]
            self._never += 1


def _precedes(one: FrameKey, other: FrameKey) -> bool:
    """Tell whether a picture is shown before another, or is the same; False, too, if that is not known.

    Pictures may arrive in another order than they are shown in, and timestamps begin anew with each
    connection: only where both agree it is sure.
    """
    if one.epoch != other.epoch:
        return one.epoch < other.epoch
    known = one.pts is not None and other.pts is not None
    return one.arrival_ns <= other.arrival_ns and (not known or one.pts <= other.pts)  # type: ignore[operator]
