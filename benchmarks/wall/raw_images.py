"""A peer: OpenCV's VideoCapture, a thread a stream, which scales; pyqtgraph's RawImageWidget, which shows.

``python -m benchmarks.wall.raw_images width height url…``, the size of a tile.
"""

import sys

import numpy as np
import numpy.typing as npt
import pyqtgraph
from qtpy.QtCore import Qt
from qtpy.QtGui import QPaintEvent

from benchmarks.wall.capture import Capture, run_tiles

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


if __name__ == "__main__":
    run_tiles(_Tile, int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
