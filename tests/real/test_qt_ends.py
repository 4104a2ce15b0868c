"""Programs with widgets and processes that end in every way there is: nothing is said, nothing is left."""

import os
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
    ready = cg.message(pid=int)

    def setup(self):
        self.ready.emit(pid=os.getpid())

app = QApplication([])
graph = cg.Graph()
graph.rtsp("nobody", "rtsp://127.0.0.1:1/none")
site = graph.start()
wall = VideoWall(site.streams)
wall.resize(320, 180)
wall.show()
process = site.spawn(Process)
QTimer.singleShot(20000, lambda: sys.exit("waited in vain"))
{rest}
print("end")
"""
HEAR = "signals(process).ready.connect(lambda pid: app.quit()); app.exec(); "
ENDS = {
    "quits and is gone": HEAR,
    "never runs its event loop": "signals(process)",
    "closes the site, then the wall": HEAR + "site.close(); wall.close()",
    "deletes the application first": HEAR + "del app; site.close()",
    "shuts Qt down while processes are heard": "signals(process); getattr(app, 'shutdown', app.quit)()",
    "closes the site in a slot": (
        "signals(process).ready.connect(lambda pid: (site.close(), app.quit())); app.exec()"
    ),
}
KILLED = """
heard = []
signals(process).ready.connect(lambda pid: os.kill(pid, signal.SIGKILL))
signals(process).exited.connect(lambda how: (heard.append(how), app.quit()))
app.exec()
assert heard == ["signal SIGKILL"]
"""


@pytest.mark.parametrize("rest", ENDS.values(), ids=ENDS.keys())
def test_a_program_that(rest: str) -> None:
    done = run(PROGRAM.format(first="", rest=rest))
    assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", "")


def test_a_program_that_imports_qt_last() -> None:
    # At the exit Qt goes before the site then.
    done = run(PROGRAM.format(first="import camgraph.client.site", rest="signals(process)"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", "")


def test_a_program_that_hears_of_a_killed_process() -> None:
    done = run(PROGRAM.format(first="", rest=KILLED))
    assert (done.returncode, done.stdout) == (0, "end\n")
    assert "Traceback" not in done.stderr


def run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        timeout=40,
    )
