"""Translucent things, painted once on a sheet of their own, which is laid over each picture."""

from collections.abc import Callable, Iterator

from qtpy.QtCore import QPoint, QRect
from qtpy.QtGui import QImage, QPainter

from camgraph.qt.video.overlay.ground import Drawing, Ground

_BAND_ROWS = 64
"""Qt mixes more rows than these in threads of a pool, which it starts for that; waking them costs more."""


def lay_sheet(rect: QRect, ground: Ground, paint: Callable[[QPainter], object]) -> Iterator[Drawing]:
    """Return what lays a sheet over the picture, if any of the rectangle is in sight.

    `paint` paints it, once for each band of rows, in the coordinates of the tile. The painter replaces what
    is there: nothing is mixed on the sheet itself.
    """
    rect = rect.intersected(QRect(*ground.area))
    if rect.isEmpty():
        return
    sheet = QImage(rect.size(), QImage.Format.Format_ARGB32_Premultiplied)
    sheet.fill(0)
    painter = QPainter(sheet)
    try:
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Source)
        painter.translate(-rect.x(), -rect.y())
        for top in range(rect.top(), rect.top() + rect.height(), _BAND_ROWS):
            painter.setClipRect(QRect(rect.left(), top, rect.width(), _BAND_ROWS))
            paint(painter)
    finally:
        painter.end()
    corner = QPoint(rect.x(), rect.y())
    yield lambda painter: painter.drawImage(corner, sheet)
