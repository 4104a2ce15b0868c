"""Pictures from a ring that wait for their times."""

import time
import weakref
from collections.abc import Callable
from typing import TypedDict

from qtpy.QtCore import QObject, Qt, QTimer

from camgraph.graph.spec import FrameRequest, ReadPolicy
from camgraph.playout.waiting import WaitingFrames
from camgraph.qt.video.frames import FrameFeed
from camgraph.qt.video.presentation import Timing
from camgraph.qt.video.statistics import FrameCounts
from camgraph.ring.frame import Frame
from camgraph.ring.reader import Reader

OTHER_LEASES = 3
"""Beside what waits: the picture that is shown, the one that replaces it, and one that found no room."""
_MS = 1_000_000
_S = 1_000_000_000
_SOON_NS = 100 * _MS
"""Few frames come in so long: they can wait in the ring, and the GUI is woken once a frame, not twice."""
_MOST_MS = 60_000
"""No timer is started for longer, since it can't count beyond 24 days: nothing is done if it is early."""
_CLOCKS_DIFFER_NS = 100 * _MS
"""A picture that was taken so long after it came has a time that nobody can believe."""


class TimedFeed(FrameFeed):
    """Keeps the picture of a reader whose time has come; the next ones wait under lease.

    With `at_once` the first picture is shown as it comes: nothing else is shown. `on_cramped` is called, and
    kept as the other callbacks are, when more room was made in `timing` than the reader has leases for.
    """

    def __init__(
        self,
        reader: Reader,
        request: FrameRequest,
        parent: QObject,
        on_picture: Callable[[], None],
        on_broken: Callable[[str], None],
        on_cramped: Callable[[], None],
        timing: Timing,
        at_once: bool,
    ) -> None:
        super().__init__(reader, request, parent, on_picture, on_broken)
        self.timing = self._due = timing
        self._waiting = WaitingFrames[tuple[Frame, int]](timing.room)
        self._on_cramped = weakref.WeakMethod(on_cramped)
        self._at_once = at_once
        self._is_cramped = False
        self._overdue = 0
        self._line_of: tuple[int, bool] | None = None
        """Which epoch it is in, and whether the camera's timestamps make the line."""
        self._last_line_ns = self._last_due_ns = 0
        self._timer = QTimer(parent)
        self._timer.setSingleShot(True)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self.take)

    def take(self) -> None:
        """Take what has come, and show what is due."""
        super().take()
        # At the end: whom it concerns may close this one.
        if self._is_cramped and not self.closed:
            self._is_cramped = False
            if self._due.widen() and (on_cramped := self._on_cramped()) is not None:
                on_cramped()

    @property
    def has_more(self) -> bool:
        """Whether pictures have come that wait for their times."""
        return len(self._waiting) > 0

    def drop_picture(self) -> None:
        """Give the memory of what is shown, and of what waits, back to the ring."""
        super().drop_picture()
        self._at_once = True
        waiting = self._waiting.clear()
        self._dropped += len(waiting)
        for frame, _ in waiting:
            frame.release()

    def counts(self) -> FrameCounts:
        """Return what became of the ring's frames so far, but for those that were painted."""
        counts = super().counts()
        counts.waiting += len(self._waiting)
        counts.overdue += self._overdue
        return counts

    def close(self) -> None:
        """Release reader, picture, and what waits; closing twice does nothing."""
        if not self.closed:
            self._timer.stop()
            self._timer.deleteLater()
            super().close()

    def _receive(self) -> bool:
        hold = self._due.hold
        if hold is not None:
            self._due.pace.hold_ns = int(hold.needed_ms * _MS)
        due: tuple[Frame, int] | None = None
        is_empty = False
        try:
            while not is_empty:
                is_empty = self._fill()
                due = self._take_due(due)
        finally:
            # Also where no more can come: it is counted with what is shown.
            if due is not None:
                self._show_due(*due)
        self._sleep()
        return due is not None

    def _fill(self) -> bool:
        """Have what comes wait, as far as there is room; tell whether all has come."""
        now_ns = time.monotonic_ns()
        wall_ns = time.time_ns() - now_ns
        while len(self._waiting) <= self._waiting.room:
            frame = self._reader.read_nowait()
            if frame is None:
                return True
            line_ns = self._line_ns(frame, wall_ns)
            due_ns = self._due.pace.due_ns(line_ns, frame.arrival_ns, frame.publish_ns)
            if self._at_once:
                self._at_once, due_ns = False, min(due_ns, now_ns)
            if self._waiting:
                # Where a clock was set, or the delay was cut short: nothing is to be seen moving backwards.
                due_ns = max(due_ns, self._last_due_ns)
            self._last_due_ns = due_ns
            self._waiting.add((frame, due_ns), due_ns)
        return False

    def _line_ns(self, frame: Frame, wall_ns: int) -> int:
        """Return when a frame was taken, on the line that is followed."""
        timing = self._due
        pts = frame.pts if timing.line == "camera" else None
        line_of = frame.epoch, pts is not None
        captured_ns = frame.capture_ns
        if pts is not None:
            base = frame.time_base
            line_ns = pts * _S * base.numerator // base.denominator
        elif (
            timing.line == "arrival"
            or not captured_ns
            or captured_ns - wall_ns > frame.arrival_ns + _CLOCKS_DIFFER_NS
        ):
            line_ns = frame.arrival_ns
        else:
            line_ns = captured_ns - wall_ns
        if self._line_of is not None and (
            line_of != self._line_of or (pts is not None and line_ns < self._last_line_ns)
        ):
            timing.pace.restart()
        self._line_of, self._last_line_ns = line_of, line_ns
        return line_ns

    def _take_due(self, before: tuple[Frame, int] | None) -> tuple[Frame, int] | None:
        """Return the newest frame that is due, and its time; `before` was, before others came."""
        newest, passed = self._waiting.take(time.monotonic_ns() + _MS // 2)
        if newest is None:
            return before
        if before is not None:
            passed.append(before)
        self._overdue += len(passed)
        for frame, _ in passed:
            frame.release()
        return newest

    def _show_due(self, frame: Frame, due_ns: int) -> None:
        self._show(frame)
        if self.picture is not None:
            self.picture.due_ns = due_ns
        self._is_cramped |= time.monotonic_ns() < due_ns - _MS

    def _sleep(self) -> None:
        """Be woken for the next picture: by its time, or where none is near, by its coming."""
        due_ns = self._waiting.next_due_ns
        left_ns = None if due_ns is None else due_ns - time.monotonic_ns()
        if left_ns is not None:
            self._timer.start(min(max(0, round(left_ns / _MS)), _MOST_MS))
        self._notifier.setEnabled(left_ns is None or left_ns > _SOON_NS)


class Reading(TypedDict):
    """What a request has to say for it."""

    policy: ReadPolicy
    leases: int


def reading(timing: Timing | None) -> Reading:
    """Return how pictures are to be read that are shown at such times."""
    if timing is None:
        return Reading(policy="latest", leases=OTHER_LEASES)
    return Reading(policy="every", leases=timing.room + OTHER_LEASES)


def feed_of(
    reader: Reader,
    request: FrameRequest,
    parent: QObject,
    on_picture: Callable[[], None],
    on_broken: Callable[[str], None],
    on_cramped: Callable[[], None],
    timing: Timing | None,
    at_once: bool,
) -> FrameFeed:
    """Return what keeps the pictures of a reader, which it owns."""
    if timing is None:
        return FrameFeed(reader, request, parent, on_picture, on_broken)
    return TimedFeed(reader, request, parent, on_picture, on_broken, on_cramped, timing, at_once)
