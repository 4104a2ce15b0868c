"""Streams that are dragged from one widget and dropped on another."""

import weakref
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, QPoint, Qt, QTimer
from qtpy.QtGui import QDrag, QDragMoveEvent, QDropEvent, QMouseEvent, QPixmap
from qtpy.QtWidgets import QApplication

from camgraph.client.streams import LiveStream
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
        small = seen(widget).scaledToWidth(
            round(_SMALL_PX * widget.devicePixelRatioF()), Qt.TransformationMode.SmoothTransformation
        )
        # The release is the drag's.
        widget._holder = None
        spot = QPoint(at.x() * _SMALL_PX // max(1, widget.width()), 0)
        drag = _Drag(widget, widget.stream, QPixmap.fromImage(small), spot)
        QTimer.singleShot(0, drag.run)


class _Drag(QObject):
    """A drag that is under way. All events of the GUI happen meanwhile, even the end of the widget.

    This outlives it, and runs outside of the widget's own events.
    """

    def __init__(self, widget: "VideoWidget", stream: LiveStream, small: QPixmap, spot: QPoint) -> None:
        super().__init__(QApplication.instance())
        self.widget = weakref.ref(widget)
        self._stream, self._small, self._spot = stream, small, spot
        _under_way.add(self)

    def run(self) -> None:
        """Drag, until something is dropped, or nothing."""
        try:
            # Where much is waiting the button may be released by now: Qt would drag until the next click.
            if self.widget() is not None and QApplication.mouseButtons() & Qt.MouseButton.LeftButton:
                drag = QDrag(self)
                drag.setMimeData(mime_of(self._stream))
                drag.setPixmap(self._small)
                drag.setHotSpot(self._spot)
                drag.exec(Qt.DropAction.CopyAction)
        finally:
            _under_way.discard(self)
            self.deleteLater()


_under_way: set[_Drag] = set()


def _origin(event: QDropEvent) -> QObject | None:
    """Return what is dragged from, if it is of this program and still there."""
    source = event.source()
    return source.widget() if isinstance(source, _Drag) else source


def offer(widget: "VideoWidget", event: QDragMoveEvent) -> None:
    """Accept what is dragged over a widget, if it could be dropped there."""
    if _origin(event) is not widget and stream_of(event.mimeData()) is not None:
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
    else:
        event.ignore()


def drop(widget: "VideoWidget", event: QDropEvent) -> None:
    """Have a widget show what is dropped on it, if it is to, and tell of it."""
    stream, source = stream_of(event.mimeData()), _origin(event)
    if stream is None or source is widget:
        event.ignore()
        return
    event.setDropAction(Qt.DropAction.CopyAction)
    event.accept()
    if widget.shows_dropped:
        widget.set_stream(stream)
    widget.dropped.emit(stream, source)
