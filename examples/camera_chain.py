"""A class of your own for all that belongs to one camera: its stream, its widget, its detector.

Cameras to try: `camgraph cameras`. Start: `python examples/camera_chain.py rtsp://127.0.0.1:8554/1 …/2 …`
"""

import argparse

from PySide6 import QtCore, QtGui, QtWidgets

import camgraph as cg
from camgraph.errors import CamgraphError
from camgraph.qt import VideoWidget, quit_on_interrupt, signals


class Contrast(cg.MessageProcess):
    seen = cg.message(contrast=float)  # next to nothing while the camera is covered

    def on_frame(self, frame: cg.Frame) -> None:
        self.seen.emit(contrast=float(frame.array.std()))


class CameraChain(QtWidgets.QDockWidget):
    """Declares its stream when made, shows and watches it once the site runs, can be closed by itself."""

    def __init__(self, graph: cg.Graph, name: str, url: str, login: str | None) -> None:
        super().__init__(name)
        self.stream = graph.rtsp(name, url, login=login)

    def start(self, site: cg.Site) -> None:
        self.setWidget(VideoWidget(site.streams[self.stream.name]))
        self.detector = site.spawn(Contrast)
        self.detector.watch(self.stream.frames(size=(160, 90), format="gray8", fps=5))
        signals(self.detector).seen.connect(lambda it: self.setWindowTitle(f"{self.stream.name}: {it:.0f}"))

    def closeEvent(self, event: QtGui.QCloseEvent) -> None:  # noqa: N802
        self.detector.close()  # A hidden widget does not read either: the stream is not decoded any more.


parser = argparse.ArgumentParser(description="Show cameras, each in a part of the window that can be closed.")
parser.add_argument("urls", nargs="+", metavar="URL", help="rtsp://host[:port]/path")
parser.add_argument("--login", help="where user:password of all is: env:NAME or file:/path")
options = parser.parse_args()
app, window, graph = QtWidgets.QApplication([]), QtWidgets.QMainWindow(), cg.Graph()
try:
    chains = [CameraChain(graph, f"camera-{n}", url, options.login) for n, url in enumerate(options.urls, 1)]
    site = graph.start()
except CamgraphError as error:
    parser.exit(1, f"{error}\n")
quit_on_interrupt()
with site:
    for chain in chains:
        chain.start(site)
        window.addDockWidget(QtCore.Qt.DockWidgetArea.TopDockWidgetArea, chain)
    window.show()
    app.exec()
