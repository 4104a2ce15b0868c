"""Walls on two screens: what each shows, with the mouse, and when one of the screens goes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.real.window_program import Picture, Program
from tests.real.x_monitors import Monitor, Monitors

from camgraph.testing.cameras import Cameras
from camgraph.testing.pattern import decode
from camgraph.testing.screens import screen
from camgraph.testing.waiting import wait_until

PROGRAM = Path(__file__).with_name("wall_layouts_program.py")
LEFT, RIGHT = Monitor("left", 0, 0, 1200, 720), Monitor("right", 1200, 0, 640, 720)
MAIN, SMALL = (640, 360), (480, 272)
SMALL_ONE = 7
"""The number of the camera that is the sixth one's smaller stream, so that it is told from all others."""
Rect = tuple[int, int, int, int]


@pytest.fixture(scope="module")
def urls() -> Iterator[list[str]]:
    with Cameras(count=6, size=MAIN, fps=10) as main, Cameras(SMALL_ONE, size=SMALL, fps=10) as small:
        yield [*main.urls, small.urls[-1]]


@pytest.fixture
def display() -> Iterator[str]:
    with screen(1840, 720) as display:
        monitors = Monitors(display)
        monitors.set(LEFT, primary=True)
        monitors.set(RIGHT)
        yield display


@pytest.fixture
def program(display: str, urls: list[str]) -> Iterator[Program]:
    program = Program(display, urls, PROGRAM)
    yield program
    program.end()


def one_and_five(x: int, y: int, width: int, height: int) -> list[Rect]:
    w, h = width // 3, height // 3
    small = [(2, 0), (2, 1), (0, 2), (1, 2), (2, 2)]
    return [(x, y, 2 * w, 2 * h), *((x + column * w, y + row * h, w, h) for column, row in small)]


def two(x: int, y: int, width: int, height: int) -> list[Rect]:
    return [(x, y, width, height // 2), (x, y + height // 2, width, height // 2)]


def cameras_at(picture: Picture, places: list[Rect]) -> list[int | None]:
    """The numbers of the cameras that are seen, whole and in the middle, where tiles are to be."""
    found = []
    for x, y, width, height in places:
        across = min(width, height * 16 // 9)
        down = across * 9 // 16
        left, top = x + (width - across) // 2, y + (height - down) // 2
        seen = decode(picture[top : top + down, left : left + across])
        found.append(seen.camera if seen.ok else None)
    return found


def test_walls_on_two_screens(program: Program, display: str) -> None:
    def shows(places: list[Rect], *numbers: int) -> None:
        def seen() -> bool:
            assert program.popen.poll() is None, program.errors
            return cameras_at(program.screen(1840, 720), places) == list(numbers)

        wait_until(seen, 15, f"cameras {numbers} at {places}")

    def received() -> tuple[int, int]:
        width, height = program.news("received")[-1]["camera-6"]
        return width, height

    left, right = LEFT[1:], RIGHT[1:]
    program.ask("open", "left", None, "1+5", True)
    program.ask("open", "right", ["camera-2", "camera-1"], "1x2", True)
    shows(one_and_five(*left), 1, 2, 3, 4, 5, SMALL_ONE)
    shows(two(*right), 2, 1)
    wait_until(lambda: received() == SMALL, 5, "the smaller stream: no tile needs more")

    program.xdotool("mousemove", 1000, 600, "click", "--repeat", 2, "--delay", 30, 1)
    shows([left], 6)
    wait_until(lambda: received() == MAIN, 5, "the larger stream")
    program.xdotool("mousemove", 1000, 600, "click", "--repeat", 2, "--delay", 30, 1)
    shows(one_and_five(*left)[:5], 1, 2, 3, 4, 5)

    # The first tile is dragged onto the fourth.
    program.xdotool("mousemove", 300, 200, "mousedown", 1, "mousemove", 290, 300)
    program.xdotool("mousemove", 210, 590, "mousemove", 200, 600, "mouseup", 1)
    shows(one_and_five(*left)[:5], 4, 2, 3, 1, 5)
    saved = program.ask("save")

    Monitors(display).delete("right")
    wait_until(lambda: program.news("windows")[-1][1] == ["left", *left], 10, "the window on the left screen")
    program.ask("restore", saved)
    wait_until(lambda: program.news("windows")[-1] == [["left", *left]] * 2, 5, "both on one screen")
    shows(two(*left), 2, 1)
    Monitors(display).set(RIGHT)
    wait_until(lambda: program.news("screens")[-1] == ["left", "right"], 10, "the right screen")
    assert program.ask("restore", saved) == []
    shows(one_and_five(*left), 4, 2, 3, 1, 5, SMALL_ONE)
    shows(two(*right), 2, 1)
    wait_until(lambda: received() == SMALL, 5, "the smaller stream again")
    assert program.popen.stdin is not None
    program.popen.stdin.close()
    assert program.popen.wait(10) == 0
    assert program.errors == ""
