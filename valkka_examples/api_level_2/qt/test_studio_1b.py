"""Cameras in windows of their own, made by Qt: each camera can be moved to any place of the screen.

    python test_studio_1b.py rtsp://10.0.0.5/main rtsp://10.0.0.6/main …

Without addresses two built-in cameras are shown. Closing the control window closes all; closing a camera's
window ends that camera.
"""

import sys

from qtpy import QtCore, QtWidgets

from camgraph.qt import quit_on_interrupt
from camgraph.testing.cameras import Cameras
from valkka.api2 import BasicFilterchain, LiveThread, OpenGLThread


class CameraWindow(QtWidgets.QWidget):
    """A top-level widget; its own window id is given to the OpenGLThread."""

    closed = QtCore.Signal(object)

    def __init__(self, livethread, openglthread, address, slot):
        super().__init__()
        self.setWindowTitle(f"camera {slot}")
        self.resize(480, 270)
        self.setAttribute(QtCore.Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.openglthread = openglthread
        self.chain = BasicFilterchain(
            livethread=livethread, openglthread=openglthread, address=address, slot=slot
        )
        self.token = openglthread.connect(slot=slot, window_id=int(self.winId()))
        self.chain.decodingOn()

    def closeEvent(self, event):
        self.openglthread.disconnect(self.token)
        self.chain.close()
        self.closed.emit(self)
        super().closeEvent(event)


class ControlWindow(QtWidgets.QMainWindow):
    """Tells how many cameras are shown; the end of all."""

    def __init__(self, addresses):
        super().__init__()
        self.setWindowTitle("test_studio_1b")
        self.resize(300, 80)
        self.label = QtWidgets.QLabel()
        self.setCentralWidget(self.label)
        self.livethread = LiveThread(name="live_thread")
        self.openglthread = OpenGLThread(name="gl_thread")
        self.windows = []
        for slot, address in enumerate(addresses, start=1):
            window = CameraWindow(self.livethread, self.openglthread, address, slot)
            window.closed.connect(self.on_closed)
            window.move(20 + 500 * ((slot - 1) % 2), 120 + 300 * ((slot - 1) // 2))
            window.show()
            self.windows.append(window)
        self.tell()

    def tell(self):
        self.label.setText(f"{len(self.windows)} cameras are shown")

    def on_closed(self, window):
        if window in self.windows:
            self.windows.remove(window)
        self.tell()

    def closeEvent(self, event):
        for window in list(self.windows):
            window.close()
        self.livethread.close()
        self.openglthread.close()
        super().closeEvent(event)


def main(addresses):
    app = QtWidgets.QApplication(["test_studio_1b"])
    quit_on_interrupt()
    window = ControlWindow(addresses)
    window.move(20, 20)
    window.show()
    return app.exec()


if __name__ == "__main__":
    if sys.argv[1:]:
        sys.exit(main(sys.argv[1:]))
    with Cameras(count=2) as cameras:
        sys.exit(main(cameras.urls))
