"""Where the tiles of a wall lie: layouts by name or drawn with letters; all pure.

``"auto"`` is a grid as near to square as can be, ``"4x3"`` has 4 columns and 3 rows, ``"1+5"`` one large tile
with five small ones right of and below it (1+7, 1+9 … likewise). A layout of one's own is drawn, one letter a
tile, a dot where nothing is::

    ("AAB",
     "AAC",
     "DEF")
"""

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

from camgraph.base.geometry import Area

AUTO = "auto"
MAX_SIDE = 64
"""Columns and rows that a layout may have."""

Arrangement = str | tuple[str, ...]
"""A layout as it is asked for and saved: its name, or the rows of its drawing."""


class Cell(NamedTuple):
    """The place of one tile in a layout's raster."""

    column: int
    row: int
    columns: int
    rows: int


class Layout(NamedTuple):
    """A raster, and places in it in the order in which they are filled; none overlaps another."""

    columns: int
    rows: int
    cells: tuple[Cell, ...]

    def areas(self, width: int, height: int) -> list[Area]:
        """Return where the cells lie in px, without gaps between cells that touch each other."""
        across = [width * column // self.columns for column in range(self.columns + 1)]
        down = [height * row // self.rows for row in range(self.rows + 1)]
        areas = []
        for column, row, columns, rows in self.cells:
            left, top = across[column], down[row]
            areas.append(Area(left, top, across[column + columns] - left, down[row + rows] - top))
        return areas

    def neighbour(self, cell: int, right: int, down: int) -> int | None:
        """Return which cell one comes to from the middle of another; None: there is none that way.

        One of `right` and `down` is 1 or -1, the other 0.
        """
        here = self.cells[cell]
        near = []
        for number, there in enumerate(self.cells):
            along, across = _way(here, there) if right else _way(_turned(here), _turned(there))
            if along * (right + down) > 0:
                near.append((abs(along), across, number))
        return min(near)[2] if near else None


def normal(arrangement: str | Sequence[str]) -> Arrangement:
    """Return an arrangement as it is kept; raise ValueError, with what is wrong, for one that can't be."""
    if isinstance(arrangement, str):
        named(arrangement, 1)
        return arrangement
    if not isinstance(arrangement, Sequence) or not all(isinstance(row, str) for row in arrangement):
        raise ValueError(f"a layout is a name, as '3x2', or rows of letters, not {arrangement!r}")
    drawn(tuple(arrangement))
    return tuple(arrangement)


def layout_of(arrangement: Arrangement, count: int) -> Layout:
    """Return the layout for so many streams; raise ValueError as `normal` does."""
    return named(arrangement, count) if isinstance(arrangement, str) else drawn(arrangement)


def named(name: str, count: int) -> Layout:
    """Return a layout by its name; `count` is how many tiles ``auto`` has."""
    if name == AUTO:
        columns = max(1, math.ceil(math.sqrt(count)))
        return _grid(columns, max(1, math.ceil(count / columns)))
    if matched := re.fullmatch(r"([1-9]\d?)x([1-9]\d?)", name, re.ASCII):
        columns, rows = int(matched[1]), int(matched[2])
        if max(columns, rows) <= MAX_SIDE:
            return _grid(columns, rows)
    if matched := re.fullmatch(r"1\+(\d{1,3})", name, re.ASCII):
        small = int(matched[1])
        if small % 2 and 5 <= small < 2 * MAX_SIDE:
            return _one_large((small + 1) // 2)
    raise ValueError(
        f"no layout is named {name!r}: there are 'auto', columns and rows as '3x2', '1+5', '1+7'"
    )


def drawn(rows: tuple[str, ...]) -> Layout:
    """Return a layout by its drawing; its tiles are in the order in which their first letters are read."""
    columns = len(rows[0]) if rows else 0
    if not 1 <= columns <= MAX_SIDE or not len(rows) <= MAX_SIDE:
        raise ValueError(f"a layout has 1 to {MAX_SIDE} columns and rows, not {columns} and {len(rows)}")
    if any(len(row) != columns for row in rows):
        raise ValueError(f"rows of a layout are of one length; these are not: {', '.join(rows)}")
    found: dict[str, list[tuple[int, int]]] = {}
    for row, letters in enumerate(rows):
        for column, letter in enumerate(letters):
            if letter != ".":
                found.setdefault(letter, []).append((column, row))
    if not found:
        raise ValueError("a layout has one tile at least")
    cells = []
    for letter, places in found.items():
        (left, top), (right, bottom) = (
            map(min, zip(*places, strict=True)),
            map(max, zip(*places, strict=True)),
        )
        cell = Cell(left, top, right + 1 - left, bottom + 1 - top)
        if len(places) != cell.columns * cell.rows:
            raise ValueError(f"tile {letter!r} of the layout is not a rectangle")
        cells.append(cell)
    return Layout(columns, len(rows), tuple(cells))


def _grid(columns: int, rows: int) -> Layout:
    cells = (Cell(column, row, 1, 1) for row in range(rows) for column in range(columns))
    return Layout(columns, rows, tuple(cells))


def _one_large(side: int) -> Layout:
    large = Cell(0, 0, side - 1, side - 1)
    right = (Cell(side - 1, row, 1, 1) for row in range(side - 1))
    below = (Cell(column, side - 1, 1, 1) for column in range(side))
    return Layout(side, side, (large, *right, *below))


def _turned(cell: Cell) -> Cell:
    return Cell(cell.row, cell.column, cell.rows, cell.columns)


def _way(here: Cell, there: Cell) -> tuple[int, int]:
    """How far it is to a cell along the columns, 0: it is not beside; and how far off its middle is."""
    off = abs(2 * (there.row - here.row) + there.rows - here.rows)
    if off >= there.rows + here.rows:
        return 0, off
    if there.column >= here.column + here.columns:
        return there.column + 1 - here.column - here.columns, off
    if there.column + there.columns <= here.column:
        return there.column + there.columns - 1 - here.column, off
    return 0, off
