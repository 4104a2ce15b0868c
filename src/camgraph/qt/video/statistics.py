"""What a widget counts about the frames that came for it."""

from collections import deque
from dataclasses import dataclass

from camgraph.ring.reader import ReaderStatistics

_AGES_KEPT = 4096
_SHOWN_LATE_NS = 10_000_000


@dataclass(frozen=True)
class WidgetStatistics:
    """Frames of a widget since it was made.

    Every frame that was published in a ring of the widget's while it read there is in one of them:
    ``published == shown + lost + waiting``, ``lost == superseded + overdue + late + behind + dropped``, also
    over changes of the size, the camera's absence and a new media process. A frame counts as published when
    the widget has looked, so `published` stands still while the GUI is busy.

    `fps` is frames shown per second from the first to the last. `width` and `height` are the shown picture's,
    in device pixels (0: none yet). Times are CLOCK_MONOTONIC in ns. Ages go from arrival to painting, and
    cover the latest few thousand frames.
    """

    published: int
    shown: int
    """Painted; a frame that is painted again counts once."""
    waiting: int
    """Taken, and not painted yet: 0 or 1, one more while the size changes, and what waits for its time."""
    lost: int
    superseded: int
    """A newer one came before it was painted."""
    overdue: int
    """It came after its time, and a newer one's had come, too."""
    late: int
    """Announced, and overwritten before the widget came for it."""
    behind: int
    """Never announced: the widget was far behind, or the ring had no free slot."""
    dropped: int
    """Not painted because the stream was not live any more, or the widget was hidden, resized or closed."""
    width: int
    height: int
    fps: float
    age_ms_p50: float
    age_ms_p99: float
    first_shown_ns: int
    last_shown_ns: int
    shown_late: int = 0
    """Of those shown, how many missed their time by more than 10 ms."""
    delay_ms: float = 0.0
    """How long pictures are kept waiting now: with `Smooth` and `InStep` the quickest one, so it is as much
    as the jitter; with `Fixed` from capture on; with `Now` 0, or what results need."""


@dataclass(slots=True)
class FrameCounts:
    """What became of the frames of one ring or of several, but for those that were painted."""

    published: int = 0
    waiting: int = 0
    superseded: int = 0
    overdue: int = 0
    late: int = 0
    behind: int = 0
    dropped: int = 0

    def add_reader(self, reader: ReaderStatistics) -> None:
        """Count what a reader has seen of its ring."""
        self.published += reader.received + reader.late + reader.behind + reader.skipped
        self.superseded += reader.skipped
        self.late += reader.late
        self.behind += reader.behind

    def add(self, other: "FrameCounts") -> None:
        """Count the frames of another ring too."""
        self.published += other.published
        self.waiting += other.waiting
        self.superseded += other.superseded
        self.overdue += other.overdue
        self.late += other.late
        self.behind += other.behind
        self.dropped += other.dropped


class PaintedCounter:
    """Counts painted frames."""

    def __init__(self) -> None:
        self._shown = self._shown_late = 0
        self._size = (0, 0)
        self._first_ns = 0
        self._last_ns = 0
        self._ages_ns: deque[int] = deque(maxlen=_AGES_KEPT)

    def count(self, size: tuple[int, int], arrival_ns: int, now_ns: int, due_ns: int | None = None) -> None:
        """Count a frame that was painted now, for the first time; `due_ns`: when it was to be."""
        self._size = size
        self._shown += 1
        self._shown_late += due_ns is not None and now_ns - due_ns > _SHOWN_LATE_NS
        self._first_ns = self._first_ns or now_ns
        self._last_ns = now_ns
        self._ages_ns.append(now_ns - arrival_ns)

    def statistics(self, counts: FrameCounts, delay_ms: float = 0.0) -> WidgetStatistics:
        """Return the counts of the moment; `counts` says what became of the other frames."""
        ages_ms = sorted(age / 1e6 for age in self._ages_ns) or [0.0]
        elapsed_s = (self._last_ns - self._first_ns) / 1e9
        return WidgetStatistics(
            published=counts.published,
            shown=self._shown,
            waiting=counts.waiting,
            lost=counts.superseded + counts.overdue + counts.late + counts.behind + counts.dropped,
            superseded=counts.superseded,
            overdue=counts.overdue,
            late=counts.late,
            behind=counts.behind,
            dropped=counts.dropped,
            width=self._size[0],
            height=self._size[1],
            fps=(self._shown - 1) / elapsed_s if elapsed_s > 0 else 0.0,
            age_ms_p50=ages_ms[len(ages_ms) // 2],
            age_ms_p99=ages_ms[min(len(ages_ms) - 1, len(ages_ms) * 99 // 100)],
            first_shown_ns=self._first_ns,
            last_shown_ns=self._last_ns,
            shown_late=self._shown_late,
            delay_ms=delay_ms,
        )
