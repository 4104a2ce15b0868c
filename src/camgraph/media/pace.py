"""Thinning a stream out to a rate, evenly and before anything is spent on a frame."""

from fractions import Fraction

_EARLY = 8
_APART_NS = 1_000_000_000


class Pace:
    """Chooses frames so that their mean rate is at most `fps`.

    Frames are placed on one even line of time: their own timestamps, laid on the time of arrival, with the
    camera's jumps taken out.
    """

    def __init__(self, fps: float) -> None:
        self._period_ns = int(1e9 / fps)
        self._due_ns: int | None = None
        self._offset_ns: int | None = None

    def accept(self, pts: int | None, time_base: Fraction, arrival_ns: int) -> bool:
        """Tell whether a frame is wanted."""
        return self._accept(self._place(pts, time_base, arrival_ns))

    def _place(self, pts: int | None, time_base: Fraction, arrival_ns: int) -> int:
        if pts is None:
            return arrival_ns
        pts_ns = pts * 1_000_000_000 * time_base.numerator // time_base.denominator
        if self._offset_ns is None or abs(pts_ns + self._offset_ns - arrival_ns) > _APART_NS:
            self._offset_ns = arrival_ns - pts_ns
        return pts_ns + self._offset_ns

    def _accept(self, time_ns: int) -> bool:
        period_ns, due_ns = self._period_ns, self._due_ns
        if due_ns is None or time_ns < due_ns - 2 * period_ns:
            self._due_ns = time_ns + period_ns
            return True
        # Frames that come a little early count as in time: 25 of 25 frames a second must all pass.
        if time_ns < due_ns - period_ns // _EARLY:
            return False
        missed = max(0, time_ns - due_ns) // period_ns
        self._due_ns = due_ns + (missed + 1) * period_ns
        return True
