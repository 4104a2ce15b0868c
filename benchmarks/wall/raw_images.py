"""A peer: OpenCV's VideoCapture, a thread a stream, which scales; pyqtgraph's RawImageWidget, which shows.

``python -m benchmarks.wall.raw_images width height url…``, the size of a tile.
"""

import os
import sys
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyqtgraph
from qtpy.QtCore import Qt
from qtpy.QtGui import QPaintEvent
from qtpy.QtWidgets import QApplication

from benchmarks.wall.capture import Capture
from benchmarks.wall.gui import lay_out, run_asked

pyqtgraph.setConfigOption("imageAxisOrder", "row-major")


class _Tile(pyqtgraph.RawImageWidget):  # type: ignore[misc]
    """Counts the pictures it paints."""

    def __init__(self, url: str, width: int, height: int) -> None:
        super().__init__()
        self.shown = 0
        self._new = False
        self._capture = Capture(url, width, height)
        self._capture.read.connect(self._show, Qt.ConnectionType.QueuedConnection)

    def start(self) -> None:
        """Begin to read."""
        self._capture.start()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        super().paintEvent(event)
        self.shown += self._new
        self._new = False

    def _show(self, picture: npt.NDArray[np.uint8]) -> None:
        self._new = True
        # It wants RGB; the order of channels costs no copy.
        self.setImage(picture[:, :, ::-1])


def main(width: int, height: int, urls: Sequence[str]) -> None:
    """Show all until standard input ends."""
    app = QApplication([])
    tiles = [_Tile(url, width, height) for url in urls]
    window = lay_out(tiles, width, height)
    window.show()
    for tile in tiles:
        tile.start()
    run_asked(app, lambda: [tile.shown for tile in tiles])
    # Threads that are inside OpenCV can't be ended.
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
