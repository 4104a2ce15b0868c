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
    """A timer of `TIMER_MS`, started anew each time, and how late it was; off at first, for it costs, too."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._late_ms: list[float] = []
        self._due_ns = 0
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._rang)

    def start(self) -> None:
        """Begin to watch."""
        self._due_ns = time.monotonic_ns() + TIMER_MS * 1_000_000
        self._timer.start(TIMER_MS)

    def stop(self) -> list[float]:
        """Watch no longer; return how late it was each time since the start, in ms."""
        self._timer.stop()
        taken, self._late_ms = self._late_ms, []
        return taken

    def _rang(self) -> None:
        self._late_ms.append(max(0, time.monotonic_ns() - self._due_ns) / 1e6)
        self.start()


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

    `shown` returns the frames that each tile has shown so far. After a line that says ``watch`` the timer
    runs until the next one.
    """
    watch = TimerWatch(app)
    questions = QSocketNotifier(sys.stdin.fileno(), QSocketNotifier.Type.Read, app)

    def answer() -> None:
        question = os.read(sys.stdin.fileno(), 4096)
        if not question:
            questions.setEnabled(False)
            app.quit()
            return
        late_ms = watch.stop()
        print(json.dumps({"shown": shown(), "late_ms": late_ms}), flush=True)
        if question == b"watch\n":
            watch.start()

    questions.activated.connect(answer)
    app.exec()
