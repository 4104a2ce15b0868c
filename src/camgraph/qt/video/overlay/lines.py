"""Boxes, polygons and labels: what of them is drawn where."""

from collections.abc import Iterator

from qtpy.QtCore import QPointF, QRect, Qt
from qtpy.QtGui import QColor, QPainter, QPen, QPolygonF

from camgraph.qt.video.overlay.ground import Drawing, Ground
from camgraph.qt.video.overlay.items import Box, Label, Polygon
from camgraph.qt.video.overlay.sheet import lay_sheet

_LINE_PX = 2
_OPAQUE = 255


def draw_box(box: Box, ground: Ground) -> Iterator[Drawing]:
    """Return what draws a box."""
    rect = ground.place_rect(box.x, box.y, box.width, box.height)
    if not ground.sees(rect):
        return
    color = QColor(box.color)
    pen = _pen(color, ground)

    def draw(painter: QPainter) -> None:
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(rect)

    yield from _opaque_or_sheet(draw, rect, ground, opaque=color.alpha() == _OPAQUE)
    if box.label:
        yield ground.above(rect, box.label, color)


def draw_polygon(polygon: Polygon, ground: Ground) -> Iterator[Drawing]:
    """Return what draws a polygon."""
    points = [ground.place(x, y) for x, y in polygon.points]
    across, down = zip(*points, strict=True)
    left, top = round(min(across)), round(min(down))
    rect = QRect(left, top, round(max(across)) - left, round(max(down)) - top)
    if not ground.sees(rect):
        return
    color = QColor(polygon.color)
    inside = QColor(color)
    inside.setAlphaF(color.alphaF() * polygon.fill)
    pen, line = _pen(color, ground), QPolygonF([QPointF(x, y) for x, y in points])

    def draw(painter: QPainter) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setPen(pen)
        if polygon.fill:
            painter.setBrush(inside)
        else:
            painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPolygon(line)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    opaque = color.alpha() == _OPAQUE and not polygon.fill
    yield from _opaque_or_sheet(draw, rect, ground, opaque=opaque)
    if polygon.label:
        yield ground.above(rect, polygon.label, color)


def draw_label(label: Label, ground: Ground) -> Iterator[Drawing]:
    """Return what draws a label."""
    x, y = map(round, ground.place(label.x, label.y))
    if label.text and ground.sees(QRect(x, y, 0, 0)):
        yield ground.plate(x, y, label.text, QColor(label.color))


def _pen(color: QColor, ground: Ground) -> QPen:
    pen = QPen(color, round(_LINE_PX * ground.scale))
    pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
    return pen


def _opaque_or_sheet(draw: Drawing, rect: QRect, ground: Ground, *, opaque: bool) -> Iterator[Drawing]:
    if opaque:
        yield draw
    else:
        margin = round(_LINE_PX * ground.scale)
        yield from lay_sheet(rect.adjusted(-margin, -margin, margin, margin), ground, draw)
