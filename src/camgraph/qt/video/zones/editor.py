"""Zones under the mouse: corners and zones are dragged, made and removed."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from qtpy.QtCore import Qt
from qtpy.QtGui import QKeyEvent, QMouseEvent

from camgraph.qt.video.tools import Tool
from camgraph.qt.video.zones.hits import Hit, find, moved, within
from camgraph.qt.video.zones.layer import Place, ZonesLayer
from camgraph.qt.video.zones.zone import FEWEST_CORNERS, Point, Zone

if TYPE_CHECKING:
    from camgraph.qt.video.widget import VideoWidget

_COLORS = ("#ffb300", "#40c4ff", "#ff5252", "#b2ff59", "#e040fb")
_CROSS = Qt.CursorShape.CrossCursor
_CURSORS = {"corner": _CROSS, "edge": _CROSS, "inside": Qt.CursorShape.SizeAllCursor}


class _Mouse(NamedTuple):
    """Where the mouse is over the picture."""

    tile: Point
    """In device pixels of the tile."""
    point: Point
    """In px of the camera's picture; it may lie outside."""
    place: Place

    @property
    def nearest(self) -> Point:
        """The whole px of the picture that is the nearest."""
        return within(self.point, self.place.source)

    def hit(self, zones: Sequence[Zone], chosen: int | None = None) -> Hit | None:
        """Return what of some zones is there."""
        return find(zones, chosen, self.place.to_tile, self.tile, self.place.scale)


class _Drag(NamedTuple):
    hit: Hit
    before: tuple[Zone, ...]
    """What is come back to if it is given up."""
    point: Point
    """Where it began, in px of the camera's picture."""


