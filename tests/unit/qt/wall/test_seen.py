"""Layouts as they are seen: each camera has a colour of its own, and a place where it is to be."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from camgraph.qt import VideoWall

CAMERA = (320, 180)
Rect = tuple[int, int, int, int]


def color_of(number: int) -> tuple[int, int, int]:
    """Red, green and blue of a camera; no two have the same, and none is black."""
    return 40 + number % 8 * 25, 40 + number // 8 * 25, 200


@pytest.fixture
def look(gui, make_site) -> Callable[..., Any]:
    """Make a wall of so many cameras; what is given back waits until it is seen as it should be."""

    def make(count: int, size: tuple[int, int], layout: Any) -> Any:
        site = make_site(**{f"s{number}": CAMERA for number in range(count)})
        wall = VideoWall(site.streams, layout=layout)
        wall.resize(*size)
        wall.show()

        def play() -> None:
            for number, name in enumerate(site.streams):
                red, green, blue = color_of(number)
                site.show(name, lambda w, h, bgr=(blue, green, red, 0): np.full((h, w, 4), bgr, np.uint8))

        def shows(*numbers: int, at: list[Rect]) -> None:
            expected = np.zeros((size[1], size[0], 3), np.uint8)
            for number, (x, y, width, height) in zip(numbers, at, strict=True):
                expected[y : y + height, x : x + width] = color_of(number)

            def right() -> bool:
                play()
                gui.turn()
                return np.array_equal(gui.pixels(wall), expected)

            gui.until(right, 20)

        return wall, shows

    return make


def one_and(small: int) -> list[Rect]:
    """In a wall of 960x540 px: a large tile, small ones right of it, others below."""
    n = small // 2 + 1
    w, h = 960 // n, 540 // n
    small_ones = [((n - 1) * w, row * h) for row in range(n - 1)]
    small_ones += [(column * w, (n - 1) * h) for column in range(n)]
    return [(0, 0, (n - 1) * w, (n - 1) * h), *((x, y, w, h) for x, y in small_ones)]


def grid(columns: int, rows: int, width: int, height: int) -> list[Rect]:
    w, h = width // columns, height // rows
    return [(column * w, row * h, w, h) for row in range(rows) for column in range(columns)]


@pytest.mark.parametrize(
    ("layout", "places"),
    [
        ("1+5", one_and(5)),
        ("1+7", one_and(7)),
        ("3x3", grid(3, 3, 960, 540)[:8]),
        # What has other proportions has bars, which are black as what lies between tiles.
        (("AAAB", "AAAC", "AAA.", "DEFG"), [one_and(7)[i] for i in (0, 1, 2, 4, 5, 6, 7)]),
    ],
)
def test_tiles_are_seen_where_the_layout_has_them(look, layout, places):
    _, shows = look(8, (960, 540), layout)
    shows(*range(len(places)), at=places)


def test_enter_and_what_is_restored_are_seen(gui, look):
    wall, shows = look(8, (960, 540), "1+7")
    wall.swap("s0", "s5")
    swapped = (5, 1, 2, 3, 4, 0, 6, 7)
    shows(*swapped, at=one_and(7))
    saved = json.loads(json.dumps(wall.save()))
    wall.activateWindow()
    wall["s2"].setFocus()
    gui.until(wall["s2"].hasFocus)
    QTest.keyClick(wall["s2"], Qt.Key.Key_Return)
    wall["s2"].clearFocus()  # It has a frame.
    shows(2, at=[(0, 0, 960, 540)])
    wall.set_layout("4x2")
    wall.set_order([f"s{number}" for number in range(8)])
    wall.restore(saved)
    shows(*swapped, at=one_and(7))


def test_sixty_four_tiles(look):
    _, shows = look(64, (1024, 576), "auto")
    shows(*range(64), at=grid(8, 8, 1024, 576))
