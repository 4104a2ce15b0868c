"""Cameras to choose from: buttons connect a camera to the window, or disconnect it, while all keep running.

    python test_studio_2.py rtsp://10.0.0.5/main rtsp://10.0.0.6/main …

Without addresses three built-in cameras are used. Only the camera that is shown is decoded.
"""

import sys

from qtpy import QtGui, QtWidgets

from camgraph.qt import quit_on_interrupt
from camgraph.testing.cameras import Cameras
from valkka.api2 import BasicFilterchain, LiveThread, OpenGLThread


class MainWindow(QtWidgets.QMainWindow):
    """A row of buttons, and under it the camera of the one that was pressed."""

    def __init__(self, addresses):
        super().__init__()
        self.setWindowTitle("test_studio_2")
        self.resize(640, 420)
        self.livethread = LiveThread(name="live_thread")
        self.openglthread = OpenGLThread(name="gl_thread")
        self.chains = [
            BasicFilterchain(
                livethread=self.livethread, openglthread=self.openglthread, address=address, slot=slot
            )
            for slot, address in enumerate(addresses, start=1)
        ]
        self.shown, self.token = None, None

        central = QtWidgets.QWidget()
        layout = QtWidgets.QVBoxLayout(central)
        row = QtWidgets.QHBoxLayout()
        layout.addLayout(row)
        for chain in self.chains:
            button = QtWidgets.QPushButton(f"camera {chain.slot}")
            button.clicked.connect(lambda checked=False, chain=chain: self.show_camera(chain))
            row.addWidget(button)
        self.window_id = self.openglthread.createWindow(show=False)
        self.foreign_window = QtGui.QWindow.fromWinId(self.window_id)
        self.foreign_widget = QtWidgets.QWidget.createWindowContainer(self.foreign_window, parent=central)
        layout.addWidget(self.foreign_widget, stretch=1)
        self.setCentralWidget(central)
        self.show_camera(self.chains[0])

    def show_camera(self, chain):
        if self.shown is chain:
            return
        if self.shown is not None:
            self.openglthread.disconnect(self.token)
            self.shown.decodingOff()
        chain.decodingOn()
        self.token = self.openglthread.connect(slot=chain.slot, window_id=self.window_id)
        self.shown = chain
        print(f"showing camera {chain.slot}", flush=True)

    def closeEvent(self, event):
        # In whatever order: what is closed late does no harm.
        self.livethread.close()
        for chain in self.chains:
            chain.close()
        self.openglthread.close()
        super().closeEvent(event)


def main(addresses):
    app = QtWidgets.QApplication(["test_studio_2"])
    quit_on_interrupt()
    window = MainWindow(addresses)
    window.show()
    return app.exec()


if __name__ == "__main__":
    if sys.argv[1:]:
        sys.exit(main(sys.argv[1:]))
    with Cameras(count=3) as cameras:
        sys.exit(main(cameras.urls))
