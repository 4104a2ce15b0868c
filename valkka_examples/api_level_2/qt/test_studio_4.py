"""Viewports: a ManagedFilterchain for each camera, and windows that are plugged into it and out of it.

    python test_studio_4.py rtsp://10.0.0.5/main rtsp://10.0.0.6/main …

Without addresses two built-in cameras are used. "Add" opens another window of a camera; closing that window
takes its viewport out again. Cameras without a viewport are received, and not decoded.
"""

import sys

from qtpy import QtCore, QtWidgets

from camgraph.qt import quit_on_interrupt
from camgraph.testing.cameras import Cameras
from valkka.api2 import LiveThread, OpenGLThread
from valkka.api2.chains import ManagedFilterchain, ViewPort


class ViewWindow(QtWidgets.QWidget):
    """A window with a viewport."""

    closed = QtCore.Signal(object)

    def __init__(self, chain, number):
        super().__init__()
        self.setWindowTitle(f"view {number} of camera {chain.slot}")
        self.setAttribute(QtCore.Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.resize(320, 180)
        self.chain = chain
        self.viewport = ViewPort(window_id=int(self.winId()), x_screen_num=0)
        chain.addViewPort(self.viewport)

    def closeEvent(self, event):
        self.chain.delViewPort(self.viewport)
        self.closed.emit(self)
        super().closeEvent(event)


class MainWindow(QtWidgets.QMainWindow):
    """A button for each camera."""

    def __init__(self, addresses):
        super().__init__()
        self.setWindowTitle("test_studio_4")
        self.livethread = LiveThread(name="live_thread")
        self.openglthread = OpenGLThread(name="gl_thread")
        central = QtWidgets.QWidget()
        layout = QtWidgets.QVBoxLayout(central)
        self.setCentralWidget(central)
        self.chains, self.views, self.made = [], [], 0
        for slot, address in enumerate(addresses, start=1):
            chain = ManagedFilterchain(
                livethread=self.livethread,
                openglthreads=[self.openglthread],
                address=address,
                slot=slot,
                _id=slot,
            )
            button = QtWidgets.QPushButton(f"add a view of camera {slot}")
            button.clicked.connect(lambda checked=False, chain=chain: self.add_view(chain))
            layout.addWidget(button)
            self.chains.append(chain)

    def add_view(self, chain):
        self.made += 1
        view = ViewWindow(chain, self.made)
        view.closed.connect(self.views.remove)
        view.move(20 + 340 * ((self.made - 1) % 3), 150 + 210 * ((self.made - 1) // 3))
        view.show()
        self.views.append(view)
        print(f"{view.windowTitle()}: opened", flush=True)

    def closeEvent(self, event):
        for view in list(self.views):
            view.close()
        for chain in self.chains:
            chain.close()
        self.livethread.close()
        self.openglthread.close()
        super().closeEvent(event)


def main(addresses):
    app = QtWidgets.QApplication(["test_studio_4"])
    quit_on_interrupt()
    window = MainWindow(addresses)
    window.move(20, 20)
    window.show()
    return app.exec()


if __name__ == "__main__":
    if sys.argv[1:]:
        sys.exit(main(sys.argv[1:]))
    with Cameras(count=2) as cameras:
        sys.exit(main(cameras.urls))
