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

    def make_menu(self) -> QMenu:  # noqa: D102
        menu = super().make_menu()
        extend(menu, cast("VideoWall", self.parent()), self._in_wall)
        return menu
