"""The layer of zones over a picture, and of what is edited of them."""

from collections.abc import Sequence
from typing import NamedTuple

from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QPainter, QPen, QPolygonF

from camgraph.qt.video.layers import Canvas
from camgraph.qt.video.overlay import Polygon
from camgraph.qt.video.overlay.layer import ItemPainter
from camgraph.qt.video.view import Affine, Size
from camgraph.qt.video.zones.zone import Point, Zone

_FILL, _CHOSEN_FILL = 0.15, 0.35
_HANDLE_PX = 8
_LINE_PX = 2
_SKETCH = QColor("#ffffff")


class Place(NamedTuple):
    """Where a picture lies in its tile."""

    to_tile: Affine
    source: Size
    """The picture in whose px points are told."""
    scale: float
    """Device pixels per logical pixel."""

    def tile_points(self, points: Sequence[Point]) -> list[QPointF]:
        """Return where points of the picture lie."""
        return [QPointF(*self.to_tile.map(x, y)) for x, y in points]


class ZonesLayer:
    """Draws zones where they lie; while they are edited their corners, and the one that is begun, too."""

    def __init__(self) -> None:
        self.place: Place | None = None
        """Where the picture lay that was painted last; None: there was none."""
        self.size: Size = (0, 0)
        """Of the picture in whose px they lie; (0, 0): of the camera's, whatever it sends."""
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
        canvas = canvas.counted_in(self.size)
        placed = canvas.placed
        self.place = None if placed is None else Place(placed.to_tile, canvas.source, canvas.scale)
        self._painter.paint(painter, canvas, self._items)
        if self.has_handles and self.place is not None:
            painter.save()
            for zone in self.zones:
                _draw_handles(painter, self.place, zone.points, QColor(zone.color))
            if self.sketch:
                self._draw_sketch(painter, self.place)
            painter.restore()

    def _draw_sketch(self, painter: QPainter, place: Place) -> None:
        points = [*self.sketch, *([] if self.cursor is None else [self.cursor])]
        painter.setPen(QPen(_SKETCH, _LINE_PX * place.scale))
        painter.drawPolyline(QPolygonF(place.tile_points(points)))
        _draw_handles(painter, place, self.sketch, _SKETCH)


def _draw_handles(painter: QPainter, place: Place, points: Sequence[Point], color: QColor) -> None:
    side = _HANDLE_PX * place.scale
    painter.setPen(QPen(Qt.GlobalColor.black, place.scale))
    painter.setBrush(color)
    for point in place.tile_points(points):
        painter.drawRect(QRectF(point.x() - side / 2, point.y() - side / 2, side, side))
