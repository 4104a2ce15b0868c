"""What peers that receive by OpenCV share: a thread a stream, which also scales."""

import os
import threading
from collections.abc import Callable, Sequence
from typing import Any

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QApplication

from benchmarks.wall.gui import lay_out, run_asked

# OpenCV reads it when it is loaded.
os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = "rtsp_transport;tcp|probesize;32|fpsprobesize;0"

import cv2


class Capture(QObject):
    """Reads a stream in a thread of its own. `size` may be changed at any time."""

    read = Signal(object)
    """A picture: (height, width, 3), BGR, of nobody else."""

    def __init__(self, url: str, width: int, height: int) -> None:
        super().__init__()
        cv2.setNumThreads(1)
        self._url = url
        self.size = (width, height)
        """Width and height in px of the pictures to come."""

    def start(self) -> None:
        """Begin to read."""
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        capture = cv2.VideoCapture(self._url, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
        while True:
            read, picture = capture.read()
            if not read:
                return
            self.read.emit(cv2.resize(picture, self.size, interpolation=cv2.INTER_LINEAR))


def run_tiles(make: Callable[[str, int, int], Any], width: int, height: int, urls: Sequence[str]) -> None:
    """Show all until standard input ends; `make` makes a widget that has `start` and `shown`."""
    app = QApplication([])
    tiles = [make(url, width, height) for url in urls]
    window = lay_out(tiles, width, height)
    window.show()
    for tile in tiles:
        tile.start()
    run_asked(app, lambda: [tile.shown for tile in tiles])
    # Threads that are inside OpenCV can't be ended.
    os._exit(0)
