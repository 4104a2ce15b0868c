"""A widget that shows a live stream."""

from collections.abc import Iterable
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QPointF, QSize, Qt, Signal
from qtpy.QtGui import (
    QAction,
    QContextMenuEvent,
    QDragEnterEvent,
    QDragMoveEvent,
    QDropEvent,
    QFocusEvent,
    QHideEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QShowEvent,
    QWheelEvent,
)
from qtpy.QtWidgets import QMenu, QSizePolicy, QWidget

from camgraph.client.streams import LiveStream
from camgraph.qt import arguments
from camgraph.qt.video.accessible import description_of
from camgraph.qt.video.actions import Actions, Arrows
from camgraph.qt.video.dragging import Dragging, drop, offer
from camgraph.qt.video.exposure import Exposure
from camgraph.qt.video.focus import by_keyboard, draw_frame
from camgraph.qt.video.gestures import DragPan, WheelZoom
from camgraph.qt.video.name import StreamName
from camgraph.qt.video.notice import Notice
from camgraph.qt.video.overlay import STANDS_MS, Box, Item, Overlay, ResultsLayer, checked
from camgraph.qt.video.panel import StatisticsPanel
from camgraph.qt.video.presentation import Hold, Presentation, check_ms
from camgraph.qt.video.results import ResultStatistics
from camgraph.qt.video.scaling import in_device_pixels
from camgraph.qt.video.scene import Scene
from camgraph.qt.video.snapshot import Snapshots, seen
from camgraph.qt.video.statistics import WidgetStatistics
from camgraph.qt.video.tools import Tool
from camgraph.qt.video.view import Size, View
from camgraph.qt.video.zones import Zone, Zones

if TYPE_CHECKING:
    from camgraph.qt.gl.surface import GlSurface


