"""How a picture lies in its tile, and what is asked of the camera for it; all pure."""

import math
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, get_args

from camgraph.base.geometry import MAX_SIDE_PX, Area, letterbox
from camgraph.qt.video.side import SEEN_PX, Side

Fit = Literal["contain", "cover", "stretch"]
Size = tuple[int, int]
"""Width and height in px."""

CUT_LITTLE = 2.0
"""All of a picture that is not zoomed in is read if it has no more than so many times the tile's pixels."""


class Wanted(NamedTuple):
    """Which part of the camera's picture is read, and how large."""

    roi: tuple[int, int, int, int] | None
    """x, y, width, height in px of the camera's picture, even but for its own edges; None: all of it."""
    size: Size
    """In device pixels, before it is turned."""


class Affine(NamedTuple):
    """x' = a·x + c·y + e, y' = b·x + d·y + f."""

    a: float
    b: float
    c: float
    d: float
    e: float
    f: float

    def map(self, x: float, y: float) -> tuple[float, float]:
        """Return where a point goes."""
        return self.a * x + self.c * y + self.e, self.b * x + self.d * y + self.f

    def inverse(self) -> "Affine":
        """Return what leads back."""
        a, b, c, d, e, f = self
        det = a * d - b * c
        return Affine(d / det, -b / det, -c / det, a / det, (c * f - d * e) / det, (b * e - a * f) / det)

    def area(self, x: float, y: float, width: float, height: float) -> Area:
        """Return where a rectangle goes; its edges become whole numbers, each by itself."""
        (left, right), (top, bottom) = (
            sorted(map(round, ends))
            for ends in zip(self.map(x, y), self.map(x + width, y + height), strict=True)
        )
        return Area(left, top, right - left, bottom - top)


class Placed(NamedTuple):
    """Where the camera's picture lies in a tile."""

    wanted: Wanted
    area: Area
    """What of the tile shows the picture, in device pixels."""
    to_tile: Affine
    """From px of the camera's picture to device pixels of the tile."""
    target: Area
    """Where all of what is wanted lies, turned: it may reach beyond the tile."""


