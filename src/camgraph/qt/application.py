"""A Qt application for programs that bring none: platform, Ctrl-C, an end after some seconds."""

import os
import signal
import socket
from collections.abc import Callable

from qtpy.QtCore import QSocketNotifier, QTimer
from qtpy.QtWidgets import QApplication

from camgraph.qt.display import check_display, has_display


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
        self._read_end, self._write_end = socket.socketpair()
        for sock in (self._read_end, self._write_end):
            sock.setblocking(False)
        self._notifier = QSocketNotifier(self._read_end.fileno(), QSocketNotifier.Type.Read)
        self._notifier.activated.connect(self._quit)
        # Qt's loop runs no Python bytecode while it waits: the signal's number through a socket wakes it.
        self._old_wakeup = signal.set_wakeup_fd(self._write_end.fileno())
        self._old_handlers = {
            number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGTERM)
        }
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
        signal.set_wakeup_fd(self._old_wakeup)
        for number, handler in self._old_handlers.items():
            signal.signal(number, handler)
        self._notifier.setEnabled(False)
        self._read_end.close()
        self._write_end.close()

    def _quit(self) -> None:
        self.interrupted = True
        self._notifier.setEnabled(False)
        self._app.quit()
