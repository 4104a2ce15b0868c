"""A camera in a window that is not Qt's, embedded in a Qt program; a widget above it gets the mouse.

X11 only. Start: `python examples/qt_foreign_window.py rtsp://127.0.0.1:8554/1`; cameras: `camgraph cameras`.
"""

import argparse

from PySide6.QtGui import QMouseEvent, QResizeEvent, QWindow
from PySide6.QtWidgets import QApplication, QWidget

import camgraph as cg
from camgraph.errors import CamgraphError
from camgraph.present import Screen
from camgraph.qt import quit_on_interrupt


class Overlay(QWidget):
    """Lies above the foreign window, and paints nothing: what is clicked there is clicked here."""

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        print(f"clicked at {event.position().x():.0f}, {event.position().y():.0f}", flush=True)


class View(QWidget):
    """A widget with a foreign window in it."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.foreign = QWidget.createWindowContainer(QWindow.fromWinId(number), self)
        self.overlay = Overlay(self)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        self.foreign.setGeometry(self.rect())
        self.overlay.setGeometry(self.rect())
        self.overlay.raise_()


def main(url: str, login: str | None) -> None:
    """Show the camera until the window is closed."""
    graph = cg.Graph()
    graph.rtsp("door", url, login=login)
    app = QApplication([])
    quit_on_interrupt()
    with graph.start() as site, Screen(site) as screen:
        number = screen.create_window(640, 360, mapped=False)
        screen.show("door", number)
        view = View(number)
        view.setWindowTitle("Door")
        view.resize(640, 360)
        view.show()
        app.exec()
        # Before the window goes with the screen.
        del view


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A camera in a foreign window within Qt.")
    parser.add_argument("url", metavar="URL", help="rtsp://host[:port]/path")
    parser.add_argument("--login", help="where user:password is: env:NAME or file:/path")
    try:
        main(**vars(parser.parse_args()))
    except CamgraphError as error:
        parser.exit(1, f"{error}\n")
