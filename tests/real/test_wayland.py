"""A program with a wall in its main window, on Wayland: what is shown, the mouse, the decorations.

The compositor is weston: in a window of an X server, whose mouse and keyboard are ours, and without a screen,
where its own program takes the screenshots.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import pytest
from tests.real.window_program import PROGRAM, Picture, Program, has_bars, tiles_of
from tests.real.x11_windows import Spot, XServer, x_server

from camgraph.testing.cameras import Cameras
from camgraph.testing.compositors import REMEDY, Compositor, compositor, has_weston
from camgraph.testing.pattern import decode
from camgraph.testing.waiting import wait_until

pytestmark = pytest.mark.skipif(not has_weston(), reason=f"weston is missing; {REMEDY}")

SCREEN = Spot(0, 0, 1000, 600)
WINDOW = (640, 360)
# The decorations that Qt draws around the window, in logical px: at the sides, at the top.
SIDE, TOP = 3, 30
TOLERANCE = 8


class Found(NamedTuple):
    """The wall on a screen."""

    left: int
    top: int
    wall: Picture

    @property
    def numbers(self) -> list[int] | None:
        """The frame's number in each tile, if all cameras are there, in order, with the right colours."""
        tiles = tiles_of(self.wall)
        found = [decode(np.ascontiguousarray(tile[:, :, ::-1])) for tile in tiles]
        right = [it.camera for it in found] == [1, 2, 3, 4] and all(has_bars(it, TOLERANCE) for it in tiles)
        numbers = [it.number for it in found if it.ok and it.number is not None]
        return numbers if right and len(numbers) == 4 else None


def find_wall(screen: Picture, scale: int = 1) -> Found | None:
    """Find the window, whose place the compositor chose, and the wall within its decorations."""
    covered = (screen != Compositor.background).any(axis=2)
    rows = np.flatnonzero(covered.sum(axis=1) > covered.shape[1] // 4)
    columns = np.flatnonzero(covered.sum(axis=0) > covered.shape[0] // 4)
    if not rows.size or not columns.size:
        return None
    left, right = columns[0] + SIDE * scale, columns[-1] + 1 - SIDE * scale
    top, bottom = rows[0] + TOP * scale, rows[-1] + 1 - SIDE * scale
    return Found(int(left), int(top), screen[top:bottom, left:right])


def showing(program: Program, screen: Callable[[], Picture], scale: int = 1) -> Found:
    """Wait until all four cameras are shown as they should be, and return what is on the screen then."""

    def look() -> Found | None:
        assert program.popen.poll() is None, program.errors
        found = find_wall(screen(), scale)
        return found if found is not None and found.numbers else None

    found = wait_until(look, 20, "four cameras on the screen")
    assert found is not None
    return found


def wait_sizes(program: Program, width: int, height: int) -> None:
    """Wait until every tile tells that it shows pictures of that size."""
    told = f"pictures of {width}x{height}"
    wait_until(lambda: [it[2:] for it in program.shown().values()] == [[width, height]] * 4, 5, told)


def nothing_read(program: Program) -> bool:
    """Tell whether of four cameras' frames none was read, shown or not, for half a second."""
    told = program.news("shown")[-6:]
    return len(told) == 6 and all(it == told[0] for it in told)


@pytest.fixture(scope="module")
def cameras() -> Iterator[Cameras]:
    with Cameras(count=4) as cameras:
        yield cameras


@pytest.fixture(scope="module")
def x(tmp_path_factory: pytest.TempPathFactory) -> Iterator[XServer]:
    with x_server(tmp_path_factory.mktemp("screen")) as server:
        yield server


def run(cameras: Cameras, compositor: Compositor, **environment: str) -> Program:
    environment |= {"QT_QPA_PLATFORM": "wayland", "WINDOW_SIZE": "{}x{}".format(*WINDOW)}
    return Program("", cameras.urls, PROGRAM, **compositor.environment, **environment)


def test_a_wall_under_the_mouse(cameras: Cameras, x: XServer) -> None:
    with compositor(SCREEN.width, SCREEN.height, display=x.display) as weston:
        program = run(cameras, weston)
        try:
            found = showing(program, lambda: x.pixels(SCREEN))
            assert found.wall.shape == (WINDOW[1], WINDOW[0], 3)
            wait_sizes(program, 320, 180)
            before = found.numbers or []

            def later() -> bool:
                now = showing(program, lambda: x.pixels(SCREEN)).numbers or []
                return all(new != old for new, old in zip(now, before, strict=True))

            wait_until(later, 5, "another frame of every camera")

            x.xdotool("mousemove", 0, 0)  # Weston adds up how far the pointer is moved.
            x.xdotool("mousemove", found.left + 480, found.top + 90, "click", 1)
            wait_until(lambda: program.news("clicked") == ["camera-2"], 5, "a click on the second tile")

            # The decorations' buttons: minimise, maximise, close.
            x.xdotool("mousemove", found.left + WINDOW[0] - 60, found.top - 15, "click", 1)
            wait_until(lambda: find_wall(x.pixels(SCREEN)) is None, 5, "a screen without the window")
            wait_until(lambda: nothing_read(program), 5, "tiles that read nothing")
            x.xdotool("keydown", "super", "key", "Tab", "keyup", "super")
            found = showing(program, lambda: x.pixels(SCREEN))

            def closes() -> bool:
                # A click while the window is still coming back may miss.
                x.xdotool("mousemove", found.left + WINDOW[0] - 14, found.top - 15, "click", 1)
                return bool(program.news("closed"))

            wait_until(closes, 10, "the end of the site")
            assert program.popen.wait(10) == 0
        finally:
            program.end()
        assert program.news("closed") == [["stopped"] * 4]
        assert program.errors == ""


@pytest.mark.parametrize("gl", ["", "1"])
def test_two_device_pixels_per_logical_one(cameras: Cameras, gl: str) -> None:
    with compositor(2 * SCREEN.width, 2 * SCREEN.height, scale=2) as weston:
        program = run(cameras, weston, GL=gl)
        try:
            found = showing(program, weston.pixels, scale=2)
            assert found.wall.shape == (2 * WINDOW[1], 2 * WINDOW[0], 3)
            wait_sizes(program, *((1280, 720) if gl and not program.errors else (640, 360)))
        finally:
            program.end()
        assert program.errors == ""
