"""A widget that shows a live stream."""

import logging
import time
from collections.abc import Iterable

from qtpy.QtCore import QPoint, QRect, QSize, Qt, Signal
from qtpy.QtGui import QColor, QHideEvent, QMouseEvent, QPainter, QPaintEvent
from qtpy.QtWidgets import QSizePolicy, QWidget

from camgraph.base.geometry import Area, letterbox
from camgraph.client.streams import LiveStream
from camgraph.qt.nosignal import draw_message
from camgraph.qt.overlay import Box, draw_boxes
from camgraph.qt.player import Player
from camgraph.qt.statistics import PaintedCounter, WidgetStatistics

_log = logging.getLogger(__name__)

_BARS = QColor(0, 0, 0)
_SOURCE = QPainter.CompositionMode.CompositionMode_Source


class VideoWidget(QWidget):
    """Shows a stream, as large as fits, or its name, state and reason while there is no picture.

    Frames are read while the widget is shown. Widget and site can be closed in any order. To be used in the
    thread of the GUI, as any widget.
    """

    clicked = Signal(object)
    """The left mouse button was pressed and released on the widget: the stream's name (str)."""

    def __init__(self, stream: LiveStream, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._stream = stream
        self._boxes: tuple[Box, ...] = ()
        self._asked = (0, 0)
        self._sizes: object = None
        self._area = Area(0, 0, 0, 0)
        self._corner = QPoint()
        self._counter = PaintedCounter()
        self._paint_failed = False
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(stream.name)
        self._player = Player(stream, self)
        self._player.changed.connect(self.update)

    @property
    def stream(self) -> LiveStream:
        """The stream that is shown."""
        return self._stream

    def set_boxes(self, boxes: Iterable[Box] | None) -> None:
        """Draw boxes over the picture until others replace them; None: none."""
        self._boxes = tuple(boxes or ())
        self.update()

    def statistics(self) -> WidgetStatistics:
        """Return what became of the frames since the widget was made."""
        return self._counter.statistics(self._player.counts())

    def sizeHint(self) -> QSize:  # noqa: D102, N802
        return QSize(320, 180)

    def minimumSizeHint(self) -> QSize:  # noqa: D102, N802
        return QSize(16, 9)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: D102, N802
        painter = QPainter(self)
        try:
            self._paint(painter)
        except Exception:
            # An exception that leaves a paint event ends the program; one line in the log per widget will do.
            if not self._paint_failed:
                self._paint_failed = True
                _log.exception("stream %s can't be painted", self._stream.name)
        finally:
            painter.end()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: D102, N802
        self._asked = (0, 0)
        self._player.stop()
        super().hideEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: D102, N802
        if event.button() == Qt.MouseButton.LeftButton:
            event.accept()
        else:
            super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: D102, N802
        if event.button() != Qt.MouseButton.LeftButton:
            super().mouseReleaseEvent(event)
        elif self.rect().contains(event.position().toPoint()):
            self.clicked.emit(self._stream.name)

    def _paint(self, painter: QPainter) -> None:
        # Here every call is paid for each frame, so what only a new size changes is kept.
        scale = self.devicePixelRatioF()
        width, height = round(self.width() * scale), round(self.height() * scale)
        if (width, height) != self._asked and self.isVisible():  # `grab` paints hidden widgets too.
            self._asked = (width, height)
            self._player.show_in(width, height)
        if scale != 1:
            # Painting in device pixels: what has the right size is copied, not scaled.
            painter.scale(1 / scale, 1 / scale)
        picture = self._player.picture
        if picture is None:
            draw_message(painter, width, height, self._player.message, scale)
            return
        sizes = (picture.size, width, height)
        if sizes != self._sizes:
            self._sizes = sizes
            self._area = letterbox(*picture.size, width, height)
            self._corner = QPoint(self._area.x, self._area.y)
        area = self._area
        painter.setCompositionMode(_SOURCE)
        if area[2:] == picture.size:
            painter.drawImage(self._corner, picture.image)
        else:
            # For the moment until the new size is there; smoothing would cost more than the picture is worth.
            painter.drawImage(QRect(*area), picture.image)
        if area[2:] != (width, height):
            _fill_bars(painter, area, width, height)
        if not picture.painted:
            picture.painted = True
            self._counter.count(picture.size, picture.frame.arrival_ns, time.monotonic_ns())
        if self._boxes:
            painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceOver)
            draw_boxes(painter, self._boxes, area, self._player.source, scale)


def _fill_bars(painter: QPainter, area: Area, width: int, height: int) -> None:
    right, bottom = area.x + area.width, area.y + area.height
    if area.width < width:
        painter.fillRect(0, 0, area.x, height, _BARS)
        painter.fillRect(right, 0, width - right, height, _BARS)
    if area.height < height:
        painter.fillRect(area.x, 0, area.width, area.y, _BARS)
        painter.fillRect(area.x, bottom, area.width, height - bottom, _BARS)
