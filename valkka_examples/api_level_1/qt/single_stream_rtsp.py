"""One camera in a widget of Qt's own: the widget's window id is given to the OpenGLThread.

    python single_stream_rtsp.py rtsp://user:password@10.0.0.5/main

Without an address a built-in camera is shown. See single_stream_rtsp_1.py for the way that keeps the mouse.
"""

import sys

from qtpy import QtCore, QtWidgets

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


class MainWindow(QtWidgets.QMainWindow):
    """Programs the filtergraph and starts the threads; closes them when it is closed."""

    def __init__(self, address):
        super().__init__()
        self.setWindowTitle("single_stream_rtsp")
        self.resize(640, 360)
        self.video = QtWidgets.QWidget(self)
        # A native window of its own, on which Qt paints nothing.
        self.video.setAttribute(QtCore.Qt.WidgetAttribute.WA_NativeWindow)
        self.video.setAttribute(QtCore.Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setCentralWidget(self.video)
        self.open_valkka(address)

    def open_valkka(self, address):
        # (LiveThread: network) --> (AVThread: decoding) --> (OpenGLThread: screen)
        self.livethread = LiveThread("livethread")
        self.openglthread = OpenGLThread("openglthread")
        self.avthread = AVThread("avthread", self.openglthread.getFrameFilter())
        self.context = LiveConnectionContext(
            LiveConnectionType_rtsp, address, SLOT, self.avthread.getFrameFilter()
        )

        self.openglthread.startCall()
        self.avthread.startCall()
        self.livethread.startCall()

        window_id = int(self.video.winId())
        self.openglthread.newRenderGroupCall(window_id)
        self.context_id = self.openglthread.newRenderContextCall(SLOT, window_id, 0)

        self.avthread.decodingOnCall()
        self.livethread.registerStreamCall(self.context)
        self.livethread.playStreamCall(self.context)

    def close_valkka(self):
        self.livethread.stopCall()
        self.avthread.stopCall()
        self.openglthread.stopCall()

    def closeEvent(self, event):
        self.close_valkka()
        super().closeEvent(event)


def main(address):
    app = QtWidgets.QApplication(["single_stream_rtsp"])
    quit_on_interrupt()
    window = MainWindow(address)
    window.show()
    return app.exec()


if __name__ == "__main__":
    if sys.argv[1:]:
        sys.exit(main(sys.argv[1]))
    with Cameras(count=1) as cameras:
        sys.exit(main(cameras.urls[0]))
