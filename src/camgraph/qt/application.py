"""A Qt application for programs that bring none: platform, Ctrl-C, an end after some seconds."""

import os
from collections.abc import Callable

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication

from camgraph.qt.display import check_display, has_display
from camgraph.qt.interrupt import Interrupts


class Application:
    """The process's QApplication: on the screen where there is one, else offscreen.

    SIGINT and SIGTERM quit it in order. Make one, in the main thread. Raises MissingDependency where Qt can't
    open windows on the screen there is.
    """

    def __init__(self, name: str) -> None:
        self.offscreen = not has_display()
        if self.offscreen:
            os.environ["QT_QPA_PLATFORM"] = "offscreen"
        check_display()
        self._app = QApplication.instance() or QApplication([name])
        self._interrupts = Interrupts(self._quit)
        self.interrupted = False

    def after(self, seconds: float, callback: Callable[[], object]) -> None:
        """Call back once in `seconds` seconds."""
        QTimer.singleShot(int(seconds * 1000), callback)

    def every(self, seconds: float, callback: Callable[[], object]) -> QTimer:
        """Call back each `seconds` seconds until the timer is stopped."""
        timer = QTimer(self._app)
        timer.timeout.connect(callback)
        timer.start(int(seconds * 1000))
        return timer

    def quit(self) -> None:
        """Make `run` return."""
        self._app.quit()

    def run(self) -> None:
        """Run until the last window is closed, `quit`, SIGINT or SIGTERM."""
        self._app.exec()

    def close(self) -> None:
        """Give the signals back."""
        self._interrupts.close()

    def _quit(self) -> None:
        self.interrupted = True
        self._app.quit()
