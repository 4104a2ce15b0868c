"""What a program is told where Qt is missing."""

import subprocess
import sys

import pytest

from camgraph.qt.binding import describe_failure

WITHOUT = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Blocker())
try:
    import camgraph.qt
except ImportError as error:
    print(type(error).__name__, error, sep=": ")
"""
BINDINGS = ["PySide6", "PyQt6", "PySide2", "PyQt5"]


@pytest.mark.parametrize("blocked", [BINDINGS, ["qtpy", *BINDINGS]], ids=["no binding", "nothing"])
def test_without_qt_one_sentence_says_how_to_get_it(blocked):
    program = WITHOUT.format(blocked=blocked)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30)
    assert done.stderr == ""
    assert done.stdout == (
        'MissingDependency: camgraph.qt needs Qt, and none can be imported: pip install "camgraph[qt]"\n'
    )


def test_a_missing_system_library_is_named():
    error = ImportError("libEGL.so.1: cannot open shared object file: No such file or directory")
    told = describe_failure(error)
    assert 'pip install "camgraph[qt]"' in told
    assert "the system library libEGL.so.1, which is missing" in told
    assert "apt install" in told
    assert "\n" not in told


def test_importing_starts_nothing():
    program = (
        "import threading, os, camgraph.qt\n"
        "from qtpy.QtWidgets import QApplication\n"
        "print(QApplication.instance(), threading.active_count(), 'QT_QPA_PLATFORM' in os.environ)"
    )
    environment = {"PATH": "/usr/bin"}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, env=environment
    )
    assert (done.stdout, done.stderr) == ("None 1 False\n", "")
