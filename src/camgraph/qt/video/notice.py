"""A line that answers what a person has done, for some seconds."""

import weakref
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QCoreApplication, QObject, QPoint, QTimer
from qtpy.QtGui import QPainter

from camgraph.qt.video.layers import Canvas
from camgraph.qt.video.plate import Plate
from camgraph.qt.video.snapshot import Snapshots

if TYPE_CHECKING:
    from camgraph.qt.video.scene import Scene

STANDS_MS = 3000


class Notice(QObject):
    """The layer that tells what became of a picture that was to be kept; ends with who takes them."""

    def __init__(self, scene: "Scene", snapshots: Snapshots) -> None:
        super().__init__(snapshots)
        self._scene = weakref.ref(scene)
        self._plate = Plate()
        self._text = ""
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._end)
        snapshots.saved.connect(self._on_saved)
        snapshots.copied.connect(self._on_copied)
        snapshots.failed.connect(self._tell)

    def paint(self, painter: QPainter, canvas: Canvas) -> None:
        """Paint the line at the bottom of the tile, in its middle."""
        width, height = canvas.tile
        image = self._plate.image((self._text,), canvas.tile, canvas.scale, painter)
        painter.drawImage(QPoint((width - image.width()) // 2, height - 2 * image.height()), image)

    def _on_saved(self, path: Path) -> None:
        self._tell(QCoreApplication.translate("VideoWidget", "Saved as {}").format(path.name))

    def _on_copied(self) -> None:
        self._tell(QCoreApplication.translate("VideoWidget", "Copied"))

    def _tell(self, text: str) -> None:
        self._text = text
        scene = self._scene()
        if scene is not None:
            scene.show_layer(self, True)
            scene.changed.emit()
            self._timer.start(STANDS_MS)

    def _end(self) -> None:
        scene = self._scene()
        if scene is not None:
            scene.show_layer(self, False)
