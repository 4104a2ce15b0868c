"""Boxes with labels, drawn over a picture."""

from dataclasses import dataclass

from qtpy.QtCore import QRect, Qt
from qtpy.QtGui import QColor, QFontMetrics, QPainter, QPen

from camgraph.base.geometry import Area
from camgraph.qt.video.layers import Canvas
from camgraph.qt.video.view import Affine

_LINE_PX = 2
_LABEL_PX = 12
_LABEL_MARGIN_PX = 3


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels of the source picture, whatever size it is shown at.

    `color` is any name Qt knows (``red``, ``#00e676``); raises ValueError for another.
    """

    x: float
    y: float
    width: float
    height: float
    label: str = ""
    color: str = "#00e676"

    def __post_init__(self) -> None:
        if not QColor(self.color).isValid():
            raise ValueError(f"color {self.color!r} is none that Qt knows; write '#rrggbb' or a name")


class Boxes:
    """The layer of boxes."""

    def __init__(self) -> None:
        self.boxes: tuple[Box, ...] = ()
        """What is drawn."""

    def paint(self, painter: QPainter, canvas: Canvas) -> None:
        """Draw the boxes where they lie in the picture, and nothing without one."""
        placed, scale = canvas.placed, canvas.scale
        if placed is None or not self.boxes:
            return
        area = placed.area
        painter.save()
        font = painter.font()
        font.setPixelSize(round(_LABEL_PX * scale))
        painter.setFont(font)
        metrics = painter.fontMetrics()
        painter.setClipRect(QRect(*area), Qt.ClipOperation.IntersectClip)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for box in self.boxes:
            rect = _place(box, placed.to_tile)
            color = QColor(box.color)
            pen = QPen(color, round(_LINE_PX * scale))
            pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
            painter.setPen(pen)
            painter.drawRect(rect)
            if box.label:
                _draw_label(painter, metrics, box.label, color, rect, area, scale)
        painter.restore()


def _place(box: Box, to_tile: Affine) -> QRect:
    """Both edges are rounded by themselves, so that boxes which touch in the source touch here."""
    corners = to_tile.map(box.x, box.y), to_tile.map(box.x + box.width, box.y + box.height)
    (left, right), (top, bottom) = (sorted(map(round, side)) for side in zip(*corners, strict=True))
    return QRect(left, top, right - left, bottom - top)


def _draw_label(
    painter: QPainter,
    metrics: QFontMetrics,
    label: str,
    color: QColor,
    rect: QRect,
    area: Area,
    scale: float,
) -> None:
    margin = round(_LABEL_MARGIN_PX * scale)
    text = metrics.elidedText(label, Qt.TextElideMode.ElideRight, area.width - 2 * margin)
    width, height = metrics.horizontalAdvance(text) + 2 * margin, metrics.height()
    # Above the box where there is room, else inside it; never outside the picture.
    left = max(area.x, min(rect.left(), area.x + area.width - width))
    top = rect.top() - height if rect.top() - height >= area.y else rect.top()
    plate = QRect(left, top, width, height)
    painter.fillRect(plate, color)
    painter.setPen(Qt.GlobalColor.black if color.lightness() > 110 else Qt.GlobalColor.white)
    painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, text)
