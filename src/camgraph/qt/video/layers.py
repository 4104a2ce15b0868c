"""What is painted over a picture, layer by layer."""

from typing import NamedTuple, Protocol

from qtpy.QtGui import QPainter

from camgraph.qt.video.frames import Picture
from camgraph.qt.video.view import Affine, Placed, Size


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

    def counted_in(self, size: Size) -> "Canvas":
        """Return the canvas with places counted in px of a picture of that size; (0, 0): of the camera's own.

        A camera that has a smaller stream, too, sends now the one and now the other.
        """
        if size == self.source or 0 in (*size, *self.source) or self.placed is None:
            return self
        across, down = self.source[0] / size[0], self.source[1] / size[1]
        a, b, c, d, e, f = self.placed.to_tile
        to_tile = Affine(a * across, b * across, c * down, d * down, e, f)
        return self._replace(source=size, placed=self.placed._replace(to_tile=to_tile))


class Layer(Protocol):
    """Something that is painted over the picture, after it, in each paint event."""

    def paint(self, painter: QPainter, canvas: Canvas) -> None:
        """Paint; the painter is as its owner wants it to be afterwards: saved and restored if need be."""
        ...
