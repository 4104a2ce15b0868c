"""Many streams side by side."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QAction, QKeyEvent, QPalette, QResizeEvent
from qtpy.QtWidgets import QWidget

from camgraph.client.streams import LiveStream, StreamTable
from camgraph.control.messages import StreamStatus
from camgraph.qt import arguments
from camgraph.qt.ending import when_destroyed
from camgraph.qt.video.presentation import Now, Presentation
from camgraph.qt.video.relay import SiteRelay
from camgraph.qt.video.widget import VideoWidget
from camgraph.qt.wall.keys import take_key
from camgraph.qt.wall.layouts import Arrangement
from camgraph.qt.wall.places import Places
from camgraph.qt.wall.rates import DEFAULT_RATES, Rates, checked, fps_of
from camgraph.qt.wall.saved import restore_places, save_places
from camgraph.qt.wall.tile import Tile

_log = logging.getLogger(__name__)


class VideoWall(QWidget):
    """Shows streams beside each other without gaps, by default in a grid as near to square as can be.

    ``wall["door"]`` is the `VideoWidget` of a stream; iterating gives them all, in order. A wall of
    ``site.streams`` follows `Site.apply`: new streams get tiles, those of removed ones go. A wall of other
    streams keeps those that it was given.

    `layout` is a layout as `set_layout` takes it. `rates` tells how many pictures a second small tiles show
    at most, by width in device pixels: ``{160: 5}`` gives 5 to all that are narrower than 160; by default 10
    to those below 128, ``{}``: all tiles show all that come. Tiles that are not seen read nothing.

    Double click or Enter enlarges a tile, again or Esc leads back; arrows go from tile to tile, Page Up and
    Page Down turn pages where there are more streams than places. A tile that is dragged onto another one
    changes places with it. Another stream that is dropped takes the place of the tile's, unless the wall
    follows its site.

    Raises ValueError if two streams have the same name, or for a layout or rates that can't be.
    """

    clicked = Signal(object)
    """A tile was clicked: the stream's name (str)."""
    enlarged = Signal(object)
    """A tile has the whole wall: the stream's name (str); empty: none has."""
    page_changed = Signal(object)
    """Another page is shown: its number (int), from 0."""
    streams_changed = Signal()
    """Tiles have come, or gone, or have changed places."""

    def __init__(
        self,
        streams: Mapping[str, LiveStream] | Iterable[LiveStream],
        parent: QWidget | None = None,
        *,
        layout: str | Sequence[str] = "auto",
        rates: Rates = DEFAULT_RATES,
    ) -> None:
        super().__init__(parent)
        self._widgets: dict[str, VideoWidget] = {}
        self._streams: dict[str, LiveStream] = {}
        self.menu_actions: list[QAction] = []
        """What the menus of the tiles have after what they offer by themselves."""
        self._places = Places()
        self._places.set_arrangement(layout)
        self._rates = checked(rates)
        self._presentation: Presentation = Now()
        self._told: tuple[str, int] = ("", 0)
        self._followed = streams if isinstance(streams, StreamTable) else None
        self.setAutoFillBackground(True)
        palette = self.palette()
        palette.setColor(QPalette.ColorRole.Window, Qt.GlobalColor.black)
        self.setPalette(palette)
        self._set_streams(streams.values() if isinstance(streams, Mapping) else streams)
        if self._followed is not None:
            relay = SiteRelay.of(self._followed.site)
            relay.status_changed.connect(self._on_status)
            when_destroyed(self, relay.leave)

    def __getitem__(self, name: str) -> VideoWidget:
        return self._widgets[name]

    def __iter__(self) -> Iterator[VideoWidget]:
        return iter([self._widgets[name] for name in self._places.order])

    def __contains__(self, name: object) -> bool:
        return name in self._widgets

    def __len__(self) -> int:
        return len(self._widgets)

    @property
    def order(self) -> tuple[str, ...]:
        """The streams' names in the order of their places."""
        return self._places.order

    @property
    def layout_name(self) -> str:
        """The name of the layout; ``custom`` for one that was drawn."""
        arrangement = self._places.arrangement
        return arrangement if isinstance(arrangement, str) else "custom"

    @property
    def arrangement(self) -> Arrangement:
        """The layout as `set_layout` takes it: its name, or the rows of its drawing."""
        return self._places.arrangement

    def set_layout(self, layout: str | Sequence[str]) -> None:
        """Lay the tiles out anew; the first one that is seen stays on the page that is shown.

        ``"auto"``: a grid as near to square as can be; ``"4x3"``: 4 columns and 3 rows; ``"1+5"``, ``"1+7"``
        …: a large tile with small ones right of and below it; rows of letters, as ``("AAB", "AAC", "DEF")``:
        a rectangle for each letter, in the order in which they are read, and nothing where dots are. Raises
        ValueError for others.
        """
        self._places.set_arrangement(layout)
        self._place()

    @property
    def follows_site(self) -> bool:
        """Whether streams come and go with those of the site."""
        return self._followed is not None

    @property
    def presentation(self) -> Presentation:
        """When pictures are shown in all tiles, also in those that come; see `VideoWidget.presentation`."""
        return self._presentation

    @presentation.setter
    def presentation(self, presentation: Presentation) -> None:
        for widget in self._widgets.values():
            widget.presentation = presentation
        self._presentation = presentation

    @property
    def pages(self) -> int:
        """How many pages there are, 1 at least."""
        return self._places.pages

    @property
    def page(self) -> int:
        """The number of the page that is shown, from 0."""
        return self._places.page

    def set_page(self, page: int) -> None:
        """Show another page, the nearest one that there is."""
        self._places.set_page(page)
        self._place()

    @property
    def enlarged_name(self) -> str:
        """The name of the stream that has the whole wall; empty: none has."""
        return self._places.enlarged

    @property
    def focused_name(self) -> str:
        """The name of the tile that has the keyboard; empty: none has."""
        return next((name for name, widget in self._widgets.items() if widget.hasFocus()), "")

    def neighbour(self, name: str, right: int, down: int) -> str | None:
        """Return which tile one comes to from another by an arrow key; None: there is none that way.

        One of `right` and `down` is 1 or -1, the other 0. While a tile is enlarged it is the one before or
        after it.
        """
        return self._places.step(name, right, down)

    def enlarge(self, name: str) -> None:
        """Give a stream the whole wall; raise KeyError if it has no tile."""
        self._places.enlarge(name)
        self._place()

    def reduce(self) -> None:
        """Show the page again, after `enlarge`."""
        self._places.reduce()
        self._place()

    def toggle(self, name: str) -> None:
        """Enlarge a tile, or show the page again, if one is enlarged."""
        if self.enlarged_name:
            self.reduce()
        else:
            self.enlarge(name)

    def swap(self, name: str, other: str) -> None:
        """Have two tiles change places; raise KeyError if one is not there."""
        self._places.swap(name, other)
        self._reorder()

    def set_order(self, names: Iterable[str]) -> tuple[str, ...]:
        """Put these tiles first, in this order; return the names that have no tile."""
        unknown = self._places.set_order(names)
        self._reorder()
        return tuple(unknown)

    def set_streams(self, streams: Mapping[str, LiveStream] | Iterable[LiveStream]) -> None:
        """Show these from now on; tiles of those that stay stay the same, where they are.

        A wall that followed its site does not any more. Raises ValueError if two have the same name.
        """
        self._set_streams(streams.values() if isinstance(streams, Mapping) else streams)
        self._followed = None

    def save(self) -> dict[str, Any]:
        """Return layout, order, page and the enlarged tile, as plain data that JSON can hold."""
        return save_places(self._places)

    def restore(self, saved: object) -> tuple[str, ...]:
        """Look as when that was saved; return the names of streams that have no tile here.

        Raises ValueError, telling what is wrong, for data that `save` does not give; nothing changes then.
        """
        unknown = restore_places(self._places, saved)
        if unknown:
            _log.info("a saved wall had streams that this one has not: %s", ", ".join(unknown))
        self._reorder()
        return tuple(unknown)

    def sizeHint(self) -> QSize:  # noqa: D102, N802
        return QSize(640, 360)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: D102, N802
        super().resizeEvent(event)
        self._place()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: D102, N802
        # What the tile with the focus does not take comes here.
        if not take_key(self, event.key()):
            super().keyPressEvent(event)

    def _on_status(self, status: StreamStatus) -> None:
        followed = self._followed
        # A stream that was removed and has come again has another handle.
        if followed is not None and followed.get(status.stream) is not self._streams.get(status.stream):
            self._set_streams(followed.values())

    def _set_streams(self, streams: Iterable[LiveStream]) -> None:
        if not isinstance(streams, Iterable) or isinstance(streams, str):
            raise TypeError(f"streams are site.streams, or a list of them, not {arguments.shown(streams)}")
        chosen = [arguments.live(stream) for stream in streams]
        self._places.set_names([stream.name for stream in chosen])
        wanted = {stream.name: stream for stream in chosen}
        for name in self._widgets.keys() - wanted:
            widget = self._widgets.pop(name)
            widget.hide()
            widget.deleteLater()
        for name, stream in wanted.items():
            if name not in self._widgets:
                self._widgets[name] = self._tile(name, stream)
            elif self._streams[name] is not stream:
                self._widgets[name].set_stream(stream)
        self._streams = wanted
        self._reorder()

    def _tile(self, name: str, stream: LiveStream) -> VideoWidget:
        widget = Tile(name, stream, self)
        widget.presentation = self._presentation
        widget.clicked.connect(self.clicked)
        return widget

    def take_dropped(self, stream: LiveStream, name: str) -> None:
        """Put a stream where one of the tiles is."""
        if self._streams.get(stream.name) is stream:
            self.swap(stream.name, name)
        elif self._followed is None and stream.name not in self._streams:
            changed = {**self._streams, name: stream}
            self._set_streams([changed[known] for known in self.order])

    def _reorder(self) -> None:
        for before, after in pairwise(self):
            QWidget.setTabOrder(before, after)
        self._place()
        self.streams_changed.emit()

    def _place(self) -> None:
        """Have each tile where it belongs."""
        areas = self._places.areas(self.width(), self.height())
        had_focus = self.focused_name
        for name, area in areas.items():
            widget = self._widgets[name]
            widget.setGeometry(*area)
            self.limit(widget)
            widget.show()
        if had_focus and had_focus not in areas:
            # Before that one goes, or the focus would go where Qt likes.
            self._widgets[next(iter(areas))].setFocus(Qt.FocusReason.OtherFocusReason)
        for name, widget in self._widgets.items():
            if name not in areas:
                widget.hide()
        self._tell()

    def limit(self, tile: VideoWidget) -> None:
        """Have a tile show as many pictures as its width is worth, on the screen where it is."""
        tile.max_fps = fps_of(round(tile.width() * tile.devicePixelRatioF()), self._rates)

    def _tell(self) -> None:
        """Emit what has changed since the last time."""
        (enlarged, page), self._told = self._told, (self.enlarged_name, self.page)
        if enlarged != self.enlarged_name:
            self.enlarged.emit(self.enlarged_name)
        if page != self.page:
            self.page_changed.emit(self.page)
