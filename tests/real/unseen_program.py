"""The program of `test_unseen_tiles.py`: a stream in a window with tabs, which can be scrolled and covered.

``python unseen_program.py URL`` does what lines of its input say, and writes JSON lines: how many readers the
stream has, how many pictures were converted and shown, and where; after each line, the time to a picture.
"""

import json
import os
import sys
import time
from typing import Any

from qtpy.QtCore import QSocketNotifier, Qt, QTimer
from qtpy.QtWidgets import QApplication, QScrollArea, QTabWidget, QWidget

import camgraph as cg
from camgraph.qt import VideoWidget
from camgraph.qt.video import covered

SIZE = (320, 180)


class Window(QTabWidget):
    def __init__(self, site: cg.Site) -> None:
        super().__init__()
        self._site = site
        self._area = QScrollArea()
        self._area.setFrameShape(QScrollArea.Shape.NoFrame)
        content = QWidget()
        content.setFixedSize(SIZE[0], 1200)
        self._area.setWidget(content)
        self._video = VideoWidget(site.streams["door"], content)
        self._video.setGeometry(0, 0, *SIZE)
        self._cover = QWidget(content)
        self._cover.setAutoFillBackground(True)
        self._cover.setGeometry(0, 600, *SIZE)
        self.addTab(self._area, "door")
        self.addTab(QWidget(), "nothing")
        self._asked_ns = 0
        self._input = QSocketNotifier(sys.stdin.fileno(), QSocketNotifier.Type.Read, self)
        self._input.activated.connect(self._obey)
        self._telling = QTimer(self)
        self._telling.timeout.connect(self._tell)
        self._telling.start(50)
        self._watching = QTimer(self)
        self._watching.setTimerType(Qt.TimerType.PreciseTimer)
        self._watching.timeout.connect(self._watch)

    def _obey(self) -> None:
        for order in os.read(sys.stdin.fileno(), 1000).decode().split():
            what, _, number = order.partition("=")
            self._asked_ns = time.monotonic_ns()
            self._watching.start(1)
            match what:
                case "tab":
                    self.setCurrentIndex(int(number))
                case "scroll":
                    bar = self._area.verticalScrollBar()
                    assert bar is not None
                    bar.setValue(int(number))
                case "cover":
                    self._cover.move(0, int(number))
                case "minimise":
                    self.showMinimized()
                case "end":
                    self.close()

    def _watch(self) -> None:
        if self._video.statistics().last_shown_ns > self._asked_ns:
            tell(back_ms=(self._video.statistics().last_shown_ns - self._asked_ns) / 1e6)
            self._watching.stop()

    def _tell(self) -> None:
        known = self._site.statistics().streams.get("door")
        if known is None:  # Its media process is being started.
            return
        shown = self._video.statistics().shown
        place = self._video.mapToGlobal(self._video.rect().topLeft())
        numbers = [sum(it.readers for it in known.rings), known.conversions, shown]
        tell(now=numbers, at=[place.x(), place.y()])


def tell(**news: Any) -> None:
    print(json.dumps(news), flush=True)


def main() -> None:
    graph = cg.Graph()
    graph.rtsp("door", sys.argv[1])
    app = QApplication(sys.argv)
    with graph.start() as site:
        window = Window(site)
        window.setGeometry(100, 100, 400, 300)
        window.show()
        app.exec()
    assert not covered._watches, "the connection that hears of windows is closed with the last of them"


if __name__ == "__main__":
    main()
