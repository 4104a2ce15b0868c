"""A camera in any widget of a Qt program, by the widget's window id: for programs that can't use VideoWidget.

X11 only. Start: `python examples/qt_window_by_id.py rtsp://127.0.0.1:8554/1`; cameras: `camgraph cameras`.
"""

import argparse

from PySide6.QtCore import Qt
from PySide6.QtGui import QMouseEvent, QPaintEngine
from PySide6.QtWidgets import QApplication, QMainWindow, QWidget

import camgraph as cg
from camgraph.errors import CamgraphError
from camgraph.present import Screen
from camgraph.qt import quit_on_interrupt


class View(QWidget):
    """A widget with a window of its own, into which Qt paints nothing; the mouse is Qt's as ever."""

    def __init__(self) -> None:
        super().__init__()
        self.setAttribute(Qt.WidgetAttribute.WA_NativeWindow)
        self.setAttribute(Qt.WidgetAttribute.WA_PaintOnScreen)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)

    def paintEngine(self) -> QPaintEngine | None:  # type: ignore[override]  # noqa: N802
        return None

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        print("clicked", flush=True)


def main(url: str, login: str | None) -> None:
    """Show the camera until the window is closed."""
    graph = cg.Graph()
    graph.rtsp("door", url, login=login)
    app = QApplication([])
    quit_on_interrupt()
    window, view = QMainWindow(), View()
    window.setWindowTitle("Door")
    window.setCentralWidget(view)
    window.resize(640, 360)
    window.show()
    with graph.start() as site, Screen(site) as screen:
        screen.show("door", int(view.winId()))
        app.exec()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A camera in a Qt widget, by its window id.")
    parser.add_argument("url", metavar="URL", help="rtsp://host[:port]/path")
    parser.add_argument("--login", help="where user:password is: env:NAME or file:/path")
    try:
        main(**vars(parser.parse_args()))
    except CamgraphError as error:
        parser.exit(1, f"{error}\n")
