"""Zooming and moving with the mouse, on an X server: what the server shows."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from tests.real.window_program import Picture, Program

from camgraph.testing.waiting import wait_until

CLIP = (1280, 720)
TILE = (640, 360)
MARK = slice(420, 500), slice(900, 1000)
"""Rows and columns that are white, in the picture of the clip."""
ZOOM = 1.2**8


def write(path: Path) -> Path:
    """Encode, without loss, squares of 1 px, and a mark."""
    rows, columns = np.indices(CLIP[::-1])
    picture = ((rows + columns) % 2 * 160 + 20).astype(np.uint8)
    picture[MARK] = 235
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=25, options={"qp": "0", "preset": "ultrafast"})
        stream.width, stream.height = CLIP
        stream.pix_fmt = "yuv420p"
        for number in range(25):
            chroma = np.full((CLIP[1] // 2, CLIP[0]), 128, np.uint8)
            frame = av.VideoFrame.from_ndarray(np.vstack([picture, chroma]), "yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.fixture
def program(xvfb: str, tmp_path: Path) -> Iterator[Program]:
    program = Program(xvfb, [str(write(tmp_path / "clip.mkv"))], Path(__file__).with_name("zoom_program.py"))
    yield program
    program.end()


def mark(picture: Picture) -> list[int]:
    """Return the left, right, top and bottom edge of the mark on the screen."""
    white = (picture[:, :, 1] > 225).astype(int)
    columns, rows = np.flatnonzero(white.sum(axis=0) > 20), np.flatnonzero(white.sum(axis=1) > 20)
    return [columns[0], columns[-1] + 1, rows[0], rows[-1] + 1] if columns.size and rows.size else [0] * 4


def contrast(picture: Picture) -> float:
    """Tell how much neighbours differ where the squares are, left of the mark."""
    return float(picture[100:300, 50:300, 1].std())


def near(edges: Sequence[float], expected: Sequence[float]) -> bool:
    return bool(np.abs(np.subtract(edges, expected)).max() <= 2)


def test_zooming_at_the_cursor_sharpens_and_the_mouse_moves_what_is_seen(program: Program) -> None:
    def shows(edges: Sequence[float], least: float, most: float) -> None:
        def right() -> bool:
            assert program.popen.poll() is None, program.errors
            picture = program.screen(*TILE)
            return near(mark(picture), edges) and least <= contrast(picture) <= most

        wait_until(right, 10, f"the mark at {edges}, a contrast of {least} to {most}")

    whole = [450, 500, 210, 250]
    shows(whole, 0, 6)
    cursor = (475, 230)
    program.xdotool("mousemove", *cursor, "click", "--repeat", 8, "--delay", 20, 4)
    zoomed = [cursor[0] - 25 * ZOOM, cursor[0] + 25 * ZOOM, cursor[1] - 20 * ZOOM, cursor[1] + 20 * ZOOM]
    # Squares of 1 px of the camera's are 2.15 px large now.
    shows(zoomed, 20, 90)
    program.xdotool("mousedown", 1, "mousemove", 455, 240, "mousemove", 355, 270, "mouseup", 1)
    shows([zoomed[0] - 120, zoomed[1] - 120, zoomed[2] + 40, zoomed[3] + 40], 20, 90)
    assert program.news("clicked") == []
    program.xdotool("click", 1)
    wait_until(lambda: program.news("clicked") == ["clip"], 5, "a click on what is zoomed in")
    program.xdotool("click", "--repeat", 9, "--delay", 20, 5)
    shows(whole, 0, 6)
    program.close()
    assert program.popen.wait(10) == 0
    assert program.errors == ""
