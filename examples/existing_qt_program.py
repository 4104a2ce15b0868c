"""A camera in a Qt program that was there before: menu, note, clock, and one line for the picture.

Cameras to try: `camgraph cameras`. Start: `python examples/existing_qt_program.py rtsp://127.0.0.1:8554/1`
"""

import argparse
import signal

from PySide6.QtCore import QTime, QTimer
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QApplication, QLineEdit, QMainWindow, QVBoxLayout, QWidget

import camgraph as cg
from camgraph.errors import CamgraphError
from camgraph.qt import VideoWidget


class Notes(QMainWindow):
    """A line for a note, and a clock; since today the door as well."""

    def __init__(self, site: cg.Site) -> None:
        super().__init__()
        self.site = site
        self.menuBar().addMenu("&File").addAction("&Quit", self.close)
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.addWidget(QLineEdit(placeholderText="Who is at the door?"))
        layout.addWidget(VideoWidget(site.streams["door"]))  # the line for the picture
        self.setCentralWidget(content)
        self.clock = QTimer(self, interval=200)
        self.clock.timeout.connect(lambda: self.statusBar().showMessage(QTime.currentTime().toString()))
        self.clock.start()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        self.site.close()
        super().closeEvent(event)


def main(url: str, login: str | None) -> None:
    """Run the program as ever, with a site."""
    graph = cg.Graph()
    graph.rtsp("door", url, login=login)
    app = QApplication([])
    window = Notes(graph.start())
    signal.signal(signal.SIGINT, lambda *_: QTimer.singleShot(0, window.close))
    window.resize(800, 600)
    window.show()
    app.exec()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Notes, with a view of the door.")
    parser.add_argument("url", metavar="URL", help="rtsp://host[:port]/path")
    parser.add_argument("--login", help="where user:password is: env:NAME or file:/path")
    try:
        main(**vars(parser.parse_args()))
    except CamgraphError as error:
        parser.exit(1, f"{error}\n")
