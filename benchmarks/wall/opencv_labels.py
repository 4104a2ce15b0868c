"""A peer: OpenCV's VideoCapture, a thread a stream, which scales; a QLabel a stream, which shows.

``python -m benchmarks.wall.opencv_labels width height url…``, the size of a tile.
"""

import os
import sys
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QImage, QPaintEvent, QPixmap, QResizeEvent
from qtpy.QtWidgets import QApplication, QLabel

from benchmarks.wall.capture import Capture
from benchmarks.wall.gui import lay_out, run_asked


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


def main(width: int, height: int, urls: Sequence[str]) -> None:
    """Show all until standard input ends."""
    app = QApplication([])
    labels = [Label(url, width, height) for url in urls]
    window = lay_out(labels, width, height)
    window.show()
    for label in labels:
        label.start()
    run_asked(app, lambda: [label.shown for label in labels])
    # Threads that are inside OpenCV can't be ended.
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
