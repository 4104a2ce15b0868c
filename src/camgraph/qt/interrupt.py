"""Ctrl-C in a Qt program: SIGINT and SIGTERM end it in order."""

import signal
import socket
from collections.abc import Callable

from qtpy.QtCore import QCoreApplication, QSocketNotifier

_kept: set["Interrupts"] = set()


class Interrupts:
    """Calls back in the thread of the GUI for SIGINT and SIGTERM, until `close`. In the main thread."""

    def __init__(self, callback: Callable[[], object]) -> None:
        self._callback = callback
        self._read_end, self._write_end = socket.socketpair()
        for sock in (self._read_end, self._write_end):
            sock.setblocking(False)
        self._notifier = QSocketNotifier(self._read_end.fileno(), QSocketNotifier.Type.Read)
        self._notifier.activated.connect(self._call)
        # Qt's loop runs no Python bytecode while it waits: the signal's number through a socket wakes it.
        self._old_wakeup = signal.set_wakeup_fd(self._write_end.fileno())
        self._old_handlers = {
            number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGTERM)
        }

    def close(self) -> None:
        """Give the signals back; closing twice does nothing."""
        if self._write_end.fileno() < 0:
            return
        signal.set_wakeup_fd(self._old_wakeup)
        for number, handler in self._old_handlers.items():
            signal.signal(number, handler)
        self._notifier.setEnabled(False)
        self._read_end.close()
        self._write_end.close()

    def _call(self) -> None:
        self._read_end.recv(64)
        self._callback()


def quit_on_interrupt() -> None:
    """Have Ctrl-C (SIGINT), and SIGTERM, quit the QApplication, so that what follows ``app.exec()`` runs.

    Once it quits, signals are dealt with as before. In the main thread, once there is a QApplication
    (RuntimeError).
    """
    app = QCoreApplication.instance()
    if app is None:
        raise RuntimeError("quit_on_interrupt() needs a QApplication: make one first")
    interrupts = Interrupts(app.quit)
    _kept.add(interrupts)

    def give_back() -> None:
        _kept.discard(interrupts)
        interrupts.close()

    app.aboutToQuit.connect(give_back)
