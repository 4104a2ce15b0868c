"""Seconds that are counted down on the screen."""

import time

from qtpy.QtCore import QObject, Qt, QTimer, Signal

from camgraph.client.sentences import seconds_left


class Countdown(QObject):
    """Tells when the number of seconds that are left is another, as long as it is asked for after each.

    Asked for in paint events, no timer runs for what is not seen.
    """

    ticked = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._timer: QTimer | None = None

    def go_on(self, until_ns: int) -> None:
        """Tell of the next second before a moment (CLOCK_MONOTONIC; 0: none); one that has passed is none."""
        now_ns = time.monotonic_ns()
        left_s = seconds_left(until_ns, now_ns)
        if not until_ns or not left_s:
            if self._timer is not None:
                self._timer.stop()
            return
        if self._timer is None:
            self._timer = QTimer(self)
            self._timer.setSingleShot(True)
            self._timer.setTimerType(Qt.TimerType.PreciseTimer)
            self._timer.timeout.connect(self.ticked)
        # A millisecond more: a timer that is early would count nothing.
        self._timer.start((until_ns - now_ns - (left_s - 1) * 1_000_000_000) // 1_000_000 + 1)
