"""A window as programs have them: tiles in tabs, a splitter, an area that scrolls, a wall, and a dock."""

from collections.abc import Sequence

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDockWidget, QMainWindow, QScrollArea, QSplitter, QTabWidget, QWidget

from camgraph.client.streams import LiveStream
from camgraph.qt import VideoWall, VideoWidget

COLUMN = (320, 180)
HIGH = 4


class Desk(QMainWindow):
    """Shows some streams in several places at once; it is deleted when it is closed."""

    def __init__(self, streams: Sequence[LiveStream]) -> None:
        super().__init__()
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        chosen = [streams[number % len(streams)] for number in range(HIGH)]
        self.tabs = QTabWidget()
        self.splitter = QSplitter()
        self.free = [VideoWidget(stream) for stream in chosen[:2]]
        for widget in self.free:
            self.splitter.addWidget(widget)
        content = QWidget()
        content.setFixedSize(COLUMN[0], HIGH * COLUMN[1])
        self.area = QScrollArea()
        self.area.setWidget(content)
        for number, stream in enumerate(chosen):
            widget = VideoWidget(stream, content)
            widget.setGeometry(0, number * COLUMN[1], *COLUMN)
            self.free.append(widget)
        self.cover = QWidget(content)
        self.cover.setAutoFillBackground(True)
        self.cover.resize(*COLUMN)
        self.cover.hide()
        self.wall = VideoWall(list(dict.fromkeys(chosen)), layout="2x1")
        self.tabs.addTab(self.splitter, "two")
        self.tabs.addTab(self.area, "column")
        self.tabs.addTab(self.wall, "wall")
        self.tabs.addTab(QWidget(), "nothing")
        self.setCentralWidget(self.tabs)
        self.dock = QDockWidget("dock", self)
        self.free.append(VideoWidget(chosen[0]))
        self.dock.setWidget(self.free[-1])
        self.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self.dock)
        for widget in self.free:
            widget.setDragEnabled(True)
            widget.setAcceptDrops(True)

    @property
    def tiles(self) -> list[VideoWidget]:
        """All there are."""
        return [*self.free, *self.wall]

    def renew(self, number: int, stream: LiveStream | None) -> None:
        """Delete one of the first two widgets, and have another one there."""
        old, new = self.free[number], VideoWidget(stream)
        self.free[number] = new
        self.splitter.replaceWidget(self.splitter.indexOf(old), new)
        new.show()
        old.setParent(None)
        old.deleteLater()

    def put_elsewhere(self) -> None:
        """Have the widgets of dock and splitter change places, while they live on."""
        docked, other = self.free[-1], self.free[1]
        self.splitter.replaceWidget(self.splitter.indexOf(other), docked)
        self.dock.setWidget(other)
        docked.show()
        other.show()
        self.free[-1], self.free[1] = other, docked
