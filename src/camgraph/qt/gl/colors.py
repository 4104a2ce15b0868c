"""From the numbers of a YUV picture to those of RGB."""

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from camgraph.ring.layout import ColorRange, Colorspace

_SHARES: Mapping[Colorspace, tuple[float, float]] = {
    "bt709": (0.2126, 0.0722),
    "bt470bg": (0.299, 0.114),
    "smpte170m": (0.299, 0.114),
    "bt2020nc": (0.2627, 0.0593),
}
"""What red and blue contribute to luma (ITU-T H.273)."""

Row = tuple[float, float, float]


class Conversion(NamedTuple):
    """RGB = matrix · YUV + offset; all from 0 to 1."""

    matrix: tuple[Row, Row, Row]
    offset: Row


@cache
def conversion(colorspace: Colorspace, color_range: ColorRange) -> Conversion:
    """Return how pictures are converted; those that tell no matrix are taken to be of ITU-R 601."""
    red, blue = _SHARES.get(colorspace, _SHARES["smpte170m"])
    green = 1 - red - blue
    if color_range == "tv":
        black, luma, chroma = 16 / 255, 255 / 219, 255 / 224
    else:
        black, luma, chroma = 0.0, 1.0, 1.0
    middle = 128 / 255
    from_v, from_u = 2 * (1 - red) * chroma, 2 * (1 - blue) * chroma
    matrix = (
        (luma, 0.0, from_v),
        (luma, -from_u * blue / green, -from_v * red / green),
        (luma, from_u, 0.0),
    )
    offset = tuple(-black * y - middle * (u + v) for y, u, v in matrix)
    return Conversion(matrix, (offset[0], offset[1], offset[2]))
