"""The program of `test_qt_window.py`: a user's main window, which starts its site and closes it.

``python qt_window_program.py URL…`` writes JSON lines: what was clicked, found, lost and shown, and when.
``WINDOW_SIZE=640x360`` in the environment makes it smaller than 1280x720; ``GL=1`` has OpenGL draw.
"""

import json
import os
import sys
import time
from typing import Any

from qtpy.QtCore import QTimer
from qtpy.QtGui import QCloseEvent
from qtpy.QtWidgets import QApplication, QMainWindow

import camgraph as cg
from camgraph.qt import Box, VideoWall, signals


class Watcher(cg.MessageProcess):
    saw = cg.message(stream=str, width=int)

    def on_frame(self, frame: cg.Frame) -> None:
        self.saw.emit(stream=frame.stream, width=frame.width)


def tell(**news: Any) -> None:
    print(json.dumps(news), flush=True)


class Window(QMainWindow):
    def __init__(self, urls: list[str]) -> None:
        super().__init__()
        graph = cg.Graph()
        for number, url in enumerate(urls, 1):
            graph.rtsp(f"camera-{number}", url)
        began = time.monotonic()
        self.site = graph.start()
        tell(start_ms=(time.monotonic() - began) * 1000)
        self.wall = VideoWall(self.site.streams)
        self.wall.clicked.connect(lambda name: tell(clicked=name))
        self.setCentralWidget(self.wall)
        for tile in self.wall:
            tile.gl = bool(os.environ.get("GL"))
        self.watcher = self.site.spawn(Watcher)
        self.watcher.watch(self.site.streams["camera-1"].frames(size=(160, 90), format="gray8", fps=5))
        signals(self.watcher).saw.connect(self.on_saw)
        signals(self.watcher).exited.connect(lambda how: tell(exited=how))
        self.telling = QTimer(self)
        self.telling.timeout.connect(self.tell_statistics)
        self.telling.start(100)

    def on_saw(self, stream: str, width: int) -> None:
        self.wall[stream].set_boxes([Box(320, 180, 640, 360, label=f"{width} px", color="#ff00ff")])

    def tell_statistics(self) -> None:
        shown = {tile.stream_name: tile.statistics() for tile in self.wall}
        tell(shown={name: [it.shown, it.lost, it.width, it.height] for name, it in shown.items()})

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        self.telling.stop()
        self.site.close()
        tell(closed=[stream.status.state for stream in self.site.streams.values()])
        super().closeEvent(event)


def main() -> None:
    app = QApplication(sys.argv)
    window = Window(sys.argv[1:])
    window.setGeometry(0, 0, *map(int, os.environ.get("WINDOW_SIZE", "1280x720").split("x")))
    window.show()
    tell(code=app.exec())


if __name__ == "__main__":
    main()
