"""The layer of items over a picture."""

from collections.abc import Callable, Iterator
from typing import Any

from qtpy.QtCore import QRect, Qt
from qtpy.QtGui import QPainter

from camgraph.qt.video.layers import Canvas
from camgraph.qt.video.overlay.ground import Drawing, Ground
from camgraph.qt.video.overlay.items import Box, HeatMap, Item, Label, Mask, Polygon
from camgraph.qt.video.overlay.lines import draw_box, draw_label, draw_polygon
from camgraph.qt.video.overlay.rasters import draw_heat_map, draw_mask
from camgraph.qt.video.view import Size

_LABEL_PX = 12
_DRAW: dict[type[Item], Callable[[Any, Ground], Iterator[Drawing]]] = {
    Box: draw_box,
    Polygon: draw_polygon,
    Label: draw_label,
    Mask: draw_mask,
    HeatMap: draw_heat_map,
}


class ItemPainter:
    """Paints items where they lie in the picture, the first one first.

    What is drawn is worked out when the items or their place change: for the next pictures it is only drawn.
    """

    def __init__(self) -> None:
        self._items: tuple[Item, ...] = ()
        self._place: object = None
        self._drawings: list[Drawing] = []

    def paint(self, painter: QPainter, canvas: Canvas, items: tuple[Item, ...]) -> None:
        """Draw the items, and nothing where there is no picture."""
        placed, scale = canvas.placed, canvas.scale
        if placed is None or not items:
            return
        painter.save()
        font = painter.font()
        font.setPixelSize(round(_LABEL_PX * scale))
        painter.setFont(font)
        place = placed, canvas.source, scale
        if items is not self._items or place != self._place:
            ground = Ground(placed.area, placed.to_tile, canvas.source, scale, painter.fontMetrics())
            self._items, self._place = items, place
            self._drawings = [drawing for item in items for drawing in _DRAW[type(item)](item, ground)]
        painter.setClipRect(QRect(*placed.area), Qt.ClipOperation.IntersectClip)
        for draw in self._drawings:
            draw(painter)
        painter.restore()


class Overlay:
    """The layer of items that are drawn over every picture, whichever it is."""

    def __init__(self) -> None:
        self.items: tuple[Item, ...] = ()
        """What is drawn."""
        self.size: Size = (0, 0)
        """Of the picture in whose px they lie; (0, 0): of the camera's, whatever it sends."""
        self._painter = ItemPainter()

    def paint(self, painter: QPainter, canvas: Canvas) -> None:
        """Draw them."""
        self._painter.paint(painter, canvas.counted_in(self.size), self.items)
