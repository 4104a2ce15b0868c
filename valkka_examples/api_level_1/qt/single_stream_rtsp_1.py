"""One camera in a window that the OpenGLThread makes, embedded into Qt as a foreign widget.

    python single_stream_rtsp_1.py rtsp://user:password@10.0.0.5/main

Without an address a built-in camera is shown. A foreign widget does not catch the mouse, so an empty widget
lies on top of it, and gets the clicks.
"""

import sys

from qtpy import QtCore, QtGui, QtWidgets

from camgraph.qt import quit_on_interrupt
from camgraph.testing.cameras import Cameras
from valkka.core import (
    AVThread,
    LiveConnectionContext,
    LiveConnectionType_rtsp,
    LiveThread,
    OpenGLThread,
)

SLOT = 1


class MouseWidget(QtWidgets.QWidget):
    """Lies over the video, draws nothing, and tells where it was clicked."""

    clicked = QtCore.Signal(object)

    def __init__(self, parent):
        super().__init__(parent)
        self.setAttribute(QtCore.Qt.WidgetAttribute.WA_NoSystemBackground)

    def mousePressEvent(self, event):
        self.clicked.emit(event.pos())


class VideoWidget(QtWidgets.QWidget):
    """The foreign window, and the widget over it, in one layout."""

    def __init__(self, parent, window_id):
        super().__init__(parent)
        self.foreign_window = QtGui.QWindow.fromWinId(window_id)
        self.foreign_widget = QtWidgets.QWidget.createWindowContainer(self.foreign_window, parent=self)
        self.mouse = MouseWidget(self)
        layout = QtWidgets.QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.foreign_widget, 0, 0)
        layout.addWidget(self.mouse, 0, 0)
        self.mouse.raise_()


class MainWindow(QtWidgets.QMainWindow):
    """Programs the filtergraph and starts the threads; closes them when it is closed."""

    def __init__(self, address):
        super().__init__()
        self.setWindowTitle("single_stream_rtsp_1")
        self.resize(640, 400)
        self.open_valkka(address)
        self.video = VideoWidget(self, self.window_id)
        self.setCentralWidget(self.video)
        self.video.mouse.clicked.connect(self.on_click)
        self.statusBar().showMessage("click the video")

    def open_valkka(self, address):
        self.livethread = LiveThread("livethread")
        self.openglthread = OpenGLThread("openglthread")
        self.avthread = AVThread("avthread", self.openglthread.getFrameFilter())
        self.context = LiveConnectionContext(
            LiveConnectionType_rtsp, address, SLOT, self.avthread.getFrameFilter()
        )
        self.openglthread.startCall()
        self.avthread.startCall()
        self.livethread.startCall()

        self.window_id = self.openglthread.createWindow(show=False)
        self.openglthread.newRenderGroupCall(self.window_id)
        self.context_id = self.openglthread.newRenderContextCall(SLOT, self.window_id, 0)

        self.avthread.decodingOnCall()
        self.livethread.registerStreamCall(self.context)
        self.livethread.playStreamCall(self.context)

    def on_click(self, position):
        self.statusBar().showMessage(f"clicked at {position.x()}, {position.y()}")
        print(f"clicked at {position.x()}, {position.y()}", flush=True)

    def close_valkka(self):
        self.livethread.stopCall()
        self.avthread.stopCall()
        self.openglthread.stopCall()

    def closeEvent(self, event):
        self.close_valkka()
        super().closeEvent(event)


def main(address):
    app = QtWidgets.QApplication(["single_stream_rtsp_1"])
    quit_on_interrupt()
    window = MainWindow(address)
    window.show()
    return app.exec()


if __name__ == "__main__":
    if sys.argv[1:]:
        sys.exit(main(sys.argv[1]))
    with Cameras(count=1) as cameras:
        sys.exit(main(cameras.urls[0]))
