"""A peer: OpenCV's VideoCapture, a thread a stream, which scales; a QLabel a stream, which shows.

``python -m benchmarks.wall.opencv_labels width height url…``, the size of a tile.
"""

import os
import sys
import threading
from collections.abc import Sequence

from qtpy.QtCore import QObject, Qt, Signal
from qtpy.QtGui import QImage, QPaintEvent, QPixmap
from qtpy.QtWidgets import QApplication, QLabel

from benchmarks.wall.gui import lay_out, run_asked

# OpenCV reads it when it is loaded.
os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = "rtsp_transport;tcp|probesize;32|fpsprobesize;0"

import cv2


class _Label(QLabel):
    """Counts the pictures it paints."""

    def __init__(self) -> None:
        super().__init__()
        self.shown = 0
        self._new = False

    def show_image(self, image: QImage) -> None:
        self._new = True
        self.setPixmap(QPixmap.fromImage(image))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        super().paintEvent(event)
        self.shown += self._new
        self._new = False


class _Capture(QObject):
    """Reads a stream in a thread of its own."""

    read = Signal(QImage)

    def __init__(self, url: str, width: int, height: int) -> None:
        super().__init__()
        self._url, self._size = url, (width, height)
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        capture = cv2.VideoCapture(self._url, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
        while True:
            read, picture = capture.read()
            if not read:
                return
            scaled = cv2.resize(picture, self._size, interpolation=cv2.INTER_LINEAR)
            image = QImage(scaled.data, *self._size, scaled.strides[0], QImage.Format.Format_BGR888)
            self.read.emit(image.copy())


def main(width: int, height: int, urls: Sequence[str]) -> None:
    """Show all until standard input ends."""
    cv2.setNumThreads(1)
    app = QApplication([])
    labels = [_Label() for _ in urls]
    window = lay_out(labels, width, height)
    window.show()
    captures = [_Capture(url, width, height) for url in urls]
    for capture, label in zip(captures, labels, strict=True):
        capture.read.connect(label.show_image, Qt.ConnectionType.QueuedConnection)
    run_asked(app, lambda: [label.shown for label in labels])
    # Threads that are inside OpenCV can't be ended.
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
