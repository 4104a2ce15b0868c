"""A live stream in QML."""

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, NamedTuple

from qtpy.QtCore import Property, QPointF, QRectF, QSize, QSizeF, Qt, Signal, Slot
from qtpy.QtGui import QImage, QPainter
from qtpy.QtQuick import QQuickItem, QQuickPaintedItem, QQuickWindow

from camgraph.client.streams import LiveStream
from camgraph.client.wording import Message
from camgraph.qt.quick.watch import WindowWatch, is_seen
from camgraph.qt.video.overlay import Item, Overlay, checked
from camgraph.qt.video.presentation import Presentation
from camgraph.qt.video.scene import Scene
from camgraph.qt.video.statistics import WidgetStatistics
from camgraph.qt.video.view import Placed, Size, View

_log = logging.getLogger(__name__)


def _property(kind: type | str, get: Any, put: Any = None, *, notify: Any) -> Any:
    """A property for QML and for Python, where type checkers can't tell what it is."""
    return Property(kind, get, put, notify=notify)  # type: ignore[arg-type]


class VideoItem(QQuickPaintedItem):
    """Shows a stream in QML, as `VideoWidget` does among widgets.

    ``VideoItem { stream: model.stream }``, of a `StreamModel`, or set from Python. It reads while it is seen:
    not while it, its window, or what it lies in is invisible, nor where it is scrolled out or clipped away.
    Items that lie over it are not looked at. A value that a property can't have is logged, and changes
    nothing.

    With PySide6 and Qt's threaded render loop, ``QQuickWindow.grabWindow()`` waits for ever if it is called
    from Python, as with any item that Python paints: use ``grabToImage``, or set ``QSG_RENDER_LOOP=basic``.
    """

    streamChanged = Signal()  # noqa: N815
    viewChanged = Signal()  # noqa: N815
    maxFpsChanged = Signal()  # noqa: N815
    shownChanged = Signal()  # noqa: N815

    def __init__(self, parent: QQuickItem | None = None) -> None:
        super().__init__(parent)
        self.setOpaquePainting(True)
        self._scene = Scene(None, self)
        self._scene.changed.connect(self._on_changed)
        self._overlay = Overlay()
        self._tile = (0, 0)
        self._scale = 1.0
        self._watch: WindowWatch | None = None
        self._is_seen = False
        self._shown = _Shown("no stream", "", False, None)
        self._gui_thread = threading.get_ident()
        self._painted_ahead: QImage | None = None
        self._is_threaded: bool | None = None
        """Whether Qt paints in a thread of its own; None: not known yet."""
        # Its wrapper in Python may live on, with the picture.
        self.destroyed.connect(lambda *_, scene=self._scene: scene.look_away())
        self.visibleChanged.connect(self._look_now)
        self.windowChanged.connect(self._on_window)
        if (window := self.window()) is not None:
            self._on_window(window)

    def _stream(self) -> LiveStream | None:
        return self._scene.stream

    def _set_stream(self, stream: object) -> None:
        if stream is not None and not isinstance(stream, LiveStream):
            _log.error("VideoItem.stream must be a stream, as site.streams has them, not %r", stream)
        elif stream is not self._scene.stream:
            self._scene.stream = stream
            self.streamChanged.emit()

    stream = _property("QVariant", _stream, _set_stream, notify=streamChanged)
    """The `LiveStream` that is shown; null or undefined: there is none."""

    def _stream_name(self) -> str:
        return "" if self._scene.stream is None else self._scene.stream.name

    streamName = _property(str, _stream_name, notify=streamChanged)  # noqa: N815
    """Its name; empty: there is none."""

    @property
    def view(self) -> View:
        """What of the picture is shown, and which way round; QML has its parts."""
        return self._scene.view

    @view.setter
    def view(self, view: View) -> None:
        if view != self._scene.view:
            self._scene.view = view
            self.viewChanged.emit()

    def _change_view(self, **part: Any) -> None:
        self._try_view(lambda: replace(self.view, **part))

    def _try_view(self, make: Callable[[], View]) -> None:
        # QML's numbers may be none, and what a slot raises would end the program.
        try:
            self.view = make()
        except ValueError as error:
            _log.error("VideoItem: %s", error)

    def _fit(self) -> str:
        return self.view.fit

    def _set_fit(self, fit: str) -> None:
        self._change_view(fit=fit)

    fit = _property(str, _fit, _set_fit, notify=viewChanged)
    """``"contain"``, ``"cover"`` or ``"stretch"``."""

    def _zoom(self) -> float:
        return self.view.zoom

    def _set_zoom(self, zoom: float) -> None:
        self._change_view(zoom=zoom)

    zoom = _property(float, _zoom, _set_zoom, notify=viewChanged)
    """1 or more."""

    def _center(self) -> QPointF:
        return QPointF(*self.view.center)

    def _set_center(self, center: QPointF) -> None:
        self._change_view(center=(center.x(), center.y()))

    center = _property(QPointF, _center, _set_center, notify=viewChanged)
    """What is in the middle, in parts of the picture's width and height."""

    def _turns(self) -> int:
        return self.view.quarter_turns

    def _set_turns(self, turns: int) -> None:
        self._change_view(quarter_turns=turns)

    quarterTurns = _property(int, _turns, _set_turns, notify=viewChanged)  # noqa: N815
    """Clockwise, 0 to 3."""

    def _mirrored(self) -> bool:
        return self.view.mirrored

    def _set_mirrored(self, mirrored: bool) -> None:
        self._change_view(mirrored=mirrored)

    mirrored = _property(bool, _mirrored, _set_mirrored, notify=viewChanged)
    """Left and right are exchanged."""

    def _max_fps(self) -> float:
        return self._scene.max_fps or 0.0

    def _set_max_fps(self, fps: float) -> None:
        if not fps >= 0:
            _log.error("VideoItem.maxFps must be 0 or more, not %r", fps)
        elif fps != self._max_fps():
            self._scene.max_fps = fps or None
            self.maxFpsChanged.emit()

    maxFps = _property(float, _max_fps, _set_max_fps, notify=maxFpsChanged)  # noqa: N815
    """How many pictures a second are shown at most; 0: all that come."""

    def _words(self) -> str:
        return self._shown.words

    words = _property(str, _words, notify=shownChanged)
    """The state in words, where no picture is shown; else empty."""

    def _sentence(self) -> str:
        return self._shown.sentence

    sentence = _property(str, _sentence, notify=shownChanged)
    """Why no picture is shown, if that is known."""

    def _has_picture(self) -> bool:
        return self._shown.has_picture

    hasPicture = _property(bool, _has_picture, notify=shownChanged)  # noqa: N815
    """Whether a picture is shown."""

    def _picture_rect(self) -> QRectF:
        if self._shown.placed is None:
            return QRectF()
        return QRectF(*(side / self._scale for side in self._shown.placed.area))

    pictureRect = _property(QRectF, _picture_rect, notify=shownChanged)  # noqa: N815
    """Where in the item the picture lies; empty: it shows none."""

    @Slot(QPointF, result=QPointF)
    def toSource(self, point: QPointF) -> QPointF:  # noqa: N802
        """Return which pixel of the camera's picture lies at a point of the item; (-1, -1): none is known."""
        placed = self._placed()
        if placed is None:
            return QPointF(-1, -1)
        return QPointF(*placed.to_tile.inverse().map(point.x() * self._scale, point.y() * self._scale))

    @Slot(QPointF, result=QPointF)
    def fromSource(self, point: QPointF) -> QPointF:  # noqa: N802
        """Return where in the item a pixel of the camera's picture lies; (-1, -1): that is not known."""
        placed = self._placed()
        if placed is None:
            return QPointF(-1, -1)
        x, y = placed.to_tile.map(point.x(), point.y())
        return QPointF(x / self._scale, y / self._scale)

    @Slot(float, QPointF)
    def zoomBy(self, factor: float, at: QPointF) -> None:  # noqa: N802
        """Enlarge the picture, or reduce it; what is shown at a point of the item stays there."""
        if self._placed() is not None:
            point = at.x() * self._scale, at.y() * self._scale
            self._try_view(lambda: self.view.zoomed(factor, point, self._scene.source, self._tile))

    @Slot(float, float)
    def panBy(self, right: float, down: float) -> None:  # noqa: N802
        """Move the picture by so many px of the item, up to its edges."""
        if self._placed() is not None:
            way = right * self._scale, down * self._scale
            self._try_view(lambda: self.view.panned(*way, self._scene.source, self._tile))

    @property
    def presentation(self) -> Presentation:
        """When pictures are shown: `Now()` at first, `Smooth`, `Fixed` or `InStep`."""
        return self._scene.presentation

    @presentation.setter
    def presentation(self, presentation: Presentation) -> None:
        self._scene.presentation = presentation

    def set_overlay(self, items: Iterable[Item] | None, size: Size | None = None) -> None:
        """Draw items over every picture until others replace them, as `VideoWidget.set_overlay` does."""
        self._overlay.size = size or self._scene.source
        self._overlay.items = checked(items)
        self._scene.show_layer(self._overlay, bool(self._overlay.items))
        self._paint_again()

    def statistics(self) -> WidgetStatistics:
        """Return what became of the frames since the item was made."""
        return self._scene.statistics()

    def look(self, is_drawn: bool) -> None:
        """Read if the item is seen now, at the size that it has, else nothing; its watch has it look."""
        window = self.window()
        self._is_seen = window is not None and is_drawn and is_seen(self, window)
        if window is None or not self._is_seen:
            self._scene.look_away()
            return
        self._measure(window)
        self._scene.look(*self._tile)

    def _measure(self, window: QQuickWindow) -> None:
        scale = window.effectiveDevicePixelRatio()
        # As Qt does, or pixels would not be copied one by one.
        texture = QSizeF(self.width(), self.height()).toSize() * scale
        tile = texture.width(), texture.height()
        if tile != self._tile or scale != self._scale:
            self._tile, self._scale = tile, scale
            self._paint_again()
            self._tell_shown()

    def paint(self, painter: QPainter | None) -> None:
        """Paint the picture; Qt calls it, maybe in its own thread while that of the GUI waits."""
        if painter is None or 0 in self._tile:
            return
        painter.resetTransform()
        self._is_threaded = threading.get_ident() != self._gui_thread
        if not self._is_threaded:
            self._scene.paint(painter, *self._tile, self._scale)
        elif self._painted_ahead is None:
            painter.fillRect(0, 0, *self._tile, Qt.GlobalColor.black)
        else:
            painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Source)
            painter.drawImage(0, 0, self._painted_ahead)

    def updatePolish(self) -> None:  # noqa: N802
        """Paint where Qt's thread must not: timers and signals belong to the GUI."""
        if self._is_threaded is False or 0 in self._tile:
            return
        image = self._painted_ahead
        if image is None or image.size() != QSize(*self._tile):
            image = self._painted_ahead = QImage(*self._tile, QImage.Format.Format_RGB32)
        painter = QPainter(image)
        try:
            self._scene.paint(painter, *self._tile, self._scale)
        finally:
            painter.end()

    def geometryChange(self, *geometries: QRectF) -> None:  # type: ignore[override]  # noqa: D102, N802
        super().geometryChange(*geometries)
        window = self.window()
        if window is not None:
            self._measure(window)
        self._look_now()

    # Slots are declared: where QML adds properties to an item, PySide6 does not find others.

    @Slot(QQuickWindow)
    def _on_window(self, window: QQuickWindow | None) -> None:
        if self._watch is not None:
            self._watch.leave(self)
            self._watch = None
        if window is None:
            self._scene.look_away()
        else:
            self._watch = WindowWatch.of(window)
            self._watch.join(self)

    @Slot()
    def _look_now(self) -> None:
        if self._watch is not None:
            self._watch.look_now()

    @Slot()
    def _on_changed(self) -> None:
        if self._watch is not None and self._is_seen:
            self._watch.ask()
        self._paint_again()
        self._tell_shown()

    def _paint_again(self) -> None:
        if self._is_threaded is not False:
            self.polish()
        self.update()

    def _placed(self) -> Placed | None:
        return self._scene.placed(*self._tile)

    def _tell_shown(self) -> None:
        """Tell QML what is shown, if that has changed: asked for each picture."""
        player = self._scene.player
        if player is not None and player.picture is not None:
            placed = self._placed()
            if placed is not self._shown.placed or not self._shown.has_picture:
                self._shown = _Shown("", "", True, placed)
                self.shownChanged.emit()
            return
        message = _NO_STREAM if player is None else player.message
        shown = _Shown(message.state, message.sentence, False, None)
        if shown != self._shown:
            self._shown = shown
            self.shownChanged.emit()


class _Shown(NamedTuple):
    words: str
    sentence: str
    has_picture: bool
    placed: Placed | None


_NO_STREAM = Message("", "no stream", "")
