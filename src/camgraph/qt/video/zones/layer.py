"""The layer of zones over a picture, and of what is edited of them."""

from collections.abc import Sequence

from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QPainter, QPen, QPolygonF

from camgraph.qt.video.layers import Canvas
from camgraph.qt.video.overlay import Polygon
from camgraph.qt.video.overlay.layer import ItemPainter
from camgraph.qt.video.zones.zone import Point, Zone

_FILL, _CHOSEN_FILL = 0.15, 0.35
_HANDLE_PX = 8
_LINE_PX = 2
_SKETCH = QColor("#ffffff")


class ZonesLayer:
    """Draws zones where they lie; while they are edited their corners, and the one that is begun, too."""

    def __init__(self) -> None:
        self.canvas: Canvas | None = None
        """What was painted on last, if there was a picture."""
        self.zones: tuple[Zone, ...] = ()
        self.chosen: int | None = None
        """The zone that keys act on."""
        self.has_handles = False
        self.sketch: list[Point] = []
        """The corners so far of a zone that is begun."""
        self.cursor: Point | None = None
        """Where its next corner would be."""
        self._items: tuple[Polygon, ...] = ()
        self._painter = ItemPainter()

    def show(self, zones: Sequence[Zone], chosen: int | None) -> None:
        """Draw these from now on."""
        self.zones, self.chosen = tuple(zones), chosen
        self._items = tuple(
            Polygon(zone.points, zone.name, zone.color, _CHOSEN_FILL if index == chosen else _FILL)
            for index, zone in enumerate(self.zones)
        )

    def paint(self, painter: QPainter, canvas: Canvas) -> None:
        """Draw them over the picture."""
        self.canvas = None if canvas.placed is None else canvas
        self._painter.paint(painter, canvas, self._items)
        if self.has_handles and canvas.placed is not None:
            painter.save()
            for zone in self.zones:
                self._draw_handles(painter, canvas, zone.points, QColor(zone.color))
            if self.sketch:
                self._draw_sketch(painter, canvas)
            painter.restore()

    def _draw_sketch(self, painter: QPainter, canvas: Canvas) -> None:
        points = [*self.sketch, *([] if self.cursor is None else [self.cursor])]
        painter.setPen(QPen(_SKETCH, _LINE_PX * canvas.scale))
        painter.drawPolyline(QPolygonF(_placed(points, canvas)))
        self._draw_handles(painter, canvas, self.sketch, _SKETCH)

    def _draw_handles(
        self, painter: QPainter, canvas: Canvas, points: Sequence[Point], color: QColor
    ) -> None:
        side = _HANDLE_PX * canvas.scale
        painter.setPen(QPen(Qt.GlobalColor.black, canvas.scale))
        painter.setBrush(color)
        for point in _placed(points, canvas):
            painter.drawRect(QRectF(point.x() - side / 2, point.y() - side / 2, side, side))


def _placed(points: Sequence[Point], canvas: Canvas) -> list[QPointF]:
    assert canvas.placed is not None
    return [QPointF(*canvas.placed.to_tile.map(x, y)) for x, y in points]
