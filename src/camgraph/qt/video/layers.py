"""What is painted over a picture, layer by layer."""

from typing import NamedTuple, Protocol

from qtpy.QtGui import QPainter

from camgraph.qt.video.frames import Picture
from camgraph.qt.video.view import Placed, Size


class Canvas(NamedTuple):
    """What a layer is painted on; the painter's coordinates are device pixels of the tile."""

    tile: Size
    scale: float
    """Device pixels per logical pixel: lines and letters keep their size for the eye."""
    source: Size
    """The camera's picture; (0, 0): unknown."""
    placed: Placed | None
    """None: no picture is shown, but a message."""
    picture: Picture | None


class Layer(Protocol):
    """Something that is painted over the picture, after it, in each paint event."""

    def paint(self, painter: QPainter, canvas: Canvas) -> None:
        """Paint; the painter is as its owner wants it to be afterwards: saved and restored if need be."""
        ...
