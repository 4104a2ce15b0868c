"""Masks and heat maps: coloured at their own size, then stretched once to where they lie in the tile."""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QRectF
from qtpy.QtGui import QColor, QImage, QPainter, QTransform

from camgraph.qt.video.overlay.ground import Drawing, Ground
from camgraph.qt.video.overlay.items import HeatMap, Mask, Region
from camgraph.qt.video.overlay.sheet import lay_sheet

_STEPS = 256
Colored = npt.NDArray[np.uint32]
"""Pixels of Format_ARGB32_Premultiplied."""


def draw_mask(mask: Mask, ground: Ground) -> Iterator[Drawing]:
    """Return what draws a mask: sharp if it is one of bool."""
    ramp = _ramp((_clear(mask.color), mask.color), mask.alpha)
    sharp = mask.pixels.dtype == np.bool_
    steps = mask.pixels * np.uint8(255) if sharp else mask.pixels
    yield from _draw(ramp[steps], mask.region, ground, smooth=not sharp)


def draw_heat_map(heat: HeatMap, ground: Ground) -> Iterator[Drawing]:
    """Return what draws a heat map."""
    ramp = _ramp(tuple(heat.colors), heat.alpha)
    shares = (heat.values.astype(np.float32) - heat.low) / (heat.high - heat.low)
    known = ~np.isnan(shares)
    steps = (np.where(known, shares, 0).clip(0, 1) * (_STEPS - 1)).round().astype(np.uint8)
    yield from _draw(ramp[steps] * known, heat.region, ground, smooth=True)


def _draw(colored: Colored, region: Region | None, ground: Ground, *, smooth: bool) -> Iterator[Drawing]:
    x, y, width, height = region or (0, 0, *ground.source)
    rows, columns = colored.shape
    memory = np.ascontiguousarray(colored, np.uint32).tobytes()
    image = QImage(memory, columns, rows, columns * 4, QImage.Format.Format_ARGB32_Premultiplied)
    to_tile, place = QTransform(*ground.to_tile), QRectF(x, y, width, height)

    def stretch(painter: QPainter) -> None:
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        painter.save()
        painter.setTransform(to_tile, True)
        painter.drawImage(place, image)
        painter.restore()

    yield from lay_sheet(ground.place_rect(x, y, width, height), ground, stretch)


@lru_cache(maxsize=32)
def _ramp(colors: tuple[str, ...], alpha: float) -> Colored:
    """Return `_STEPS` premultiplied colours on the way through all that are given."""
    stops = np.array([QColor(color).getRgb() for color in colors], float)
    at = np.linspace(0, len(colors) - 1, _STEPS)
    red, green, blue, opacity = (np.interp(at, range(len(colors)), channel) for channel in stops.T)
    opacity = opacity / 255 * alpha
    channels = [(channel * opacity).round().astype(np.uint32) for channel in (red, green, blue)]
    whole = (opacity * 255).round().astype(np.uint32)
    ramp: Colored = whole << 24 | channels[0] << 16 | channels[1] << 8 | channels[2]
    return ramp


def _clear(color: str) -> str:
    """Return the same colour, transparent."""
    clear = QColor(color)
    clear.setAlpha(0)
    return clear.name(QColor.NameFormat.HexArgb)
