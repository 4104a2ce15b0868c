"""The name of the stream, over its picture."""

import weakref
from typing import TYPE_CHECKING

from qtpy.QtCore import QPoint
from qtpy.QtGui import QPainter

from camgraph.qt.video.layers import Canvas
from camgraph.qt.video.plate import Plate

if TYPE_CHECKING:
    from camgraph.qt.video.scene import Scene


class StreamName:
    """The layer with the name, at the bottom left of the tile; without a picture the message has it."""

    def __init__(self, scene: "Scene") -> None:
        self._scene = weakref.ref(scene)
        self._plate = Plate()

    def paint(self, painter: QPainter, canvas: Canvas) -> None:
        """Paint the name of the stream that is shown now."""
        scene = self._scene()
        stream = None if scene is None else scene.stream
        if canvas.placed is not None and stream is not None:
            image = self._plate.image((stream.name,), canvas.tile, canvas.scale, painter)
            painter.drawImage(QPoint(0, canvas.tile[1] - image.height()), image)
