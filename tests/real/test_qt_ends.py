"""Programs with widgets and processes that end in every way there is: nothing is said, nothing is left."""

import os
import signal
import subprocess
import sys

import pytest

PROGRAM = """
import os, signal, sys
import camgraph as cg
{first}
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication
from camgraph.qt import VideoWall, signals

class Process(cg.MessageProcess):
    began = cg.message(pid=int)

    def setup(self):
        self.began.emit(pid=os.getpid())

app = QApplication([])
graph = cg.Graph()
graph.rtsp("nobody", "rtsp://127.0.0.1:1/none")
site = graph.start()
wall = VideoWall(site.streams)
wall.resize(320, 180)
wall.show()
process, other = site.spawn(Process), site.spawn(Process)
signals(other, notifier=True)
QTimer.singleShot(20000, lambda: sys.exit("waited in vain"))
{rest}
print("end")
"""
HEAR = """
heard = []
def on_began(pid):
    heard.append(pid)
    if len(heard) == 2:
        app.quit()
signals(process).began.connect(on_began)
signals(other).began.connect(on_began)
app.exec()
"""
ENDS = {
    "quits and is gone": HEAR,
    "never runs its event loop": "signals(process)",
    "closes the site, then the wall": HEAR + "site.close(); wall.close()",
    "deletes the application first": HEAR + "del app; site.close()",
    "deletes the application and closes no site": HEAR + "del app",
    "shuts Qt down while processes are heard": "signals(process); getattr(app, 'shutdown', app.quit)()",
    "closes the site in a slot": (
        "signals(process).began.connect(lambda pid: (site.close(), app.quit())); app.exec()"
    ),
    "closes the site in a slot, heard without a thread": (
        "signals(other).began.connect(lambda pid: (site.close(), app.quit())); app.exec()"
    ),
    "runs its event loop again": HEAR + "QTimer.singleShot(0, app.quit); app.exec()",
    "is interrupted, and quits": """
signal.signal(signal.SIGINT, lambda *_: app.quit())
ticking = QTimer(interval=20)
ticking.timeout.connect(lambda: None)
ticking.start()
signals(process).began.connect(lambda pid: os.kill(os.getpid(), signal.SIGINT))
app.exec()
""",
    "raises in a slot": """
raised = []
sys.excepthook = lambda kind, error, trace: (raised.append(error), app.quit())
for each in process, other:
    signals(each).began.connect(lambda pid: [].pop())
app.exec()
assert isinstance(raised[0], IndexError)
""",
}
EXITS = {
    "exits in a slot": ("signals(process).began.connect(lambda pid: sys.exit(3)); app.exec()", 3),
    "exits in a slot, heard without a thread": (
        "signals(process); signals(other).began.connect(lambda pid: sys.exit(3)); app.exec()",
        3,
    ),
    "exits before its event loop": ("signals(process); sys.exit(3)", 3),
    "is ended by an interrupt": (
        "signal.signal(signal.SIGINT, signal.SIG_DFL)\n"
        "signals(process).began.connect(lambda pid: os.kill(os.getpid(), signal.SIGINT)); app.exec()",
        -signal.SIGINT,
    ),
}
KILLED = """
heard = []
for each in process, other:
    signals(each).began.connect(lambda pid: os.kill(pid, signal.SIGKILL))
    signals(each).exited.connect(lambda how: (heard.append(how), len(heard) == 2 and app.quit()))
app.exec()
assert heard == ["signal SIGKILL"] * 2
"""

ON_THE_SCREEN = """
import time
from qtpy.QtWidgets import QApplication, QWidget
from camgraph.qt import VideoWidget
from camgraph.qt.video import covered

app = QApplication([])
windows = [QWidget() for _ in range(8)]
for window in windows:
    VideoWidget(None, window)
    window.show()
deadline = time.monotonic() + 20
while not covered._watches or len(covered._watches[0]._covers) < len(windows):
    assert time.monotonic() < deadline
    app.processEvents()
print("end")
"""


@pytest.mark.parametrize("rest", ENDS.values(), ids=ENDS.keys())
def test_a_program_that(rest: str) -> None:
    done = run(PROGRAM.format(first="", rest=rest))
    assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", "")


@pytest.mark.parametrize(("rest", "code"), EXITS.values(), ids=EXITS.keys())
def test_a_program_that_never_comes_to_its_end(rest: str, code: int) -> None:
    done = run(PROGRAM.format(first="", rest=rest))
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "")


def test_a_program_that_imports_qt_last() -> None:
    # At the exit Qt goes before the site then.
    done = run(PROGRAM.format(first="import camgraph.client.site", rest="signals(process)"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", "")


def test_a_program_that_hears_of_a_killed_process() -> None:
    done = run(PROGRAM.format(first="", rest=KILLED))
    assert (done.returncode, done.stdout) == (0, "end\n")
    assert "Traceback" not in done.stderr


def test_windows_may_be_on_the_screen_when_the_program_ends(xvfb: str) -> None:
    done = run(ON_THE_SCREEN, QT_QPA_PLATFORM="xcb", DISPLAY=xvfb)
    assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", "")


def run(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen", **environment},
        capture_output=True,
        text=True,
        timeout=40,
    )
