"""A program with a wall in its main window, on an X server: what the server shows, resizing, clicks, ends."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from tests.real.window_program import Picture, Program, has_bars, tiles_of

from camgraph.testing.cameras import Cameras
from camgraph.testing.pattern import decode
from camgraph.testing.waiting import wait_until

BACKGROUND = (0x20, 0x24, 0x2A)
MAGENTA = (255, 0, 255)


@pytest.fixture
def cameras() -> Iterator[Cameras]:
    with Cameras(count=4) as cameras:
        yield cameras


@pytest.fixture
def program(xvfb: str, cameras: Cameras, tmp_path: Path) -> Iterator[Program]:
    program = Program(xvfb, cameras.urls, HOME=str(tmp_path))
    yield program
    program.end()


def playing(
    program: Program, width: int = 1280, height: int = 720, cameras: tuple[int, ...] = (1, 2, 3, 4)
) -> bool:
    assert program.popen.poll() is None, program.errors
    found = [decode(tile) for tile in tiles_of(program.screen(width, height))]
    return tuple(it.camera for it in found) == cameras and all(it.ok for it in found)


def drag(program: Program, *way: tuple[int, int]) -> None:
    """Press the left button at the first point, move over the others, and release it."""
    program.xdotool("mousemove", *way[0], "mousedown", 1)
    for point in way[1:]:
        program.xdotool("mousemove", *point)
    program.xdotool("mouseup", 1)


def within(seconds: float, condition: Callable[[], bool], what: str) -> None:
    wait_until(condition, seconds, what)


def test_a_window_from_its_first_picture_to_its_close(program: Program, tmp_path: Path) -> None:
    within(20, lambda: playing(program), "four cameras on the screen")
    assert program.news("start_ms")[0] < 500
    assert all(has_bars(tile) for tile in tiles_of(program.screen()))
    assert [shown[2:] for shown in program.shown().values()] == [[640, 360]] * 4

    def box() -> bool:
        magenta = (program.screen() == MAGENTA).all(axis=2)
        rows, columns = np.flatnonzero(magenta.sum(axis=1) > 100), np.flatnonzero(magenta.sum(axis=0) > 100)
        if not rows.size or not columns.size:
            return False
        edges = np.array([columns[0], columns[-1], rows[0], rows[-1]])
        return bool(np.abs(edges - (160, 480, 90, 270)).max() <= 2)

    within(10, box, "the analyzer's box around the middle of the first camera")

    program.xdotool("mousemove", 320, 540, "click", 1)
    within(5, lambda: program.news("clicked") == ["camera-3"], "a click on the third tile")

    program.xdotool("windowfocus", "--sync", program.window, "key", "s")
    (path,) = wait_until(lambda: list(tmp_path.rglob("camera-3 *.png")), 5, "a picture of it, by a key")
    wait_until(lambda: path.read_bytes().endswith(b"IEND\xaeB`\x82"), 5, "the whole of it")
    with av.open(str(path)) as file:
        picture = next(file.decode(video=0)).to_ndarray(format="bgr24")
    assert picture.shape == (720, 1280, 3), "as the camera sends it, whatever the tile's size"
    assert decode(np.asarray(picture, np.uint8)).camera == 3

    drag(program, (160, 90), (190, 100), (700, 500), (960, 540))
    within(5, lambda: playing(program, cameras=(4, 2, 3, 1)), "the first tile where it was dropped")
    drag(program, (960, 540), (900, 500), (300, 200), (160, 90))
    within(5, lambda: playing(program), "the tiles where they were")
    assert program.news("clicked") == ["camera-3"], "a drag is no click"

    program.xdotool("windowsize", "--sync", program.window, 960, 600)
    within(10, lambda: all(it[2:] == [480, 270] for it in program.shown().values()), "the new size")
    picture = program.screen(960, 600)
    for tile in tiles_of(picture):
        assert not tile[:15].any()
        assert not tile[-15:].any()
        assert has_bars(tile[15:-15])
    within(5, lambda: playing(program, 960, 600), "four cameras in the smaller window")

    program.close()
    assert program.popen.wait(10) == 0
    within(5, lambda: bool(program.news("code")), "the program's last line")
    assert program.news("closed") == [["stopped"] * 4]
    assert program.news("code") == [0]
    assert program.errors == ""


def test_a_dead_camera_is_told_within_three_seconds_and_comes_back(
    program: Program, cameras: Cameras
) -> None:
    within(20, lambda: playing(program), "four cameras on the screen")
    cameras.kill()
    died = time.monotonic()

    def told(tile: Picture) -> bool:
        edge = (tile[5, 5] == BACKGROUND).all() and (tile[-5, -5] == BACKGROUND).all()
        return bool(edge and (tile.max(axis=2) > 200).sum() > 100)

    within(3, lambda: all(told(tile) for tile in tiles_of(program.screen())), "what happened, in every tile")
    assert time.monotonic() - died < 3
    cameras.restart()
    within(10, lambda: playing(program), "four cameras again")
    program.close()
    assert program.popen.wait(10) == 0
    assert program.errors == ""


def test_a_window_closed_before_anything_is_shown(program: Program) -> None:
    program.close()
    assert program.popen.wait(10) == 0
    assert program.errors == ""
