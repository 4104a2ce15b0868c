"""What the Qt programs of this family share: a window of tiles, a timer that is watched, answers."""

import json
import os
import sys
import time
from collections.abc import Callable, Sequence

from qtpy.QtCore import QObject, QSocketNotifier, Qt, QTimer
from qtpy.QtWidgets import QApplication, QGridLayout, QWidget

from benchmarks.harness.windows import columns_of

TIMER_MS = 10


class TimerWatch(QObject):
    """A timer of `TIMER_MS`, and how late it was, each time anew."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._late_ms: list[float] = []
        self._due_ns = 0
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._rang)
        self._start()

    def take(self) -> list[float]:
        """Return the lateness, in ms, of each time since the last call, and begin afresh."""
        taken, self._late_ms = self._late_ms, []
        # What the caller did until now is not to count.
        self._start()
        return taken

    def _start(self) -> None:
        self._due_ns = time.monotonic_ns() + TIMER_MS * 1_000_000
        self._timer.start(TIMER_MS)

    def _rang(self) -> None:
        self._late_ms.append(max(0, time.monotonic_ns() - self._due_ns) / 1e6)
        self._start()


def lay_out(widgets: Sequence[QWidget], width: int, height: int) -> QWidget:
    """Return a window that holds widgets of that size, in px, in a grid without gaps."""
    window = QWidget()
    layout = QGridLayout(window)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(0)
    for index, widget in enumerate(widgets):
        widget.setFixedSize(width, height)
        layout.addWidget(widget, *divmod(index, columns_of(len(widgets))))
    return window


def run_asked(app: QApplication, shown: Callable[[], list[int]]) -> None:
    """Run the program until standard input ends; answer its lines with what was shown, and the lateness.

    `shown` returns the frames that each tile has shown so far.
    """
    watch = TimerWatch(app)
    questions = QSocketNotifier(sys.stdin.fileno(), QSocketNotifier.Type.Read, app)

    def answer() -> None:
        if not os.read(sys.stdin.fileno(), 4096):
            questions.setEnabled(False)
            app.quit()
            return
        counts = shown()
        late_ms = watch.take()
        print(json.dumps({"shown": counts, "late_ms": late_ms}), flush=True)

    questions.activated.connect(answer)
    app.exec()
