import os
import signal

import pytest
from qtpy.QtCore import QCoreApplication, QTimer

from camgraph.qt import quit_on_interrupt


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_quits_in_order_and_is_dealt_with_as_before_then(gui, number):
    before = signal.getsignal(number)
    quit_on_interrupt()
    assert signal.getsignal(number) is not before
    # Only the signal can end it: no timer, no window.
    QTimer.singleShot(0, lambda: os.kill(os.getpid(), number))
    gui.app.exec()
    assert signal.getsignal(number) is before
    assert signal.set_wakeup_fd(-1) == -1


def test_it_needs_an_application(monkeypatch):
    monkeypatch.setattr(QCoreApplication, "instance", lambda: None)
    with pytest.raises(RuntimeError, match="needs a QApplication"):
        quit_on_interrupt()
