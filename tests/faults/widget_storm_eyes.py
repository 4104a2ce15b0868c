"""What is seen on the screen of tiles, read from the X server's own memory, whatever the widgets say."""

import mmap
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from qtpy.QtCore import QPoint, QRect, QSize
from qtpy.QtGui import QImage, QRegion
from qtpy.QtWidgets import QApplication, QWidget
from tests.real.window_manager import STRIP_PX
from tests.real.x11_windows import Picture, Spot, XServer

from camgraph.base.geometry import letterbox
from camgraph.qt import VideoWidget
from camgraph.testing.pattern import decode

READABLE_PX = (170, 96)
UNDER_PANEL_PX = 160
"""So high a picture is not wholly under the numbers that are drawn over it."""


class Seen(NamedTuple):
    """What a test picture says of itself."""

    camera: int
    number: int


class Eyes:
    """Looks at a screen whose pixels the X server keeps in a file."""

    def __init__(self, framebuffer: Path, display: str) -> None:
        with framebuffer.open("rb") as file:
            self._memory = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        self._server = XServer(display, 0, self._memory)
        self._size = self._server._size[1], self._server._size[0]

    def close(self) -> None:
        """Look no more."""
        del self._server
        self._memory.close()

    def read(self, tile: VideoWidget) -> Seen | None:
        """Return which camera's picture is seen, whole and where it belongs; None: no such picture."""
        picture = self._picture(tile)
        if picture is None:
            return None
        found = decode(picture)
        # What the widget itself draws over it may hide a strip or two, but not all three.
        covered = bool(tile._scene.layers)
        if found.camera is None or found.number is None or found.torn or not (found.ok or covered):
            return None
        return Seen(found.camera, found.number)

    def keep(self, path: Path) -> None:
        """Write all of the screen into a file, for people."""
        pixels = self._server.pixels(Spot(0, 0, *self._size))
        image = QImage(pixels.tobytes(), *self._size, 3 * self._size[0], QImage.Format.Format_RGB888)
        image.save(str(path))

    def readable(self, tile: VideoWidget) -> bool:
        """Tell whether the picture is large enough to be read."""
        area = _area(tile)
        width, height = (area.width(), area.height())[:: -1 if tile.view.quarter_turns % 2 else 1]
        if tile.statistics_shown and area.height() < UNDER_PANEL_PX:
            return False
        return width >= READABLE_PX[0] and height >= READABLE_PX[1]

    def _picture(self, tile: VideoWidget) -> Picture | None:
        area = _area(tile)
        corner = tile.mapToGlobal(area.topLeft())
        spot = Spot(corner.x(), corner.y(), area.width(), area.height())
        pixels = self._server.pixels(spot)
        if pixels.shape[:2] != (spot.height, spot.width):
            return None
        pixels = np.rot90(pixels, tile.view.quarter_turns)
        return np.ascontiguousarray(pixels[:, ::-1] if tile.view.mirrored else pixels)


def _area(tile: VideoWidget) -> QRect:
    """Where in a tile, neither zoomed nor cut, the picture is to be."""
    size: QSize = tile.size()
    status = None if tile.stream is None else tile.stream.status
    if tile.view.fit == "stretch" or status is None or not status.width or not status.height:
        return QRect(QPoint(0, 0), size)
    width, height = (status.width, status.height)[:: -1 if tile.view.quarter_turns % 2 else 1]
    return QRect(*letterbox(width, height, size.width(), size.height()))


def is_seen(tile: QWidget) -> bool:
    """Tell whether Qt has anything of it on the screen."""
    return tile.isVisible() and not tile.window().isMinimized() and not tile.visibleRegion().isEmpty()


def in_the_open(tile: QWidget, windows: Iterable[QWidget], screen: QRect) -> bool:
    """Tell whether all of it is on the screen, and nothing can be over it."""
    if not is_seen(tile) or not QRegion(tile.rect()).subtracted(tile.visibleRegion()).isEmpty():
        return False
    place = QRect(tile.mapToGlobal(QPoint(0, 0)), tile.size())
    if not screen.contains(place):
        return False
    others = [window for window in windows if window is not tile.window()]
    return not any(framed(window).intersects(place) for window in others)


def framed(window: QWidget) -> QRect:
    """Where a window and its frame are."""
    return window.geometry().adjusted(0, 0, 0, STRIP_PX)


def windows_on_screen() -> list[QWidget]:
    """All windows of the program that somebody can see, menus as well."""
    return [it for it in QApplication.topLevelWidgets() if it.isVisible() and not it.isMinimized()]