class VideoWidget(QWidget):
    """Shows a stream, as large as fits, or its name, state and reason while there is no picture.

    Frames are read while the widget can be seen: not while it is hidden, covered or scrolled out. Widget and
    site can be closed in any order. To be used in the thread of the GUI, as any widget.
    """

    clicked = Signal(object)
    """The left mouse button was pressed and released on the widget: the stream's name (str)."""
    double_clicked = Signal(object)
    """The left mouse button was pressed twice, quickly: the stream's name (str). `clicked` comes, too."""
    stream_changed = Signal(object)
    """The widget shows another stream: `LiveStream` or None."""
    view_changed = Signal(object)
    """It is zoomed, moved, turned, mirrored or fitted another way: the new `View`."""
    zones_changed = Signal(object)
    """Somebody has edited the zones: all that there are now, a list of `Zone`."""
    dropped = Signal(object, object)
    """A stream was dropped on the widget: the `LiveStream`, and the object it was dragged from, or None."""
    snapshot_saved = Signal(object)
    """A picture was saved: the file's `Path`."""
    snapshot_copied = Signal()
    """A picture was put into the clipboard."""
    snapshot_failed = Signal(object)
    """A picture could not be had or saved: why, in a sentence."""

    def __init__(self, stream: LiveStream | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._scene = Scene(stream, self)
        self._scene.changed.connect(self.update)
        self._scene.told.connect(self._describe)
        self._describe()
        self._exposure = Exposure(self, self._scene)
        self._surface: GlSurface | None = None
        self._overlay = Overlay()
        self._results = ResultsLayer()
        self._name = StreamName(self._scene)
        self._panel = StatisticsPanel(self._scene)
        self._dragging = Dragging(self)
        self.shows_dropped = True
        """Whether the widget shows what is dropped on it, before it emits `dropped`."""
        self._snapshots: dict[bool, Snapshots] = {}
        """What takes them for the program, and for the person at the keyboard."""
        self._gestures: tuple[Tool, ...] = (WheelZoom(self), DragPan(self))
        self._tools: list[Tool] = [*self._gestures, self._dragging, Arrows(self)]
        self._zones = Zones(self._scene, self._tools)
        self._holder: Tool | None = None
        """The tool that has taken the press."""
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._framed = False
        self._actions = Actions(self)

    @property
    def stream(self) -> LiveStream | None:
        """The stream that is shown; None: there is none."""
        return self._scene.stream

    @property
    def stream_name(self) -> str:
        """The name of the stream that is shown; empty: there is none."""
        return "" if self.stream is None else self.stream.name

    def set_stream(self, stream: LiveStream | None) -> None:
        """Show another stream, or none. What was turned or zoomed for the one before is not for this one."""
        if stream is not self.stream:
            if self.stream is not None:
                self.reset_view()
            self._results.clear()
            self._scene.stream = stream
            self.stream_changed.emit(stream)

    @property
    def presentation(self) -> Presentation:
        """When pictures are shown: `Now()` at first, `Smooth`, `Fixed` or `InStep`; to be set at any time."""
        return self._scene.presentation

    @presentation.setter
    def presentation(self, presentation: Presentation) -> None:
        self._scene.presentation = presentation

    def _describe(self) -> None:
        # Qt tells screen readers, where there are any.
        self.setAccessibleName(self.stream_name)
        self.setAccessibleDescription(description_of(self._scene.player))

    def set_boxes(self, boxes: Iterable[Box] | None) -> None:
        """Draw boxes over the picture until others replace them; None: none. The same as `set_overlay`."""
        self.set_overlay(boxes)

    def set_overlay(self, items: Iterable[Item] | None, size: Size | None = None) -> None:
        """Draw items over every picture, the first one first, until others replace them; None: none.

        They are cut at the picture's edges, and lie where they belong however it is zoomed and turned.
        `size` is that of the picture in whose px they lie, the frames of an analyzer say; None: of what the
        camera sends now. Raises TypeError for what is no `Box`, `Polygon`, `Label`, `Mask` or `HeatMap`.
        """
        overlay, layers = self._overlay, self._scene.layers
        overlay.size = size or self._scene.source
        overlay.items = checked(items)
        if overlay.items and overlay not in layers:
            layers.insert(0, overlay)
        elif not overlay.items and overlay in layers:
            layers.remove(overlay)
        self.update()

    def add_result(
        self,
        key: tuple[int, int, int | None],
        items: Iterable[Item] | None,
        size: Size | None = None,
    ) -> None:
        """Draw what was found in a frame, named by its `Frame.key`, on that very picture.

        It stands until the picture that the next result belongs to; empty, or None: nothing was found. What
        comes when its picture has been shown is drawn from the next one on; see `hold_results`. `size`
        is as in `set_overlay`. Raises TypeError as that does.
        """
        self._show_results()
        if self._results.add(key, items, size or self._scene.source):
            self.update()

    def hold_results(self, up_to_ms: int, stands_ms: float = STANDS_MS) -> None:
        """Hold pictures back until their results are there, at most `up_to_ms` (0 to 2000); 0: not at all.

        They are held back for as long as 95 % of the latest results took; if more than half take longer than
        `up_to_ms`, not at all, and neither while none comes. Over a picture without one of its own a result
        stands for `stands_ms`. Raises ValueError for other times.
        """
        check_ms("up_to_ms", up_to_ms, 0)
        self._results.stand(stands_ms)
        before = self._results.hold
        if up_to_ms != (0 if before is None else before.longest_ms):
            self._results.hold = self._scene.hold = Hold(up_to_ms) if up_to_ms else None
        self._show_results()

    def result_statistics(self) -> ResultStatistics:
        """Return what became of the results since the widget was made."""
        return self._results.statistics()

    def _show_results(self) -> None:
        layers = self._scene.layers
        if self._results not in layers:
            layers.insert(int(self._overlay in layers), self._results)

    @property
    def zones(self) -> list[Zone]:
        """The zones over the picture, as they are now."""
        return self._zones.all

    def set_zones(self, zones: Iterable[Zone] | None, size: Size | None = None) -> None:
        """Draw zones over the picture in the place of those before; None: none.

        `size` is that of the picture in whose px they lie, and are told when they are edited; None: of what
        the camera sends now. Give it where a camera has a smaller stream, too (`sub_url`). Raises TypeError
        for what is no `Zone`. `zones_changed` is for changes that a person makes.
        """
        self._zones.show(zones or (), size or self._scene.source)

    @property
    def zones_edited(self) -> bool:
        """Whether zones are edited here."""
        return self._zones.edited

    def edit_zones(self, editing: bool = True) -> None:
        """Let zones be edited with the mouse, while a picture is shown; False: no more, as at first.

        Corners and zones are dragged. A press on a line makes a corner, the right button on a corner removes
        it, Del the zone that was pressed last. A double click beside the zones begins another: clicks make
        its corners, a click on the first one, a double click or Enter ends it. Esc gives up what is begun.
        Whatever else the mouse and keys do goes on beside the zones.
        """
        self._zones.edit(self, editing)

    @property
    def name_shown(self) -> bool:
        """Whether the stream's name is over the picture; at first it is not. The key N changes it."""
        return self._name in self._scene.layers

    @name_shown.setter
    def name_shown(self, shown: bool) -> None:
        self._scene.show_layer(self._name, shown)
        self._actions.check()

    @property
    def statistics_shown(self) -> bool:
        """Whether numbers of the stream are over the picture; at first they are not. The key I changes it."""
        return self._panel in self._scene.layers

    @statistics_shown.setter
    def statistics_shown(self, shown: bool) -> None:
        self._scene.show_layer(self._panel, shown)
        self._actions.check()

    @property
    def max_fps(self) -> float | None:
        """How many pictures a second are shown at most; None, as at first: all that come."""
        return self._scene.max_fps

    @max_fps.setter
    def max_fps(self, fps: float | None) -> None:
        if fps is not None and not arguments.number("max_fps", fps) > 0:
            raise ValueError(f"max_fps is above 0, or None, not {fps!r}")
        self._scene.max_fps = fps

    @property
    def view(self) -> View:
        """What of the picture is shown, and which way round; it can be set at any time."""
        return self._scene.view

    @view.setter
    def view(self, view: View) -> None:
        if view != self._scene.view:
            self._scene.view = view
            self._actions.check()
            self.view_changed.emit(view)

    @property
    def zoomable(self) -> bool:
        """Whether the wheel zooms, and the mouse moves what is zoomed in; at first they do."""
        return self._gestures[0] in self._tools

    @zoomable.setter
    def zoomable(self, zoomable: bool) -> None:
        self._tools[:] = [tool for tool in self._tools if tool not in self._gestures]
        if zoomable:
            before = self._tools.index(self._dragging)
            self._tools[before:before] = self._gestures

    def zoom_by(self, factor: float, at: QPointF | None = None) -> None:
        """Enlarge the picture by a factor, or reduce it; what is shown at a point of the widget stays there.

        The point is the widget's middle where none is given. The picture is never smaller than `View.fit`
        alone would show it. Nothing happens while the size of the camera's picture isn't known. Raises
        ValueError for a factor that is not above 0.
        """
        if not 0 < arguments.number("a factor", factor) < inf:
            raise ValueError(f"a factor is above 0, and finite, not {factor}")
        if at is not None and not isinstance(at, QPointF):
            raise TypeError(f"a point of the widget is a QPointF, not {arguments.shown(at)}")
        width, height = self._tile
        scale = self.devicePixelRatioF()
        point = (width / 2, height / 2) if at is None else (at.x() * scale, at.y() * scale)
        if 0 not in (*self._scene.source, width, height):
            self.view = self.view.zoomed(factor, point, self._scene.source, self._tile)

    def to_source(self, point: QPointF) -> QPointF | None:
        """Return which pixel of the camera's picture lies at a point of the widget, that of a click say.

        It may lie beside the picture. None: the picture's size is not known.
        """
        scale, placed = self.devicePixelRatioF(), self._scene.placed(*self._tile)
        if placed is None:
            return None
        return QPointF(*placed.to_tile.inverse().map(point.x() * scale, point.y() * scale))

    def from_source(self, point: QPointF) -> QPointF | None:
        """Return where in the widget a pixel of the camera's picture lies; None: its size is not known."""
        scale, placed = self.devicePixelRatioF(), self._scene.placed(*self._tile)
        if placed is None:
            return None
        x, y = placed.to_tile.map(point.x(), point.y())
        return QPointF(x / scale, y / scale)

    def pan_by(self, right: float, down: float) -> None:
        """Move the picture by so many px of the widget, up to its edges; it moves where it is cut."""
        scale = self.devicePixelRatioF()
        if 0 not in (*self._scene.source, *self._tile):
            self.view = self.view.panned(right * scale, down * scale, self._scene.source, self._tile)

    def rotate(self) -> None:
        """Turn the picture clockwise by a quarter."""
        self.view = self.view.rotated()

    def mirror(self) -> None:
        """Exchange left and right as they are seen."""
        self.view = self.view.flipped()

    def reset_view(self) -> None:
        """Show all of the picture as it comes, with `fit` as it is."""
        self.view = View(self.view.fit)

    @property
    def _tile(self) -> Size:
        """The widget's size in device pixels."""
        scale = self.devicePixelRatioF()
        return round(self.width() * scale), round(self.height() * scale)

    def action(self, name: str) -> QAction:
        """Return an action of the widget's: its keys and text can be changed, and it can be put elsewhere.

        There are ``contain``, ``cover``, ``stretch`` and ``next_fit`` (F), ``zoom_in`` (+), ``zoom_out`` (-),
        ``rotate`` (R), ``mirror`` (M), ``reset_view`` (0), ``name`` (N), ``statistics`` (I), ``copy``
        (Ctrl+C) and ``save`` (S). Keys are those of the widget that has the focus. Raises KeyError for
        another name.
        """
        return self._actions.find(name)

    def make_menu(self) -> QMenu:
        """Return a new menu of the actions, as the right button and the menu key open it."""
        return self._actions.menu()

    def snapshot(self) -> QImage:
        """Return what the widget shows now, in device pixels: picture or message, and the overlay."""
        return seen(self)

    def save_snapshot(self, path: str | Path | None = None) -> None:
        """Save the camera's next picture, whole and at its resolution, turned and mirrored as it is shown.

        It is read and written while the program goes on; `snapshot_saved` tells the file, `snapshot_failed`
        why there is none, at the latest after 5 s if no picture comes. A file that exists is left as it is: a
        number is added to the name. In a folder, which is the user's for pictures if none is given, it is
        named after stream and time. Raises ValueError for a suffix other than .png, .jpg and .jpeg.
        """
        self._taking_snapshots().save(path)

    def copy_snapshot(self) -> None:
        """Put the camera's next picture into the clipboard, as `save_snapshot` saves it."""
        self._taking_snapshots().copy()

    def _taking_snapshots(self, *, for_person: bool = False) -> Snapshots:
        taking = self._snapshots.get(for_person)
        if taking is None:
            taking = self._snapshots[for_person] = Snapshots(self)
            taking.saved.connect(self.snapshot_saved)
            taking.copied.connect(self.snapshot_copied)
            taking.failed.connect(self.snapshot_failed)
            if for_person:
                Notice(self._scene, taking)
        return taking

    def statistics(self) -> WidgetStatistics:
        """Return what became of the frames since the widget was made."""
        return self._scene.statistics()

    def setDragEnabled(self, enabled: bool) -> None:  # noqa: N802
        """Let the stream be dragged from here, or not, as at first.

        It can be dropped on widgets of this program that have had ``setAcceptDrops(True)``.
        """
        self._dragging.enabled = enabled

    def dragEnabled(self) -> bool:  # noqa: N802
        """Tell whether the stream can be dragged from here."""
        return self._dragging.enabled

    def sizeHint(self) -> QSize:  # noqa: D102, N802
        return QSize(320, 180)

    def minimumSizeHint(self) -> QSize:  # noqa: D102, N802
        return QSize(16, 9)

    @property
    def gl(self) -> bool:
        """Whether OpenGL draws the pictures, for large tiles on a graphics card; at first it does not.

        Where it can't be had, or fails, it stays off, and the log tells why.
        """
        return self._surface is not None

    @gl.setter
    def gl(self, gl: bool) -> None:
        if gl and self._surface is None:
            # Loads libraries that nobody else needs.
            from camgraph.qt.gl.surface import surface_for

            self._surface = surface_for(self, self._scene, self._paint, self._leave_gl)
        elif not gl:
            self._leave_gl()

    def _leave_gl(self) -> None:
        surface, self._surface = self._surface, None
        if surface is not None:
            surface.leave()
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: D102, N802
        if self._surface is not None:
            self._surface.update()
            return
        painter = QPainter(self)
        try:
            self._paint(painter)
        finally:
            painter.end()

    def _paint(self, painter: QPainter) -> None:
        scale = self.devicePixelRatioF()
        width, height = self.width(), self.height()
        if scale != 1:
            width, height = in_device_pixels(painter, width, height, scale)
        if self.isVisible():  # `grab` paints hidden widgets too.
            self._exposure.painted(width, height)
        self._scene.paint(painter, width, height, scale)
        if self._framed and self.hasFocus():
            draw_frame(painter, (width, height), scale, self.palette())

    def showEvent(self, event: QShowEvent) -> None:  # noqa: D102, N802
        # A window that is restored need not be painted anew.
        self.update()
        super().showEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: D102, N802
        self._exposure.hidden()
        holder, self._holder = self._holder, None
        if holder is not None:
            holder.let_go()
        super().hideEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: D102, N802
        if self._holder is not None and event.buttons() != event.button():
            # While a button is held the other ones are for who has it.
            self._holder.press(event)
        else:
            self._holder = next((tool for tool in self._tools if tool.press(event)), None)
        if self._holder is None:
            super().mousePressEvent(event)
        else:
            event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: D102, N802
        tools = self._tools if self._holder is None else [self._holder]
        if not any(tool.move(event) for tool in tools):
            super().mouseMoveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: D102, N802
        holder = self._holder
        if not event.buttons():
            self._holder = None
        if holder is None or not holder.release(event):
            super().mouseReleaseEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: D102, N802
        if not any(tool.double_click(event) for tool in self._tools):
            self.mousePressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: D102, N802
        if any(tool.wheel(event) for tool in self._tools):
            event.accept()
        else:
            super().wheelEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: D102, N802
        if not any(tool.key(event) for tool in self._tools):
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: D102, N802
        self._framed = by_keyboard(event, self._framed)
        super().focusInEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: D102, N802
        # A tool that has taken the press wants no menu.
        if event.reason() != QContextMenuEvent.Reason.Mouse or self._holder is None:
            menu = self.make_menu()
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            menu.popup(event.globalPos())

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: D102, N802
        offer(self, event)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:  # noqa: D102, N802
        offer(self, event)

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: D102, N802
        drop(self, event)
