"""Several cameras, a filterchain class each, in a grid of foreign widgets.

    python multiple_stream.py rtsp://10.0.0.5/main rtsp://10.0.0.6/main …

Without addresses four built-in cameras are shown. A click on a picture switches its decoding off, and on.
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


class Filterchain:
    """From one camera to the screen: (LiveThread) --> (AVThread) --> (OpenGLThread)."""

    def __init__(self, livethread, openglthread, address, slot):
        self.livethread = livethread
        self.slot = slot
        self.avthread = AVThread(f"avthread_{slot}", openglthread.getFrameFilter())
        self.context = LiveConnectionContext(
            LiveConnectionType_rtsp, address, slot, self.avthread.getFrameFilter()
        )
        self.avthread.startCall()
        self.decoding = False
        self.toggle()
        livethread.registerStreamCall(self.context)
        livethread.playStreamCall(self.context)

    def toggle(self):
        self.decoding = not self.decoding
        if self.decoding:
            self.avthread.decodingOnCall()
        else:
            self.avthread.decodingOffCall()

    def close(self):
        self.livethread.stopStreamCall(self.context)
        self.livethread.deregisterStreamCall(self.context)
        self.avthread.decodingOffCall()
        self.avthread.stopCall()


class VideoWidget(QtWidgets.QWidget):
    """A window of the OpenGLThread, and over it a widget that gets the mouse."""

    clicked = QtCore.Signal()

    def __init__(self, parent, window_id):
        super().__init__(parent)
        self.foreign_window = QtGui.QWindow.fromWinId(window_id)
        self.foreign_widget = QtWidgets.QWidget.createWindowContainer(self.foreign_window, parent=self)
        self.overlay = QtWidgets.QWidget(self)
        self.overlay.setAttribute(QtCore.Qt.WidgetAttribute.WA_NoSystemBackground)
        layout = QtWidgets.QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.foreign_widget, 0, 0)
        layout.addWidget(self.overlay, 0, 0)
        self.overlay.raise_()
        self.overlay.installEventFilter(self)

    def eventFilter(self, watched, event):
        if event.type() == QtCore.QEvent.Type.MouseButtonPress:
            self.clicked.emit()
        return super().eventFilter(watched, event)


class MainWindow(QtWidgets.QMainWindow):
    """The grid."""

    def __init__(self, addresses):
        super().__init__()
        self.setWindowTitle("multiple_stream")
        self.resize(960, 540)
        self.livethread = LiveThread("livethread")
        self.openglthread = OpenGLThread("openglthread")
        self.livethread.startCall()
        self.openglthread.startCall()

        grid_widget = QtWidgets.QWidget()
        grid = QtWidgets.QGridLayout(grid_widget)
        self.setCentralWidget(grid_widget)
        columns = max(1, round(len(addresses) ** 0.5))
        self.chains = []
        for number, address in enumerate(addresses):
            slot = number + 1
            chain = Filterchain(self.livethread, self.openglthread, address, slot)
            window_id = self.openglthread.createWindow()
            self.openglthread.newRenderGroupCall(window_id)
            self.openglthread.newRenderContextCall(slot, window_id, 0)
            widget = VideoWidget(grid_widget, window_id)
            widget.clicked.connect(lambda chain=chain: self.on_click(chain))
            grid.addWidget(widget, number // columns, number % columns)
            self.chains.append(chain)

    def on_click(self, chain):
        chain.toggle()
        print(f"slot {chain.slot}: decoding {'on' if chain.decoding else 'off'}", flush=True)

    def closeEvent(self, event):
        for chain in self.chains:
            chain.close()
        self.livethread.stopCall()
        self.openglthread.stopCall()
        super().closeEvent(event)


def main(addresses):
    app = QtWidgets.QApplication(["multiple_stream"])
    quit_on_interrupt()
    window = MainWindow(addresses)
    window.show()
    return app.exec()


if __name__ == "__main__":
    if sys.argv[1:]:
        sys.exit(main(sys.argv[1:]))
    with Cameras(count=4) as cameras:
        sys.exit(main(cameras.urls))
