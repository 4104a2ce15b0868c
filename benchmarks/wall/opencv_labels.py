"""A peer: OpenCV's VideoCapture, a thread a stream, which scales; a QLabel a stream, which shows.

``python -m benchmarks.wall.opencv_labels width height url…``, the size of a tile.
"""

import sys

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QImage, QPaintEvent, QPixmap, QResizeEvent
from qtpy.QtWidgets import QLabel

from benchmarks.wall.capture import Capture, run_tiles


class Label(QLabel):
    """Shows a camera and counts the pictures it paints."""

    def __init__(self, url: str, width: int, height: int) -> None:
        super().__init__()
        self.shown = 0
        self._new = False
        self._capture = Capture(url, width, height)
        self._capture.read.connect(self._show, Qt.ConnectionType.QueuedConnection)

    def start(self) -> None:
        """Begin to read."""
        self._capture.start()

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        return QSize(1, 1)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        self._capture.size = (self.width(), self.height())
        super().resizeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        super().paintEvent(event)
        self.shown += self._new
        self._new = False

    def _show(self, picture: npt.NDArray[np.uint8]) -> None:
        height, width, _ = picture.shape
        image = QImage(picture.data, width, height, picture.strides[0], QImage.Format.Format_BGR888)
        self._new = True
        self.setPixmap(QPixmap.fromImage(image))


if __name__ == "__main__":
    run_tiles(Label, int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
