"""The examples that bind to streams: a wall in QML, and a table; judged by the pixels of a screen."""

from collections.abc import Callable, Iterator

import pytest
from tests.real.camera_on_screen import camera_shown
from tests.real.running_example import Example, Picture

from camgraph.testing.cameras import Cameras
from camgraph.testing.screens import windows_of
from camgraph.testing.waiting import wait_until


@pytest.fixture(scope="module")
def cameras() -> Iterator[Cameras]:
    with Cameras(count=2, size=(320, 180)) as cameras:
        yield cameras


def appeared(running: Example) -> None:
    wait_until(lambda: running.says("") and windows_of(running.display, running.popen.pid), 20, "the window")


def halves(screen: Picture) -> list[int | None]:
    """Which cameras are in the left and in the right half of a screen."""
    middle = screen.shape[1] // 2
    return [camera_shown(screen[:, :middle]), camera_shown(screen[:, middle:])]


def test_a_wall_in_qml(cameras: Cameras, start: Callable[..., Example]) -> None:
    running = start("qml_wall.py", *cameras.urls, QSG_RENDER_LOOP="threaded")
    appeared(running)
    wait_until(lambda: halves(running.screen(640, 360)) == [1, 2], 20, "both cameras")
    running.xdotool("mousemove", 480, 180, "click", 1)
    wait_until(lambda: camera_shown(running.screen(640, 360)) == 2, 10, "the second one alone")
    running.xdotool("click", 1)
    wait_until(lambda: halves(running.screen(640, 360)) == [1, 2], 10, "both again")
    running.close()


def test_a_table(cameras: Cameras, start: Callable[..., Example]) -> None:
    running = start("stream_table.py", *cameras.urls)
    appeared(running)
    wait_until(lambda: camera_shown(running.screen(640, 560)[180:]) == 1, 20, "the first camera")
    rate = slice(50, 76), slice(300, 360)  # of the second row
    wait_until(lambda: (running.screen(640, 560)[rate].max(axis=2) < 100).any(), 10, "its rate")
    running.xdotool("mousemove", 60, 70, "click", 1)
    wait_until(lambda: camera_shown(running.screen(640, 560)[180:]) == 2, 10, "the second camera")
    running.interrupt()
