"""Thinning a stream out to a rate, evenly and before anything is spent on a frame."""

_EARLY = 8


class Pace:
    """Chooses frames so that their mean rate is at most `fps`."""

    def __init__(self, fps: float) -> None:
        self._period_ns = int(1e9 / fps)
        self._due_ns: int | None = None

    def accept(self, time_ns: int) -> bool:
        """Tell whether the frame of this time is wanted; times may jump, in either direction."""
        period_ns = self._period_ns
        due_ns = self._due_ns
        if due_ns is None or time_ns < due_ns - 2 * period_ns:
            self._due_ns = time_ns + period_ns
            return True
        # Frames that come a little early count as in time: 25 of 25 frames a second must all pass.
        if time_ns < due_ns - period_ns // _EARLY:
            return False
        missed = max(0, time_ns - due_ns) // period_ns
        self._due_ns = due_ns + (missed + 1) * period_ns
        return True
