"""Painting in device pixels, whatever the screen's scale."""

import math

from qtpy.QtGui import QPainter


def in_device_pixels(painter: QPainter, width: int, height: int, scale: float) -> tuple[int, int]:
    """Have a widget's painter count device pixels from the widget's first one; return how many there are.

    What has the right size is copied then, not scaled. Where the scale is no whole number a widget may begin
    within a pixel: Qt rounds its edges to whole ones, so that there may be one less, or one more.
    """
    origin = painter.deviceTransform()
    left, top = _whole(origin.dx()), _whole(origin.dy())
    painter.scale(1 / scale, 1 / scale)
    painter.translate(left - origin.dx(), top - origin.dy())
    return _whole(origin.dx() + width * scale) - left, _whole(origin.dy() + height * scale) - top


def _whole(px: float) -> int:
    return math.floor(px + 0.5)
