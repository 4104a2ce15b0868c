"""When a picture was taken: a sender's 32-bit timestamps and arrivals → one timeline and our wall clock.

The rules, and why they are these, are in docs/design/timing.md.
"""

from collections import deque
from typing import NamedTuple

from camgraph.ring.layout import CaptureQuality

WINDOW_S = 20
"""How long the lowest delay counts."""
LATE_NS = 10_000_000_000
"""Later than this is no network's delay any more: the sender's timestamps stood still, or jumped."""
BELIEVED_NS = 500_000_000
"""A sender's clock that is at most so far behind our arrivals is right: the rest is delay."""
DISBELIEVED_NS = 1_000_000_000
AHEAD_NS = 50_000_000
"""It may be so far ahead: two clocks in step with a time server differ that much."""
REPORT_LASTS_NS = 60_000_000_000
WALL_SET_NS = 1_000_000_000
"""Our own wall clock was set if it moves by more than this, and is followed at once."""

_S = 1_000_000_000
_HALF, _WRAP = 1 << 31, 1 << 32
_MOST_ROOM_S = 1
_PATIENCE = 25
"""So many pictures in order show that none come out of order."""
_SHORTEST_STEP_NS = 10_000_000
_SAME_PICTURE_NS = 10_000_000
_STEPS = 8
_REPORTS = 5
_ARRIVED_NS = 10_000_000
_SLEW_OVER_NS = 4 * _S


class Placed(NamedTuple):
    """The times of one picture."""

    pts: int
    """In units of the stream's clock, from 0 on, without wraps and jumps; lower than the last one's only
    where pictures are sent before those they are shown after (B-frames)."""
    arrival_ns: int
    """CLOCK_MONOTONIC, as it was given."""
    capture_ns: int
    """Our wall clock; never after the arrival, never before that of a picture shown earlier."""
    quality: CaptureQuality
    """``rtcp``: the sender's own clock says so, and is right; else ``arrival``."""


