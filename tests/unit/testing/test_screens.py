import os
import subprocess
import sys

from camgraph.testing.screens import ask_to_close, screen, windows_of
from camgraph.testing.waiting import wait_until

PROGRAM = """
from PySide6.QtWidgets import QApplication, QLabel
app = QApplication([])
label = QLabel("a window")
label.show()
app.exec()
print("closed in order")
"""


def test_a_window_asked_to_close_ends_its_program(xvfb: str) -> None:
    environment = {**os.environ, "DISPLAY": xvfb, "QT_QPA_PLATFORM": "xcb"}
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], env=environment, stdout=subprocess.PIPE, text=True
    ) as program:
        (window,) = wait_until(lambda: windows_of(xvfb, program.pid), 20, "the window")
        ask_to_close(xvfb, window)
        output, _ = program.communicate(timeout=20)
    assert (program.returncode, output) == (0, "closed in order\n")


def test_screens_are_apart(xvfb: str) -> None:
    with screen(320, 240) as other:
        assert other != xvfb
