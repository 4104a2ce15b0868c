"""What can be drawn over a picture, in pixels of the camera's picture; all frozen.

Colours are any name that Qt knows (``red``, ``#00e676``, ``#8000e676`` with its opacity first); another
raises ValueError, and so do numbers that are not finite.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import cast

import numpy as np
import numpy.typing as npt
from qtpy.QtGui import QColor

from camgraph.qt import arguments

GREEN = "#00e676"
HEAT = ("#00002080", "#a02060ff", "#00e0b0", "#ffe040", "#ff3020")
"""Nothing where there is little, then blue, green, yellow, red."""

Region = tuple[float, float, float, float]
"""x, y, width, height in px of the camera's picture."""


@dataclass(frozen=True)
class Box:
    """A rectangle, and a label above it."""

    x: float
    y: float
    width: float
    height: float
    label: str = ""
    color: str = GREEN

    def __post_init__(self) -> None:
        _check_color(self.color)
        _check_finite("a box", self.x, self.y, self.width, self.height)
        arguments.text("a label", self.label)


@dataclass(frozen=True)
class Polygon:
    """A closed line through at least two points (x, y), and a label above it.

    `fill`: how opaque its inside is, from 0 (nothing is filled) to 1. OpenCV's contours are points once they
    are reshaped: ``contour.reshape(-1, 2)``.
    """

    points: Sequence[tuple[float, float]]
    label: str = ""
    color: str = GREEN
    fill: float = 0.0

    def __post_init__(self) -> None:
        points = arguments.points("a polygon", self.points)
        if len(points) < 2:
            raise ValueError(f"a polygon has two points or more, not {len(points)}")
        object.__setattr__(self, "points", points)
        arguments.text("a label", self.label)
        _check_color(self.color)
        _check_share("fill", self.fill)


@dataclass(frozen=True)
class Label:
    """A text, upright whichever way the picture is turned, whose upper left corner is at (x, y)."""

    x: float
    y: float
    text: str
    color: str = GREEN

    def __post_init__(self) -> None:
        _check_color(self.color)
        _check_finite("a label", self.x, self.y)
        arguments.text("a label", self.text)


@dataclass(frozen=True, eq=False)
class Mask:
    """Some pixels of a region in one colour.

    `pixels` has the shape (rows, columns), however many of them; they are stretched over the `region`, by
    default the whole picture. bool: whether; uint8: how opaque, 0 to 255. `alpha` is the opacity of
    what is covered wholly. The array is not copied: leave it as it is.
    """

    pixels: npt.NDArray[np.bool_] | npt.NDArray[np.uint8]
    region: Region | None = None
    color: str = GREEN
    alpha: float = 0.5

    def __post_init__(self) -> None:
        pixels = self.pixels
        _check_is_array("a mask", pixels)
        if pixels.dtype not in (np.bool_, np.uint8):
            raise ValueError(f"a mask is an array of bool or uint8, not of {pixels.dtype}")
        _check_array("a mask", pixels)
        _check_color(self.color)
        _check_share("alpha", self.alpha)
        _check_region(self.region)


@dataclass(frozen=True, eq=False)
class HeatMap:
    """Values of a region as colours: `low` and less has the first one, `high` and more the last.

    `values` has the shape (rows, columns), however many of them; they are stretched smoothly over the
    `region`, by default the whole picture. Where there is NaN, nothing is drawn. The array is not copied:
    leave it as it is.
    """

    values: npt.NDArray[np.floating]
    region: Region | None = None
    low: float = 0.0
    high: float = 1.0
    colors: Sequence[str] = HEAT
    alpha: float = 0.6

    def __post_init__(self) -> None:
        _check_is_array("a heat map", self.values)
        if not np.issubdtype(self.values.dtype, np.floating):
            raise ValueError(f"a heat map is an array of floating-point numbers, not of {self.values.dtype}")
        _check_array("a heat map", self.values)
        if len(self.colors) < 2:
            raise ValueError("a heat map goes from one color to another: two or more")
        for color in self.colors:
            _check_color(color)
        _check_share("alpha", self.alpha)
        _check_finite("a heat map", self.low, self.high)
        _check_region(self.region)
        if self.low >= self.high:
            raise ValueError(f"a heat map goes from low to high, not from {self.low:g} to {self.high:g}")


Item = Box | Polygon | Label | Mask | HeatMap
_ITEMS = (Box, Polygon, Label, Mask, HeatMap)


def checked(items: Iterable[Item] | None) -> tuple[Item, ...]:
    """Return items of which each can be drawn; raise TypeError for others."""
    found = arguments.several("items", _ITEMS, items)
    for item in found:
        if not isinstance(item, _ITEMS):
            given = arguments.shown(item)
            raise TypeError(f"{given} can't be drawn: it is no Box, Polygon, Label, Mask or HeatMap")
    return cast(tuple[Item, ...], found)


def _check_color(color: str) -> None:
    if not QColor(color).isValid():
        raise ValueError(f"color {color!r} is none that Qt knows; write '#rrggbb' or a name")


def _check_share(name: str, share: float) -> None:
    if not 0 <= share <= 1:
        raise ValueError(f"{name} is from 0 to 1, not {share:g}")


def _check_finite(what: str, *numbers: float) -> None:
    if not all(map(isfinite, numbers)):
        raise ValueError(f"{what} is at finite places, not at {numbers}")


def _check_region(region: Region | None) -> None:
    if region is not None:
        if len(region) != 4:
            raise ValueError(f"a region is x, y, width and height, not {region}")
        _check_finite("a region", *region)


def _check_is_array(what: str, value: object) -> None:
    if not isinstance(value, np.ndarray):
        raise TypeError(f"{what} is an array of numpy's, not {arguments.shown(value)}")


def _check_array(what: str, array: npt.NDArray[np.generic]) -> None:
    if array.ndim != 2 or not array.size:
        raise ValueError(f"{what} has rows and columns, not the shape {array.shape}")
