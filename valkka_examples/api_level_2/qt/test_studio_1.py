"""Cameras in a grid: BasicFilterchain, one for each; each camera in as many windows as wanted, decoded once.

    python test_studio_1.py [--replicate 2] rtsp://10.0.0.5/main rtsp://10.0.0.6/main …

Without addresses four built-in cameras are shown.
"""

import argparse
import sys

from qtpy import QtGui, QtWidgets

from camgraph.qt import quit_on_interrupt
from camgraph.testing.cameras import Cameras
from valkka.api2 import BasicFilterchain, LiveThread, OpenGLThread


class MainWindow(QtWidgets.QMainWindow):
    """The grid."""

    def __init__(self, addresses, replicate):
        super().__init__()
        self.setWindowTitle("test_studio_1")
        self.resize(960, 540)
        grid_widget = QtWidgets.QWidget()
        self.grid = QtWidgets.QGridLayout(grid_widget)
        self.grid.setContentsMargins(0, 0, 0, 0)
        self.setCentralWidget(grid_widget)
        self.columns = max(1, round((len(addresses) * replicate) ** 0.5))
        self.open_valkka(addresses, replicate)

    def open_valkka(self, addresses, replicate):
        self.livethread = LiveThread(name="live_thread")
        self.openglthread = OpenGLThread(name="gl_thread", msbuftime=100)
        self.chains, self.tokens, self.widgets = [], [], []
        for slot, address in enumerate(addresses, start=1):
            chain = BasicFilterchain(
                livethread=self.livethread,
                openglthread=self.openglthread,
                address=address,
                slot=slot,
                msreconnect=10000,
            )
            self.chains.append(chain)
            for _ in range(replicate):
                self.add_window(slot)
            chain.decodingOn()

    def add_window(self, slot):
        window_id = self.openglthread.createWindow(show=False)
        window = QtGui.QWindow.fromWinId(window_id)
        widget = QtWidgets.QWidget.createWindowContainer(window, parent=self.centralWidget())
        number = len(self.widgets)
        self.grid.addWidget(widget, number // self.columns, number % self.columns)
        self.widgets.append((window, widget))
        self.tokens.append(self.openglthread.connect(slot=slot, window_id=window_id))

    def closeEvent(self, event):
        for token in self.tokens:
            self.openglthread.disconnect(token)
        for chain in self.chains:
            chain.close()
        self.livethread.close()
        self.openglthread.close()
        super().closeEvent(event)


def main(addresses, replicate):
    app = QtWidgets.QApplication(["test_studio_1"])
    quit_on_interrupt()
    window = MainWindow(addresses, replicate)
    window.show()
    return app.exec()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Cameras in a grid.")
    parser.add_argument("addresses", nargs="*", metavar="ADDRESS", help="rtsp://user:password@host/path")
    parser.add_argument("--replicate", type=int, default=1, help="windows for each camera (default: 1)")
    options = parser.parse_args()
    if options.addresses:
        sys.exit(main(options.addresses, options.replicate))
    with Cameras(count=4) as cameras:
        sys.exit(main(cameras.urls, options.replicate))
