"""A peer: QtMultimedia's QMediaPlayer and QVideoWidget, one of each a stream.

``python -m benchmarks.wall.qt_video width height url…``, the size of a tile.
"""

import os
import sys
from collections.abc import Sequence

from PySide6.QtCore import QUrl
from PySide6.QtMultimedia import QMediaPlayer
from PySide6.QtMultimediaWidgets import QVideoWidget
from qtpy.QtWidgets import QApplication

from benchmarks.wall.gui import lay_out, run_asked


class VideoTile:
    """A widget, its player, and how many frames the widget was given."""

    def __init__(self, url: str) -> None:
        self.shown = 0
        self.widget = QVideoWidget()
        self._player = QMediaPlayer()
        self._player.setVideoOutput(self.widget)
        self._player.setSource(QUrl(url))
        self.widget.videoSink().videoFrameChanged.connect(self._count)

    def play(self) -> None:
        """Begin."""
        self._player.play()

    def _count(self) -> None:
        self.shown += 1


def main(width: int, height: int, urls: Sequence[str]) -> None:
    """Show all until standard input ends."""
    app = QApplication([])
    tiles = [VideoTile(url) for url in urls]
    window = lay_out([tile.widget for tile in tiles], width, height)
    window.show()
    for tile in tiles:
        tile.play()
    run_asked(app, lambda: [tile.shown for tile in tiles])
    # Ending the players one by one would take longer than the run.
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