@dataclass(frozen=True)
class View:
    """What of a picture is shown, and which way round; raises ValueError for what can't be.

    `fit` is ``"contain"`` (all of the picture, with bars), ``"cover"`` (all of the tile, the picture cut) or
    ``"stretch"`` (all of both, out of proportion).
    """

    fit: Fit = "contain"
    quarter_turns: int = 0
    """Clockwise, 0 to 3."""
    mirrored: bool = False
    """Left and right are exchanged, before it is turned."""
    zoom: float = 1.0
    """How much larger than `fit` alone would show it; 1 or more."""
    center: tuple[float, float] = (0.5, 0.5)
    """What is in the middle of the tile, in parts of the camera's width and height.

    Where that would show more than the picture has, it is shown up to its edge.
    """

    def __post_init__(self) -> None:
        if self.fit not in get_args(Fit):
            raise ValueError(f"fit {self.fit!r} is unknown; choose one of {', '.join(get_args(Fit))}")
        if self.quarter_turns not in range(4):
            raise ValueError(f"quarter_turns {self.quarter_turns!r} must be 0, 1, 2 or 3, clockwise")
        if not 1 <= self.zoom < math.inf:
            raise ValueError(f"zoom {self.zoom!r} must be 1 or more")
        if len(self.center) != 2 or not all(0 <= part <= 1 for part in self.center):
            raise ValueError(f"center {self.center!r} must be two parts of 1, of the width and of the height")

    def place(self, source: Size, tile: Size, beyond: float = 0.0) -> Placed:
        """Return where a picture of a size lies in a tile; all sides are at least 1.

        So much `beyond` each edge of the tile is wanted too, in parts of the tile.
        """
        if self.zoom == 1 and self._is_little_cut(source, tile):
            beyond = math.inf
        across, down = self._sides(source, tile, beyond)
        columns, rows = (down, across) if self._lying else (across, down)
        (x, width), (y, height) = columns.part, rows.part
        roi = None if (width, height) == source else (x, y, width, height)
        size = min(columns.target[1], MAX_SIDE_PX), min(rows.target[1], MAX_SIDE_PX)
        target = Area(across.target[0], down.target[0], across.target[1], down.target[1])
        to_tile = self.lay((x, y, width, height), target)
        return Placed(Wanted(roi, size), target.inside(Area(0, 0, *tile)), to_tile, target)

    def lay(self, part: tuple[int, int, int, int], area: Area) -> Affine:
        """Return what leads from a part of a picture (x, y, width, height) to an area, turned as this is."""
        x, y, width, height = part
        x_reverse, y_reverse = self._reverses
        if self._lying:
            d, f = _line(x, width, area.y, area.height, x_reverse)
            a, e = _line(y, height, area.x, area.width, y_reverse)
            return Affine(0, d, a, 0, e, f)
        a, e = _line(x, width, area.x, area.width, x_reverse)
        d, f = _line(y, height, area.y, area.height, y_reverse)
        return Affine(a, 0, 0, d, e, f)

    def zoomed(self, factor: float, at: tuple[float, float], source: Size, tile: Size) -> "View":
        """Return the view that is so much larger, with the same of the picture at a point of the tile."""
        before = self._sides(source, tile)
        most = self._most(source, tile)
        larger = replace(self, zoom=min(max(1.0, min(self.zoom, most) * factor), most))
        middles = [
            (point - old.offset) / old.full + (new.tile / 2 - point) / new.full
            for point, old, new in zip(at, before, larger._sides(source, tile), strict=True)
        ]
        return larger._around(middles, source, tile)

    def panned(self, right: float, down: float, source: Size, tile: Size) -> "View":
        """Return the view with the picture moved by so many device pixels, up to its edges."""
        middles = [
            (side.tile / 2 - side.offset - by) / side.full
            for side, by in zip(self._sides(source, tile), (right, down), strict=True)
        ]
        return self._around(middles, source, tile)

    def rotated(self) -> "View":
        """Return the view turned clockwise by a quarter."""
        return replace(self, quarter_turns=(self.quarter_turns + 1) % 4)

    def flipped(self) -> "View":
        """Return the view with left and right of the screen exchanged."""
        return replace(self, quarter_turns=-self.quarter_turns % 4, mirrored=not self.mirrored)

    @property
    def _lying(self) -> bool:
        """Whether the camera's width goes down the screen."""
        return self.quarter_turns % 2 == 1

    @property
    def _reverses(self) -> tuple[bool, bool]:
        """Whether the camera's left is on the right of the screen, or below; and so its top."""
        return self.mirrored != (self.quarter_turns in (2, 3)), self.quarter_turns in (1, 2)

    def _around(self, middles: list[float], source: Size, tile: Size) -> "View":
        """Return the view with that in its middle, in parts from the screen's left and top."""
        sides = self._sides(source, tile)
        limited = [side.limited(middle) for side, middle in zip(sides, middles, strict=True)]
        across, down = (1 - part if side.reverse else part for side, part in zip(sides, limited, strict=True))
        return replace(self, center=(down, across) if self._lying else (across, down))

    def _is_little_cut(self, source: Size, tile: Size) -> bool:
        """Whether all of the picture is read as well as what is seen of it.

        A whole picture can be had of the camera's smaller stream, too, where there is one, and shared.
        """
        _, (width, height) = self._fitted(source, tile)
        return width * height <= CUT_LITTLE * tile[0] * tile[1]

    def _most(self, source: Size, tile: Size) -> float:
        """Return how far it can be zoomed in."""
        lengths, fitted = self._fitted(source, tile)
        seen = (length * side / full for length, full, side in zip(lengths, fitted, tile, strict=True))
        return max(1.0, min(seen) / SEEN_PX)

    def _fitted(self, source: Size, tile: Size) -> tuple[Size, tuple[float, float]]:
        """Return the picture's sides as it is turned, and how large it is without zoom."""
        width, height = (source[1], source[0]) if self._lying else source
        if self.fit == "contain":
            area = letterbox(width, height, *tile)
            return (width, height), (area.width, area.height)
        if self.fit == "stretch":
            return (width, height), tile
        scale = max(tile[0] / width, tile[1] / height)
        return (width, height), (max(tile[0], width * scale), max(tile[1], height * scale))

    def _sides(self, source: Size, tile: Size, beyond: float = 0.0) -> tuple[Side, Side]:
        """Return how the picture lies across the tile, and down it."""
        (width, height), (full_width, full_height) = self._fitted(source, tile)
        zoom = min(self.zoom, self._most(source, tile))
        reverses = self._reverses
        middles = [1 - part if reverse else part for part, reverse in zip(self.center, reverses, strict=True)]
        x, y = (1, 0) if self._lying else (0, 1)
        return (
            Side(width, full_width * zoom, tile[0], middles[x], reverses[x], tile[0] * beyond),
            Side(height, full_height * zoom, tile[1], middles[y], reverses[y], tile[1] * beyond),
        )


def _line(begin: int, length: int, first: int, size: int, reverse: bool) -> tuple[float, float]:
    """Return scale and offset of a line that goes onto another."""
    scale = size / length
    return (-scale, first + size + begin * scale) if reverse else (scale, first - begin * scale)
