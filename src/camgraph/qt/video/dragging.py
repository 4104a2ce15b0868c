"""Streams that are dragged from one widget and dropped on another."""

from typing import TYPE_CHECKING

from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QDrag, QDragMoveEvent, QDropEvent, QMouseEvent, QPixmap
from qtpy.QtWidgets import QApplication

from camgraph.qt.mime import mime_of, stream_of
from camgraph.qt.video.clicks import Clicks
from camgraph.qt.video.snapshot import seen

if TYPE_CHECKING:
    from camgraph.qt.video.widget import VideoWidget

_SMALL_PX = 160


class Dragging(Clicks):
    """Has the left button drag the stream, if it is `enabled`, where it is moved before it is released."""

    def __init__(self, widget: "VideoWidget") -> None:
        super().__init__(widget)
        self.enabled = False
        self._pressed_at: QPoint | None = None

    def press(self, event: QMouseEvent) -> bool:
        """Take the left button."""
        taken = super().press(event)
        self._pressed_at = event.position().toPoint() if taken else None
        return taken

    def move(self, event: QMouseEvent) -> bool:
        """Start the drag once it can't be a click any more."""
        at = self._pressed_at
        if at is None or not self.enabled or not event.buttons() & Qt.MouseButton.LeftButton:
            return False
        way = event.position().toPoint() - at
        if way.manhattanLength() >= QApplication.startDragDistance():
            self._pressed_at = None
            self._drag(at)
        return True

    def _drag(self, at: QPoint) -> None:
        widget = self.widget
        if widget.stream is None:
            return
        drag = QDrag(widget)
        drag.setMimeData(mime_of(widget.stream))
        small = seen(widget).scaledToWidth(
            round(_SMALL_PX * widget.devicePixelRatioF()), Qt.TransformationMode.SmoothTransformation
        )
        drag.setPixmap(QPixmap.fromImage(small))
        drag.setHotSpot(QPoint(at.x() * _SMALL_PX // max(1, widget.width()), 0))
        # The release is the drag's; all events of the GUI happen meanwhile, even the end of the widget.
        widget._holder = None
        drag.exec(Qt.DropAction.CopyAction)


def offer(widget: "VideoWidget", event: QDragMoveEvent) -> None:
    """Accept what is dragged over a widget, if it could be dropped there."""
    if event.source() is not widget and stream_of(event.mimeData()) is not None:
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
    else:
        event.ignore()


def drop(widget: "VideoWidget", event: QDropEvent) -> None:
    """Have a widget show what is dropped on it, if it is to, and tell of it."""
    stream, source = stream_of(event.mimeData()), event.source()
    if stream is None or source is widget:
        event.ignore()
        return
    event.setDropAction(Qt.DropAction.CopyAction)
    event.accept()
    if widget.shows_dropped:
        widget.set_stream(stream)
    widget.dropped.emit(stream, source)
