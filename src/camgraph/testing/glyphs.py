"""A small stroke font of our own: the characters the test picture needs, drawn smoothly at any height."""

import math
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Point = tuple[float, float]
Stroke = tuple[Point, ...]

# The font's box is 4 wide and 6 high, x to the right, y down; a stroke is this wide.
_WIDTH, _HEIGHT, _PEN = 4.0, 6.0, 0.86


def _arc(x: float, y: float, rx: float, ry: float, start: float, end: float) -> Stroke:
    """Return points on an ellipse around (x, y) between two angles (degrees, clockwise from right)."""
    angles = np.radians(np.linspace(start, end, round(abs(end - start) / 12) + 1))
    return tuple((x + rx * math.cos(angle), y + ry * math.sin(angle)) for angle in angles)


_ZERO = (*_arc(2, 2, 2, 2, 180, 360), *_arc(2, 4, 2, 2, 0, 180), (0.0, 2.0))
_SIX = (*_arc(4, 4, 4, 4, 255, 180), *_arc(2, 4, 2, 2, 180, -180))
_NINE = tuple((4 - x, 6 - y) for x, y in _SIX)

_FONT: dict[str, tuple[Stroke, ...]] = {
    " ": (),
    "0": (_ZERO,),
    "1": (((0.7, 1.5), (2.2, 0), (2.2, 6)),),
    "2": ((*_arc(2, 1.9, 1.9, 1.9, 190, 395), (0.1, 6), (4, 6)),),
    "3": ((*_arc(1.9, 1.5, 1.7, 1.5, 200, 450), *_arc(1.9, 4.5, 2.0, 1.5, 270, 520)),),
    "4": (((3, 6), (3, 0), (0, 4.3), (4, 4.3)),),
    "5": (((3.7, 0), (0.5, 0), (0.25, 2.7), *_arc(1.9, 4.1, 2.0, 1.9, 225, 510)),),
    "6": (_SIX,),
    "7": (((0, 0), (4, 0), (1.4, 6)),),
    "8": (_arc(2, 1.5, 1.65, 1.5, 0, 360), _arc(2, 4.45, 2.0, 1.55, 0, 360)),
    "9": (_NINE,),
    "A": (((0, 6), (2, 0), (4, 6)), ((0.7, 4.1), (3.3, 4.1))),
    "C": ((*_arc(2, 2, 2, 2, 330, 180), *_arc(2, 4, 2, 2, 180, 30)),),
    "E": (((4, 0), (0, 0), (0, 6), (4, 6)), ((0, 2.9), (3.3, 2.9))),
    "M": (((0, 6), (0, 0), (2, 3.4), (4, 0), (4, 6)),),
    "R": (
        ((0, 6), (0, 0), (2.2, 0), *_arc(2.2, 1.65, 1.75, 1.65, -90, 90), (0, 3.3)),
        ((2.1, 3.3), (4, 6)),
    ),
}


def glyph(character: str, height_px: int, widen_px: float = 0.0) -> npt.NDArray[np.float64]:
    """Return the opacity (0 to 1) of a character, shape (height_px, width); KeyError if the font lacks it.

    `widen_px` makes the strokes wider on both sides, for an outline.
    """
    opacity: npt.NDArray[np.float64] = (_depth(character, height_px) + widen_px + 0.5).clip(0, 1)
    return opacity


@lru_cache(maxsize=64)
def _depth(character: str, height_px: int) -> npt.NDArray[np.float64]:
    """Return how many pixels each pixel lies inside the nearest stroke; negative: outside."""
    scale = height_px / (_HEIGHT + 2 * _PEN)
    width_px = max(1, round((_WIDTH + 2 * _PEN) * scale))
    x = (np.arange(width_px) + 0.5)[None, :] / scale - _PEN
    y = (np.arange(height_px) + 0.5)[:, None] / scale - _PEN
    nearest = np.full((height_px, width_px), np.inf)
    for stroke in _FONT[character]:
        for (ax, ay), (bx, by) in pairwise(stroke):
            dx, dy = bx - ax, by - ay
            along = (((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy or 1.0)).clip(0, 1)
            np.minimum(nearest, (x - ax - along * dx) ** 2 + (y - ay - along * dy) ** 2, out=nearest)
    depth: npt.NDArray[np.float64] = (_PEN / 2 - np.sqrt(nearest)) * scale
    return depth