class ZoneEditor(Tool):
    """Edits the zones of a layer, while the widget has it among its tools; it ends by `end`.

    A corner or a zone is dragged; a press on an edge makes a corner there; the right button removes one, Del
    the zone that was pressed last. A double click beside the zones begins another, clicks make its corners,
    and a double click, Enter or a click on the first one ends it. Esc gives up what is going on. Each change
    that is done is told by `zones_changed`; other presses are left to other tools.
    """

    def __init__(self, widget: "VideoWidget", layer: ZonesLayer) -> None:
        super().__init__(widget)
        self._layer = layer
        self._drag: _Drag | None = None
        self._tracked = widget.hasMouseTracking()
        self._cursor = widget.cursor() if widget.testAttribute(Qt.WidgetAttribute.WA_SetCursor) else None
        widget.setMouseTracking(True)
        layer.has_handles = True
        widget.update()

    def end(self) -> None:
        """Give up what is going on, and leave the widget as it was."""
        self.give_up()
        self._show(self._layer.zones)
        self._layer.has_handles = False
        self._point_with(None)
        self.widget.setMouseTracking(self._tracked)
        if self.widget._holder is self:
            self.widget._holder = None
        self.deleteLater()

    def give_up(self) -> bool:
        """Undo what has been begun; False: nothing has."""
        drag, self._drag = self._drag, None
        begun = drag is not None or bool(self._layer.sketch)
        self._layer.sketch, self._layer.cursor = [], None
        self._show(self._layer.zones if drag is None else drag.before, self._layer.chosen)
        return begun

    def press(self, event: QMouseEvent) -> bool:
        """Begin to drag, or make or remove a corner."""
        mouse, button, layer = self._mouse(event), event.button(), self._layer
        if mouse is None or button not in (Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton):
            return False
        if self._drag is not None:
            return True
        if layer.sketch:
            if button == Qt.MouseButton.RightButton:
                layer.sketch.pop()
            else:
                self._add_to_sketch(mouse)
            self.widget.update()
            return True
        hit = mouse.hit(layer.zones, layer.chosen)
        if button == Qt.MouseButton.RightButton:
            return hit is not None and hit.part == "corner" and self._remove_corner(hit)
        if hit is None:
            self._choose(None)
            return False
        self._choose(hit.zone)
        before = layer.zones
        if hit.part == "edge":
            points = list(layer.zones[hit.zone].points)
            points.insert(hit.number + 1, mouse.nearest)
            hit = Hit(hit.zone, "corner", hit.number + 1)
            self._reshape(hit.zone, points)
        self._drag = _Drag(hit, before, mouse.point)
        return True

    def move(self, event: QMouseEvent) -> bool:
        """Drag, or show what can be."""
        mouse, layer, drag = self._mouse(event), self._layer, self._drag
        if mouse is None:
            return drag is not None
        if layer.sketch:
            layer.cursor = mouse.nearest
            self.widget.update()
            return True
        if drag is not None:
            self._drag_to(mouse, drag)
            return True
        if not event.buttons():
            hit = mouse.hit(layer.zones, layer.chosen)
            self._point_with(None if hit is None else _CURSORS[hit.part])
        return False

    def release(self, event: QMouseEvent) -> bool:
        """Keep what was dragged."""
        drag = self._drag
        if drag is not None and event.button() == Qt.MouseButton.LeftButton:
            self._drag = None
            if self._layer.zones != drag.before:
                self._tell()
        return True

    def let_go(self) -> None:
        """Undo what is being dragged; a zone that is begun waits for its next corner."""
        if self._drag is not None:
            self.give_up()

    def double_click(self, event: QMouseEvent) -> bool:
        """Begin a zone, or end the one that is begun."""
        mouse, layer = self._mouse(event), self._layer
        if mouse is None or event.button() != Qt.MouseButton.LeftButton:
            return False
        if layer.sketch:
            self._finish()
        elif mouse.hit(layer.zones) is None:
            self._choose(None)
            layer.sketch, layer.cursor = [mouse.nearest], None
            self._point_with(_CROSS)
            self.widget.update()
        return True

    def key(self, event: QKeyEvent) -> bool:
        """Esc, Enter, Del and Backspace."""
        key, layer = event.key(), self._layer
        if key == Qt.Key.Key_Escape:
            return self.give_up() or self._choose(None)
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            return bool(layer.sketch) and self._finish()
        if key not in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) or self._drag is not None:
            return False
        if layer.sketch:
            layer.sketch.pop()
            self.widget.update()
            return True
        if layer.chosen is None:
            return False
        self._show([zone for index, zone in enumerate(layer.zones) if index != layer.chosen])
        self._tell()
        return True

    def _add_to_sketch(self, mouse: _Mouse) -> None:
        sketch = self._layer.sketch
        if len(sketch) >= FEWEST_CORNERS and mouse.hit([Zone("", sketch)]) == Hit(0, "corner", 0):
            self._finish()
        elif mouse.nearest != sketch[-1]:
            sketch.append(mouse.nearest)

    def _finish(self) -> bool:
        layer = self._layer
        if len(layer.sketch) >= FEWEST_CORNERS:
            taken = {zone.name for zone in layer.zones}
            name = next(name for number in count(1) if (name := f"zone {number}") not in taken)
            zone = Zone(name, layer.sketch, _COLORS[len(layer.zones) % len(_COLORS)])
            layer.sketch, layer.cursor = [], None
            self._show([*layer.zones, zone], len(layer.zones))
            self._tell()
        return True

    def _remove_corner(self, hit: Hit) -> bool:
        points = list(self._layer.zones[hit.zone].points)
        if len(points) > FEWEST_CORNERS:
            del points[hit.number]
            self._reshape(hit.zone, points)
            self._tell()
        return True

    def _drag_to(self, mouse: _Mouse, drag: _Drag) -> None:
        zone, part, corner = drag.hit
        if part == "corner":
            points = list(self._layer.zones[zone].points)
            points[corner] = mouse.nearest
        else:
            right, down = mouse.point[0] - drag.point[0], mouse.point[1] - drag.point[1]
            points = moved(drag.before[zone], right, down, mouse.place.source)
        self._reshape(zone, points)

    def _reshape(self, index: int, points: Sequence[Point]) -> None:
        zones = list(self._layer.zones)
        zones[index] = replace(zones[index], points=points)
        self._show(zones, self._layer.chosen)

    def _choose(self, index: int | None) -> bool:
        changes = index != self._layer.chosen
        if changes:
            self._show(self._layer.zones, index)
        return changes

    def _show(self, zones: Sequence[Zone], chosen: int | None = None) -> None:
        self._layer.show(zones, chosen)
        self.widget.update()

    def _tell(self) -> None:
        self.widget.zones_changed.emit(list(self._layer.zones))

    def _mouse(self, event: QMouseEvent) -> _Mouse | None:
        """Return where the mouse is; None: no picture is shown."""
        place, position = self._layer.place, event.position()
        if place is None:
            return None
        tile = position.x() * place.scale, position.y() * place.scale
        return _Mouse(tile, place.to_tile.inverse().map(*tile), place)

    def _point_with(self, shape: Qt.CursorShape | None) -> None:
        """Have the mouse look so over the widget; None: as it was before."""
        widget = self.widget
        if shape is not None:
            widget.setCursor(shape)
        elif self._cursor is not None:
            widget.setCursor(self._cursor)
        else:
            widget.unsetCursor()