class CaptureClock:
    """Places the pictures of one stream. Belongs to one thread; asks no clock.

    `clock_rate`: units of the timestamps per second.
    """

    def __init__(self, clock_rate: int) -> None:
        self._rate = clock_rate
        # The picture with the highest pts so far, and the one that was it before.
        self._pts: int | None = None
        self._timestamp = self._arrival_ns = 0
        self._pts_before = self._timestamp_before = 0
        self._patience = _PATIENCE
        self._steps: deque[int] = deque(maxlen=_STEPS)
        self._least = _Least()  # of arrival - media time
        self._wall_ns = 0  # our wall clock - CLOCK_MONOTONIC
        self._line_ns = 0  # capture - media time, as it is told: it slews to where it should be
        self._aim_ns = 0
        self._lines: deque[int] = deque(maxlen=_REPORTS)  # the sender's wall clock - media time, by report
        self._report_ns = 0
        self._unplaced: tuple[int, int, int] | None = None
        self._lines_are_old = False
        self._believed = False

    @property
    def clock_offset_ns(self) -> int:
        """By how much the sender's clock is ahead of ours; the lowest delay counts as being behind.

        0: no sender report came, or none that fits the timestamps. May be asked for in any thread.
        """
        lines = sorted(self._lines)
        return _middle_of(lines) - self._least.value - self._wall_ns if lines else 0

    def sender_ns(self, pts: int) -> int:
        """Return what the sender's own clock shows at `pts`, right or wrong, as its newest report says.

        0: no report came, or none that fits the timestamps.
        """
        return self._lines[-1] + self._ns(pts) if self._lines else 0

    def place(self, timestamp: int, arrival_ns: int, wall_ns: int) -> Placed:
        """Place the next picture: its 32-bit timestamp, and when it came by CLOCK_MONOTONIC and by wall."""
        if self._pts is None:
            return self._place_first(timestamp, arrival_ns, wall_ns)
        ticks = _signed(timestamp - self._timestamp)
        pts = self._pts + ticks
        if self._is_out_of_order(ticks):
            self._patience = _PATIENCE
            if pts > self._pts_before:
                self._steps.append(self._ns(abs(ticks)))
                return self._placed(pts, arrival_ns)
        elif not ticks and arrival_ns - self._arrival_ns <= _SAME_PICTURE_NS:
            return self._placed(pts, arrival_ns)
        if pts <= self._pts or self._jumped(pts, arrival_ns):
            pts = self._pts + self._ticks_since_last(arrival_ns)
            passed_ns = self._ns(pts - self._pts)
            self._lines_are_old = True
        else:
            passed_ns = self._ns(ticks)
            self._steps.append(passed_ns)
        if self._patience:
            self._patience -= 1
        passed_ns = min(_S, passed_ns)
        self._advance(pts, timestamp, arrival_ns)
        self._follow_wall(wall_ns - arrival_ns, passed_ns)
        self._aim()
        self._line_ns += _slew(self._aim_ns - self._line_ns, passed_ns)
        return self._placed(pts, arrival_ns)

    def sender_report(self, ntp_ns: int, timestamp: int, arrival_ns: int, wall_ns: int) -> None:
        """Take what the sender says: at `ntp_ns` by its wall clock (ns since 1970) `timestamp` was due."""
        if ntp_ns <= 0:
            return  # It has no clock, and says so.
        if not self._take_report(ntp_ns, timestamp, arrival_ns):
            # It may be of the timeline that the next picture begins.
            self._unplaced = (ntp_ns, timestamp, arrival_ns)

    def _place_first(self, timestamp: int, arrival_ns: int, wall_ns: int) -> Placed:
        self._wall_ns = wall_ns - arrival_ns
        self._advance(0, timestamp, arrival_ns)
        self._aim()
        self._line_ns = self._aim_ns
        return self._placed(0, arrival_ns)

    def _advance(self, pts: int, timestamp: int, arrival_ns: int) -> None:
        self._pts_before = -1 if self._pts is None else self._pts
        self._timestamp_before = timestamp if self._pts is None else self._timestamp
        self._pts, self._timestamp, self._arrival_ns = pts, timestamp, arrival_ns
        self._least.add(arrival_ns - self._ns(pts), arrival_ns)
        if self._unplaced is not None:
            is_over = arrival_ns - self._unplaced[2] > LATE_NS
            if is_over or self._take_report(*self._unplaced):
                self._unplaced = None
        if self._lines and arrival_ns - self._report_ns > REPORT_LASTS_NS:
            self._lines.clear()

    def _placed(self, pts: int, arrival_ns: int) -> Placed:
        media_ns = self._ns(pts)
        capture_ns = min(media_ns + self._line_ns, arrival_ns + self._wall_ns)
        self._line_ns = capture_ns - media_ns
        arrived = self._believed and abs(self._aim_ns - self._line_ns) <= _ARRIVED_NS
        return Placed(pts, arrival_ns, capture_ns, "rtcp" if arrived else "arrival")

    def _is_out_of_order(self, ticks: int) -> bool:
        """Tell whether it is shown between the two latest pictures: there must be room for it."""
        if ticks >= 0:
            return False
        room = _signed(self._timestamp - self._timestamp_before)
        if not -ticks < room < _MOST_ROOM_S * self._rate:
            return False
        return len(self._steps) < 2 or 2 * self._ns(room) >= 3 * min(self._steps)

    def _jumped(self, pts: int, arrival_ns: int) -> bool:
        """Tell whether the timestamps went ahead of time, or stood still; a network can only delay."""
        late_ns = arrival_ns - self._ns(pts) - self._least.value
        if late_ns >= 0:
            return late_ns > LATE_NS
        # Who sends pictures out of order sends some much earlier than others.
        return late_ns < -(_MOST_ROOM_S * _S if self._patience else self._step_ns())

    def _ticks_since_last(self, arrival_ns: int) -> int:
        """Return how long after the last picture one was taken whose timestamp tells nothing."""
        assert self._pts is not None
        since_ns = arrival_ns - self._least.value - self._ns(self._pts)
        step_ns = self._step_ns()
        if since_ns < 3 * step_ns:  # The most likely, and wrong by one picture at most.
            since_ns = step_ns
        return max(1, since_ns * self._rate // _S)

    def _step_ns(self) -> int:
        """Return how far apart pictures usually are."""
        return max(_SHORTEST_STEP_NS, min(self._steps)) if self._steps else 0

    def _take_report(self, ntp_ns: int, timestamp: int, arrival_ns: int) -> bool:
        if self._pts is None:
            return False
        ticks = _signed(timestamp - self._timestamp)
        if abs(self._ns(ticks)) > LATE_NS:
            return False
        if self._lines_are_old:
            self._lines.clear()
            self._lines_are_old = False
        self._lines.append(ntp_ns - self._ns(self._pts + ticks))
        self._report_ns = arrival_ns
        return True

    def _aim(self) -> None:
        """Find out whether the sender's clock is right, and so where the line should be."""
        by_arrival = self._least.value + self._wall_ns
        if not self._lines:
            self._believed, self._aim_ns = False, by_arrival
            return
        by_sender = _middle_of(sorted(self._lines))
        most_ns = DISBELIEVED_NS if self._believed else BELIEVED_NS
        self._believed = -AHEAD_NS <= by_arrival - by_sender <= most_ns
        self._aim_ns = min(by_sender, by_arrival) if self._believed else by_arrival

    def _follow_wall(self, wall_ns: int, passed_ns: int) -> None:
        apart = wall_ns - self._wall_ns
        if abs(apart) > WALL_SET_NS:
            self._line_ns += apart
            self._wall_ns = wall_ns
        else:
            self._wall_ns += _slew(apart, passed_ns)

    def _ns(self, ticks: int) -> int:
        return ticks * _S // self._rate


class _Least:
    """The lowest value of the last `WINDOW_S` seconds, in slices of a second."""

    def __init__(self) -> None:
        self.value = 0
        self._slices: deque[tuple[int, int]] = deque()

    def add(self, value: int, now_ns: int) -> None:
        second = now_ns // _S
        if self._slices and self._slices[-1][0] == second:
            if value < self._slices[-1][1]:
                self._slices[-1] = (second, value)
                self.value = min(self.value, value)
            return
        self._slices.append((second, value))
        while self._slices[0][0] <= second - WINDOW_S:
            self._slices.popleft()
        self.value = min(least for _, least in self._slices)


def _middle_of(lines: list[int]) -> int:
    """Return the middle one of the last reports, in order: a single wrong one counts for nothing."""
    return lines[(len(lines) - 1) // 2]


def _signed(ticks: int) -> int:
    """Return the shorter way round between two 32-bit timestamps."""
    return (ticks + _HALF) % _WRAP - _HALF


def _slew(error_ns: int, passed_ns: int) -> int:
    """Return by how much to move in the time that passed: at 0.5 ms per s, or faster if it is far.

    A quarter of what is missing per second; never more than a twentieth of the time.
    """
    least, most = passed_ns // 2000, passed_ns // 20
    limit = max(least, min(most, abs(error_ns) * passed_ns // _SLEW_OVER_NS))
    return max(-limit, min(limit, error_ns))
