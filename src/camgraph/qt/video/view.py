"""How a picture lies in its tile, and what is asked of the camera for it; all pure."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from camgraph.base.geometry import Area, letterbox

Fit = Literal["contain", "cover", "stretch"]
Size = tuple[int, int]
"""Width and height in px."""


class Wanted(NamedTuple):
    """Which part of the camera's picture is read, and how large."""

    roi: tuple[int, int, int, int] | None
    """x, y, width, height in px of the camera's picture, even; None: all of it."""
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


class Placed(NamedTuple):
    """Where the camera's picture lies in a tile."""

    wanted: Wanted
    area: Area
    """What of the tile shows the picture, in device pixels."""
    to_tile: Affine
    """From px of the camera's picture to device pixels of the tile."""


@dataclass(frozen=True)
class View:
    """What of a picture is shown, and which way round."""

    fit: Fit = "contain"
    quarter_turns: int = 0
    """Clockwise, 0 to 3."""
    mirrored: bool = False
    """Left and right are exchanged, before it is turned."""
    zoom: float = 1.0
    """How much larger than `fit` alone would show it; 1 or more."""
    center: tuple[float, float] = (0.5, 0.5)
    """What is in the middle of the tile, in parts of the camera's width and height."""

    def place(self, source: Size, tile: Size) -> Placed:
        """Return where a picture of a size lies in a tile; all sides are at least 1."""
        area = letterbox(*source, *tile)
        to_tile = Affine(area.width / source[0], 0, 0, area.height / source[1], area.x, area.y)
        return Placed(Wanted(None, (area.width, area.height)), area, to_tile)
