"""A tile of a wall."""

from typing import TYPE_CHECKING, cast

from qtpy.QtWidgets import QMenu

from camgraph.client.streams import LiveStream
from camgraph.qt.video.widget import VideoWidget
from camgraph.qt.wall.menu import extend

if TYPE_CHECKING:
    from camgraph.qt.wall.wall import VideoWall


class Tile(VideoWidget):
    """Has in its menu what its wall offers, and is dragged and dropped on as the wall wants it."""

    def __init__(self, name: str, stream: LiveStream, wall: "VideoWall") -> None:
        super().__init__(stream, wall)
        self._in_wall = name
        self.setDragEnabled(True)
        self.setAcceptDrops(True)
        self.shows_dropped = False
        # Methods of its own: a function that knows the wall would keep it from being forgotten.
        self.double_clicked.connect(self._toggle)
        self.dropped.connect(self._take_dropped)
        # Also where the tile keeps its size, on another screen.
        self._scene.tile_changed.connect(self._limit)

    def make_menu(self) -> QMenu:  # noqa: D102
        menu = super().make_menu()
        extend(menu, self._wall, self._in_wall)
        return menu

    @property
    def _wall(self) -> "VideoWall":
        return cast("VideoWall", self.parent())

    def _toggle(self) -> None:
        self._wall.toggle(self._in_wall)

    def _limit(self) -> None:
        self._wall.limit(self)

    def _take_dropped(self, stream: LiveStream) -> None:
        self._wall.take_dropped(stream, self._in_wall)
