"""What items are drawn on, and the plates that carry their letters."""

from collections.abc import Callable
from typing import NamedTuple

from qtpy.QtCore import QRect, Qt
from qtpy.QtGui import QColor, QFontMetrics, QPainter

from camgraph.base.geometry import Area
from camgraph.qt.video.view import Affine, Size

_LABEL_MARGIN_PX = 3
_BRIGHT = 110
_FAR = 1 << 22

Drawing = Callable[[QPainter], object]
"""Draws something of which everything but the painter is decided."""


class Ground(NamedTuple):
    """The part of a tile that shows the picture."""

    area: Area
    to_tile: Affine
    source: Size
    scale: float
    """Device pixels per logical pixel."""
    metrics: QFontMetrics
    """Of the font that the painter has for labels."""

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Return where a point of the camera's picture lies in the tile."""
        x, y = self.to_tile.map(x, y)
        # Qt counts in 32 bits, and less where it fills.
        return min(max(x, -_FAR), _FAR), min(max(y, -_FAR), _FAR)

    def place_rect(self, x: float, y: float, width: float, height: float) -> QRect:
        """Return the whole device pixels of a rectangle.

        Each edge is rounded by itself, so that rectangles which touch in the source touch here.
        """
        corners = self.place(x, y), self.place(x + width, y + height)
        (left, right), (top, bottom) = (sorted(map(round, side)) for side in zip(*corners, strict=True))
        return QRect(left, top, right - left, bottom - top)

    def sees(self, rect: QRect) -> bool:
        """Tell whether anything of a rectangle is in the area, its lines included."""
        x, y, width, height = self.area
        return (
            rect.left() <= x + width
            and rect.top() <= y + height
            and rect.left() + rect.width() >= x
            and rect.top() + rect.height() >= y
        )

    def above(self, rect: QRect, text: str, color: QColor) -> Drawing:
        """Letters above a rectangle where there is room, else inside it; never outside the picture."""
        height = self.metrics.height()
        top = rect.top() - height if rect.top() - height >= self.area.y else rect.top()
        return self.plate(rect.left(), top, text, color)

    def plate(self, left: int, top: int, text: str, color: QColor) -> Drawing:
        """Letters on a plate of that colour, at a place or as near to it as the picture goes."""
        area, margin = self.area, round(_LABEL_MARGIN_PX * self.scale)
        shown = self.metrics.elidedText(text, Qt.TextElideMode.ElideRight, area.width - 2 * margin)
        width, height = self.metrics.horizontalAdvance(shown) + 2 * margin, self.metrics.height()
        left = max(area.x, min(left, area.x + area.width - width))
        top = max(area.y, min(top, area.y + area.height - height))
        rect = QRect(left, top, width, height)
        ink = Qt.GlobalColor.black if color.lightness() > _BRIGHT else Qt.GlobalColor.white

        def draw(painter: QPainter) -> None:
            painter.fillRect(rect, color)
            painter.setPen(ink)
            painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, shown)

        return draw
