"""Everything of Qt works with PyQt6, too: the other tests of this session run with PySide6."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_TWO = ["-n", "2", "--dist", "loadfile"]
TESTS = ["tests/unit/qt", "tests/real/test_qt_processes.py"]


@pytest.mark.timeout(180)
def test_pyqt6() -> None:
    """In a process of its own: two bindings in one would be two Qts."""
    program = [sys.executable, "-m", "pytest", "-q", "--no-header", *_TWO, *TESTS]
    environment = {**os.environ, "QT_API": "pyqt6", "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(program, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=170)
    assert done.returncode == 0, done.stdout + done.stderr
