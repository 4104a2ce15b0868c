"""Zooming with the wheel, and moving what is zoomed in with the mouse."""

from typing import TYPE_CHECKING

from qtpy.QtCore import QPointF, Qt
from qtpy.QtGui import QCursor, QMouseEvent, QWheelEvent
from qtpy.QtWidgets import QApplication

from camgraph.qt.video.tools import Tool

if TYPE_CHECKING:
    from camgraph.qt.video.widget import VideoWidget

_STEP = 1.2
_NOTCH = 120
"""Eighths of degrees: what most mice turn their wheel by in one go."""
_MOST = 30
"""Notches at once."""


class WheelZoom(Tool):
    """Zooms in and out at the cursor.

    Turning back from a picture that is whole already is left to others, such as an area that scrolls.
    """

    def wheel(self, event: QWheelEvent) -> bool:
        """Zoom by so much as the wheel was turned."""
        before = self.widget.view.zoom
        notches = max(-_MOST, min(event.angleDelta().y() / _NOTCH, _MOST))
        self.widget.zoom_by(_STEP**notches, event.position())
        return max(before, self.widget.view.zoom) > 1


class DragPan(Tool):
    """Moves a picture that is zoomed in with the left button; a press that moves nothing is a click."""

    def __init__(self, widget: "VideoWidget") -> None:
        super().__init__(widget)
        self._from: QPointF | None = None
        self._moves = False
        self._cursor: QCursor | None = None

    def press(self, event: QMouseEvent) -> bool:
        """Take the left button, if there is something to move."""
        if event.button() != Qt.MouseButton.LeftButton or self.widget.view.zoom <= 1:
            return False
        self._from = event.position()
        return True

    def move(self, event: QMouseEvent) -> bool:
        """Move the picture with the mouse, as soon as that has gone a little way."""
        if self._from is None:
            return False
        way = event.position() - self._from
        if not self._moves and way.manhattanLength() >= QApplication.startDragDistance():
            self._begin()
        if self._moves:
            self.widget.pan_by(way.x(), way.y())
            self._from = event.position()
        return True

    def release(self, event: QMouseEvent) -> bool:
        """End it; it was a click if nothing was moved."""
        if event.button() != Qt.MouseButton.LeftButton or self._from is None:
            return False
        self._from = None
        if self._moves:
            self._end()
        elif self.widget.rect().contains(event.position().toPoint()):
            self.widget.clicked.emit(self.widget.stream_name)
        return True

    def let_go(self) -> None:
        """Leave the picture where it is."""
        self._from = None
        if self._moves:
            self._end()

    def _begin(self) -> None:
        self._moves = True
        had_one = self.widget.testAttribute(Qt.WidgetAttribute.WA_SetCursor)
        self._cursor = self.widget.cursor() if had_one else None
        self.widget.setCursor(Qt.CursorShape.ClosedHandCursor)

    def _end(self) -> None:
        self._moves = False
        if self._cursor is None:
            self.widget.unsetCursor()
        else:
            self.widget.setCursor(self._cursor)
