"""The program of `test_unseen_tiles.py`: a stream in a window.

``python unseen_program.py URL widgets`` has tabs, and a place that can be scrolled and covered; ``… qml`` has
an item of QML, ``… quick_widget`` one in a widget that goes into another window. It does what lines of its
input say, and writes JSON lines: how many readers the stream has, how many pictures were converted and shown,
and where; after each line, the time to a picture.
"""

import json
import os
import sys
import time
from typing import Any, Protocol

from qtpy.QtCore import QObject, QPoint, QSocketNotifier, Qt, QTimer
from qtpy.QtQuick import QQuickView
from qtpy.QtQuickWidgets import QQuickWidget
from qtpy.QtWidgets import QApplication, QScrollArea, QTabWidget, QWidget

import camgraph as cg
from camgraph.qt import VideoWidget
from camgraph.qt.quick import VideoItem
from camgraph.qt.video import covered
from camgraph.qt.video.statistics import WidgetStatistics

SIZE = (320, 180)


class Shown(Protocol):
    def show(self) -> None: ...
    def close(self) -> bool: ...
    def statistics(self) -> WidgetStatistics: ...
    def place(self) -> QPoint: ...
    def obey(self, what: str, number: int) -> None: ...


class Tabs(QTabWidget):
    def __init__(self, stream: cg.LiveStream) -> None:
        super().__init__()
        self._area = QScrollArea()
        self._area.setFrameShape(QScrollArea.Shape.NoFrame)
        content = QWidget()
        content.setFixedSize(SIZE[0], 1200)
        self._area.setWidget(content)
        self._video = VideoWidget(stream, content)
        self._video.setGeometry(0, 0, *SIZE)
        self._cover = QWidget(content)
        self._cover.setAutoFillBackground(True)
        self._cover.setGeometry(0, 600, *SIZE)
        self.addTab(self._area, "door")
        self.addTab(QWidget(), "nothing")
        self.setGeometry(100, 100, 400, 300)

    def statistics(self) -> WidgetStatistics:
        return self._video.statistics()

    def place(self) -> QPoint:
        return self._video.mapToGlobal(QPoint(0, 0))

    def obey(self, what: str, number: int) -> None:
        match what:
            case "hide":
                self._video.setVisible(not number)
            case "tab":
                self.setCurrentIndex(number)
            case "scroll":
                bar = self._area.verticalScrollBar()
                assert bar is not None
                bar.setValue(number)
            case "cover":
                self._cover.move(0, number)
            case "minimise":
                self.showMinimized()


class View(QQuickView):
    def __init__(self, stream: cg.LiveStream) -> None:
        super().__init__()
        self._video = VideoItem(self.contentItem())
        self._video.setWidth(SIZE[0])
        self._video.setHeight(SIZE[1])
        self._video.stream = stream
        self.setGeometry(100, 100, *SIZE)

    def statistics(self) -> WidgetStatistics:
        return self._video.statistics()

    def place(self) -> QPoint:
        return self.mapToGlobal(QPoint(0, 0))

    def obey(self, what: str, number: int) -> None:
        raise AssertionError(what)


class Moving(QQuickWidget):
    """Lies in one window, and then in another, while the first is hidden."""

    def __init__(self, stream: cg.LiveStream) -> None:
        self._windows = QWidget(), QWidget()
        super().__init__(self._windows[0])
        for window in self._windows:
            window.setGeometry(100, 100, *SIZE)
        self.setGeometry(0, 0, *SIZE)
        self._video = VideoItem(self.quickWindow().contentItem())
        self._video.setWidth(SIZE[0])
        self._video.setHeight(SIZE[1])
        self._video.stream = stream
        self._windows[0].show()

    def statistics(self) -> WidgetStatistics:
        return self._video.statistics()

    def place(self) -> QPoint:
        return self.mapToGlobal(QPoint(0, 0))

    def obey(self, what: str, number: int) -> None:
        first, second = self._windows
        self.setParent(second)
        self.show()
        second.show()
        first.hide()

    def close(self) -> bool:
        return self._windows[1].close()


class Teller(QObject):
    def __init__(self, site: cg.Site, shown: Shown) -> None:
        super().__init__()
        self._site, self._shown = site, shown
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
            if what == "end":
                self._shown.close()
            else:
                self._shown.obey(what, int(number or 0))

    def _watch(self) -> None:
        if self._shown.statistics().last_shown_ns > self._asked_ns:
            tell(back_ms=(self._shown.statistics().last_shown_ns - self._asked_ns) / 1e6)
            self._watching.stop()

    def _tell(self) -> None:
        known = self._site.statistics().streams.get("door")
        if known is None:  # Its media process is being started.
            return
        place = self._shown.place()
        numbers = [sum(it.readers for it in known.rings), known.conversions, self._shown.statistics().shown]
        tell(now=numbers, at=[place.x(), place.y()])


def tell(**news: Any) -> None:
    print(json.dumps(news), flush=True)


def main() -> None:
    graph = cg.Graph()
    graph.rtsp("door", sys.argv[1])
    app = QApplication(sys.argv)
    with graph.start() as site:
        kinds: dict[str, type[Tabs | View | Moving]] = {
            "widgets": Tabs,
            "qml": View,
            "quick_widget": Moving,
        }
        shown = kinds[sys.argv[2]](site.streams["door"])
        teller = Teller(site, shown)
        shown.show()
        app.exec()
        del teller
    if sys.argv[2] == "widgets":
        assert not covered._watches, "the connection that hears of windows is closed with the last of them"


if __name__ == "__main__":
    main()
