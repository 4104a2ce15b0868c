"""The examples that show a camera in windows of any toolkit: pixels, mouse, resizing, both ways to end."""

import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from tests.real.running_example import Example
from tests.real.x11_windows import Spot, XServer, x_server

from camgraph.testing.cameras import Cameras
from camgraph.testing.screens import ask_to_close
from camgraph.testing.waiting import wait_until

GREEN = (0, 255, 0)


@pytest.fixture(scope="module")
def x11(tmp_path_factory: pytest.TempPathFactory) -> Iterator[XServer]:
    with x_server(tmp_path_factory.mktemp("x11")) as server:
        yield server


@pytest.fixture
def run(tmp_path, x11: XServer, cameras: Cameras) -> Iterator[Callable[[str], Example]]:
    started: list[Example] = []

    def run(name: str) -> Example:
        extra = {"GDK_BACKEND": "x11", "NO_AT_BRIDGE": "1"} if name.startswith("gtk") else {}
        started.append(Example(tmp_path, x11.display, name, cameras.urls[0], **extra))
        return started[-1]

    yield run
    for running in started:
        running.popen.kill()
        running.popen.wait()


def needs(module: str, what: str) -> None:
    done = subprocess.run([sys.executable, "-c", module], capture_output=True, text=True, timeout=30)
    if done.returncode:
        pytest.skip(f"there is no {what} for this Python: {done.stderr.splitlines()[-1]}")


def click(x11: XServer, x: int, y: int) -> None:
    x11.xdotool("mousemove", x, y, "click", 1)


def window_of(running: Example) -> int:
    return int(wait_until(lambda: running.windows_named("Door"), 20, "the window")[0])


def ends_closed(running: Example) -> None:
    ask_to_close(running.display, window_of(running))
    running.ends()


@pytest.mark.parametrize("name", ["tk_window.py", "gtk_window.py"])
def test_a_toolkit_that_is_not_qt(run, x11: XServer, name: str) -> None:
    if name.startswith("tk"):
        needs("import tkinter", "tkinter")
    else:
        needs(
            "import sys; sys.path.append('/usr/lib/python3/dist-packages'); import gi; "
            "gi.require_version('Gtk', '3.0'); from gi.repository import Gtk",
            "GTK 3",
        )
    running = run(name)
    window = window_of(running)
    x11.wait_shows(Spot(0, 0, 640, 360))
    width, height = running.size(window)
    click(x11, width // 2, height - 8)
    wait_until(lambda: (x11.pixels(Spot(0, 0, 640, 360))[90, 300] == GREEN).all(), 10, "the box")
    x11.resize(window, 800, 450 + height - 360)
    x11.wait_shows(Spot(0, 0, 800, 450))
    if name.startswith("tk"):
        running.interrupt()
    else:
        ends_closed(running)


@pytest.mark.parametrize("name", ["qt_window_by_id.py", "qt_foreign_window.py"])
def test_qt_both_ways(run, x11: XServer, name: str) -> None:
    running = run(name)
    x11.wait_shows(Spot(0, 0, 640, 360))
    click(x11, 320, 180)
    wait_until(lambda: running.says("^clicked"), 10, "the click")
    x11.resize(window_of(running), 480, 270)
    x11.wait_shows(Spot(0, 0, 480, 270))
    if name == "qt_window_by_id.py":
        running.interrupt()
    else:
        ends_closed(running)
