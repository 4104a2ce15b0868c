"""The example in GTK 3: real clicks, the label's pixels, a back end that dies; no Qt in it."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.real.running_example import Example

from camgraph.testing.screens import ask_to_close
from camgraph.testing.waiting import wait_until

FOREIGN = ("libQt", "PySide6", "PyQt6", "qtpy")


@pytest.fixture
def running(tmp_path: Path, xvfb: str) -> Iterator[Example]:
    """The program with its window on the screen."""
    look = (
        "import sys; sys.path.append('/usr/lib/python3/dist-packages'); "
        "import gi; gi.require_version('Gtk', '3.0'); from gi.repository import Gtk"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, timeout=30)
    if done.returncode != 0:
        pytest.skip(f"there is no GTK 3 for this Python: {done.stderr.splitlines()[-1]}")
    running = Example(tmp_path, xvfb, "gtk_button.py", GDK_BACKEND="x11", NO_AT_BRIDGE="1")
    yield running
    running.popen.kill()
    running.popen.wait()


def window_of(running: Example) -> int:
    return int(wait_until(lambda: running.windows_named("Counter"), 20, "the window")[0])


def click(running: Example, width: int, height: int) -> None:
    running.xdotool("mousemove", width // 2, height - 8, "click", 1)


def answer(running: Example, total: int, since: int = 0) -> int:
    """Wait for the answer with this total; return the pid of who gave it."""
    told = rf"^{total}, says process (\d+)$"
    wait_until(lambda: running.says(told, since), 20, "an answer")
    found = re.search(told, running.told()[since:], re.M)
    assert found is not None
    return int(found[1])


def test_clicks_are_counted_in_another_process_also_after_it_was_killed(running: Example) -> None:
    window = window_of(running)
    width, height = running.size(window)
    blank = running.screen(width, height)
    click(running, width, height)
    click(running, width, height)
    first = answer(running, 2)
    wait_until(lambda: (running.screen(width, height)[:17] != blank[:17]).any(), 5, "the label's other text")
    assert first != running.popen.pid
    for pid in (running.popen.pid, first):
        maps = Path(f"/proc/{pid}/maps").read_text()
        assert not [name for name in FOREIGN if name in maps]
        assert ("libgtk-3" in maps) == (pid == running.popen.pid)

    since = len(running.told())
    os.kill(first, signal.SIGKILL)
    died = r"^it died \(signal SIGKILL\); "
    wait_until(lambda: running.says(died, since), 20, "news of the death")
    click(running, width, height)
    second = answer(running, 1, since)
    assert second not in (first, running.popen.pid)
    ask_to_close(running.display, window)
    running.ends()
    assert not Path(f"/proc/{second}").exists()


def test_ctrl_c_ends_both(running: Example) -> None:
    width, height = running.size(window_of(running))
    click(running, width, height)
    back_end = answer(running, 1)
    assert running.interrupt() == f"1, says process {back_end}\n"
    assert not Path(f"/proc/{back_end}").exists()
