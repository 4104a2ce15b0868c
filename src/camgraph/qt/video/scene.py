"""What a tile shows, painted: the picture and its bars, or a message, and layers over it."""

import logging
import time
from collections.abc import Callable

from qtpy.QtCore import QObject, QPoint, QRect, Qt, Signal
from qtpy.QtGui import QColor, QPainter, QTransform

from camgraph.base.geometry import Area
from camgraph.client.streams import LiveStream
from camgraph.client.wording import Message
from camgraph.qt import arguments
from camgraph.qt.video.countdown import Countdown
from camgraph.qt.video.frames import Picture
from camgraph.qt.video.layers import Canvas, Layer
from camgraph.qt.video.nosignal import draw_message
from camgraph.qt.video.player import Player
from camgraph.qt.video.presentation import Hold, Now, Presentation, checked
from camgraph.qt.video.statistics import FrameCounts, PaintedCounter, WidgetStatistics
from camgraph.qt.video.still import Still
from camgraph.qt.video.view import Affine, Placed, Size, View
from camgraph.ring.frame import Frame

_log = logging.getLogger(__name__)

_NO_STREAM = Message("", "no stream", "")
_BARS = QColor(0, 0, 0)
_SOURCE = QPainter.CompositionMode.CompositionMode_Source
_OVER = QPainter.CompositionMode.CompositionMode_SourceOver

Part = tuple[int, int, int, int]
"""x, y, width, height in px of the camera's picture."""
PlanesPainter = Callable[[QPainter, Frame, Affine, Size, Size], None]
"""Fills a tile with a yuv420p frame: what leads to the tile from the camera's picture, the sizes of both."""


class Scene(QObject):
    """Paints a stream as a view wants it; a widget's, or an item's. In the thread of the GUI.

    It reads while it is told by `look` that it is seen, and nothing after `look_away`.
    """

    changed = Signal()
    """There is something else to paint."""
    unpainted = Signal()
    """Pictures come, and nobody has had them painted."""
    tile_changed = Signal(int)
    """The tile has another size: its width in device pixels."""
    told = Signal()
    """There are pictures again, or none any more, or what is told of that is something else."""

    def __init__(self, stream: LiveStream | None, parent: QObject) -> None:
        super().__init__(parent)
        self.layers: list[Layer] = []
        """What is painted over the picture, the first one first."""
        self.player: Player | None = None
        """What reads the stream; None: there is none."""
        self._stream: LiveStream | None = None
        self._before = FrameCounts()
        """What became of the frames of streams that were shown before."""
        self._view = View()
        self._upright = True
        self._tile: Size = (0, 0)
        self._max_fps: float | None = None
        self._presentation: Presentation = Now()
        self._hold: Hold | None = None
        self._planes_painter: PlanesPainter | None = None
        self._placed: tuple[object, Placed] | None = None
        self._still: Still | None = None
        self._counter = PaintedCounter()
        self._paint_failed = False
        self._countdown = Countdown(self)
        self._countdown.ticked.connect(self.changed)
        self.stream = stream

    @property
    def stream(self) -> LiveStream | None:
        """The stream that is shown; another may take its place at any time."""
        return self._stream

    @stream.setter
    def stream(self, stream: LiveStream | None) -> None:
        if stream is not None:
            arguments.live(stream)
        if self.player is not None:
            self.player.stop()
            self._before.add(self.player.counts())
            self.player.deleteLater()
        self._stream, self.player, self._still = stream, None, None
        if stream is not None:
            self.player = Player(stream, self)
            self.player.changed.connect(self.changed)
            self.player.unpainted.connect(self.unpainted)
            self.player.told.connect(self.told)
            self.player.limit(self._max_fps)
            self.player.read_planes(self._planes_painter is not None)
            self.player.present(self._presentation, self._hold)
            if self._tile != (0, 0):
                self.player.show_in(self._tile, self._view)
        self.changed.emit()
        self.told.emit()

    @property
    def presentation(self) -> Presentation:
        """When pictures are shown."""
        return self._presentation

    @presentation.setter
    def presentation(self, presentation: Presentation) -> None:
        self._presentation = checked(presentation)
        self._present()

    @property
    def hold(self) -> Hold | None:
        """Who has pictures held back; None: nobody."""
        return self._hold

    @hold.setter
    def hold(self, hold: Hold | None) -> None:
        self._hold = hold
        self._present()

    def _present(self) -> None:
        if self.player is not None:
            self.player.present(self._presentation, self._hold)

    @property
    def max_fps(self) -> float | None:
        """How many pictures a second are shown at most; None: all that come."""
        return self._max_fps

    @max_fps.setter
    def max_fps(self, fps: float | None) -> None:
        self._max_fps = fps
        if self.player is not None:
            self.player.limit(fps)

    def paint_planes_by(self, painter: PlanesPainter | None) -> None:
        """Have pictures painted by another from their planes of YUV; None: from RGB, here."""
        self._planes_painter = painter
        if self.player is not None:
            self.player.read_planes(painter is not None)
        self.changed.emit()

    @property
    def view(self) -> View:
        """What of the picture is shown, and which way round."""
        return self._view

    @view.setter
    def view(self, view: View) -> None:
        if not isinstance(view, View):
            raise TypeError(f"a view is a View, View(fit='cover') say, not {arguments.shown(view)}")
        self._view = view
        self._upright = view.quarter_turns == 0 and not view.mirrored
        if self.player is not None and self._tile != (0, 0):
            self.player.show_in(self._tile, view)
        self.changed.emit()

    def show_layer(self, layer: Layer, shown: bool) -> None:
        """Paint a layer over those that are there, or no more; one that is off costs nothing."""
        if shown != (layer in self.layers):
            if shown:
                self.layers.append(layer)
            else:
                self.layers.remove(layer)
            self.changed.emit()

    def statistics(self) -> WidgetStatistics:
        """Return what became of the frames since this was made."""
        counts = FrameCounts()
        counts.add(self._before)
        delay_ms = 0.0
        if self.player is not None:
            counts.add(self.player.counts())
            delay_ms = self.player.delay_ms
        return self._counter.statistics(counts, delay_ms)

    def look(self, width: int, height: int) -> None:
        """Show the stream in a tile of so many device pixels; one of none changes nothing."""
        if width and height and (width, height) != self._tile:
            self._tile = (width, height)
            if self._still is not None:
                self._still.begin()
            if self.player is not None:
                self.player.show_in(self._tile, self._view)
            self.tile_changed.emit(width)

    @property
    def misses(self) -> bool:
        """Whether a picture has come since this was painted."""
        return self.player is not None and self.player.misses

    def look_away(self) -> None:
        """Read nothing until the next `look`; what was seen last stands then, dark, until there is more."""
        self._tile = (0, 0)
        if self.player is not None:
            if self.player.picture is not None and self._planes_painter is None:
                self._drop_still()
                self._still = Still(self.player, self._drop_still)
            self.player.stop()

    def _drop_still(self) -> None:
        still, self._still = self._still, None
        if still is not None:
            still.deleteLater()
            self.changed.emit()

    @property
    def source(self) -> Size:
        """Width and height in px of the camera's picture; (0, 0): not known yet."""
        return (0, 0) if self.player is None else self.player.source

    def placed(self, width: int, height: int) -> Placed | None:
        """Return where the camera's picture lies in a tile of that size; None: its size is not known."""
        source = self.source
        if 0 in source or not width or not height:
            return None
        key = (source, width, height, self._view)
        if self._placed is None or self._placed[0] != key:
            self._placed = key, self._view.place(source, (width, height))
        return self._placed[1]

    def paint(self, painter: QPainter, width: int, height: int, scale: float) -> None:
        """Paint a tile of so many device pixels; nothing is raised, since that would end the program."""
        try:
            self._paint(painter, width, height, scale)
        except Exception:
            # One line in the log per widget will do.
            if not self._paint_failed:
                self._paint_failed = True
                _log.exception("stream %s can't be painted", getattr(self._stream, "name", None))

    def _paint(self, painter: QPainter, width: int, height: int, scale: float) -> None:
        # Here every call is paid for each frame, so what only a new size changes is kept.
        picture = None
        if self.player is not None:
            picture = self.player.picture
            self.player.painted()
        placed = None if picture is None else self.placed(width, height)
        if picture is None or placed is None:
            picture = placed = None
            self._paint_without(painter, width, height, scale)
        else:
            if self._planes_painter is None:
                roi = None if self.player is None else self.player.roi
                self._paint_picture(painter, picture, roi, placed, (width, height))
            else:
                self._planes_painter(painter, picture.frame, placed.to_tile, self.source, (width, height))
            if not picture.painted:
                picture.painted = True
                arrival_ns, due_ns = picture.frame.arrival_ns, picture.due_ns
                self._counter.count(picture.size, arrival_ns, time.monotonic_ns(), due_ns)
        if self.layers:
            painter.setCompositionMode(_OVER)
            canvas = Canvas((width, height), scale, self.source, placed, picture)
            for layer in self.layers:
                layer.paint(painter, canvas)

    def _paint_without(self, painter: QPainter, width: int, height: int, scale: float) -> None:
        player, still = self.player, self._still
        if player is not None and still is not None and still.stands_for(player):
            placed = self.placed(width, height)
            if placed is not None:
                self._paint_picture(painter, still, still.roi, placed, (width, height))
                return
        message = _NO_STREAM if player is None else player.message
        draw_message(painter, width, height, message, scale)
        self._countdown.go_on(0 if player is None else player.next_attempt_ns)

    def _paint_picture(
        self, painter: QPainter, picture: Picture | Still, roi: Part | None, placed: Placed, tile: Size
    ) -> None:
        area, target = placed.area, placed.target
        painter.setCompositionMode(_SOURCE)
        if self._upright and target[2:] == picture.size and roi == placed.wanted.roi:
            painter.drawImage(QPoint(target.x, target.y), picture.image)
        else:
            area = self._paint_elsewhere(painter, picture, placed, roi)
        if area[2:] != tile:
            _fill_bars(painter, area, *tile)

    def _paint_elsewhere(
        self, painter: QPainter, picture: Picture | Still, placed: Placed, roi: Part | None
    ) -> Area:
        """Paint a picture turned, or where it belongs until the one that is wanted is there; return where."""
        target = placed.to_tile.area(*(roi or (0, 0, *self.source)))
        width, height = picture.size
        turned = (height, width) if self._view.quarter_turns % 2 else (width, height)
        if all(abs(one - other) <= 1 for one, other in zip(target[2:], turned, strict=True)):
            # What is only moved stays sharp; to scale it by a pixel would cost ten times as much.
            target = target._replace(width=turned[0], height=turned[1])
        area = target.inside(placed.area)
        painter.save()
        painter.setClipRect(QRect(*area), Qt.ClipOperation.IntersectClip)
        # Not smoothed: that would cost more than the moment is worth.
        painter.setTransform(QTransform(*self._view.lay((0, 0, width, height), target)), True)
        painter.drawImage(QPoint(0, 0), picture.image)
        painter.restore()
        return area


def _fill_bars(painter: QPainter, area: Area, width: int, height: int) -> None:
    right, bottom = area.x + area.width, area.y + area.height
    if area.width < width:
        painter.fillRect(0, 0, area.x, height, _BARS)
        painter.fillRect(right, 0, width - right, height, _BARS)
    if area.height < height:
        painter.fillRect(area.x, 0, area.width, area.y, _BARS)
        painter.fillRect(area.x, bottom, area.width, height - bottom, _BARS)
