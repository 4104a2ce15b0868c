"""One camera forked to two OpenGLThreads, as for two X screens, and to a shared-memory client, on the fly.

    python test_studio_3.py rtsp://10.0.0.5/main

Without an address a built-in camera is used. The buttons connect and disconnect branches while it streams.
"""

import sys

from qtpy import QtCore, QtGui, QtWidgets

from camgraph.qt import quit_on_interrupt
from camgraph.testing.cameras import Cameras
from valkka.api2 import LiveThread, OpenGLThread, ShmemRGBClient
from valkka.api2.chains import OpenFilterchain
from valkka.core import (
    EventFd,
    RGBShmemFrameFilter,
    SwScaleFrameFilter,
    TimeIntervalFrameFilter,
    ValkkaXInitThreads,
)

WIDTH, HEIGHT = 160, 90
SLOT = 1


class MainWindow(QtWidgets.QMainWindow):
    """Two screens of the same camera, and a line that tells what the client sees."""

    def __init__(self, address):
        super().__init__()
        self.setWindowTitle("test_studio_3")
        self.resize(800, 330)
        ValkkaXInitThreads()
        self.livethread = LiveThread(name="live_thread")
        self.openglthreads = [OpenGLThread(name=f"gl_thread_{number}") for number in (1, 2)]
        self.chain = OpenFilterchain(livethread=self.livethread, address=address, slot=SLOT)

        central = QtWidgets.QWidget()
        grid = QtWidgets.QGridLayout(central)
        self.setCentralWidget(central)
        self.kept = []
        for column, openglthread in enumerate(self.openglthreads):
            window_id = openglthread.createWindow(show=False)
            window = QtGui.QWindow.fromWinId(window_id)
            widget = QtWidgets.QWidget.createWindowContainer(window, parent=central)
            button = QtWidgets.QPushButton(f"screen {column + 1}")
            button.setCheckable(True)
            button.toggled.connect(lambda on, column=column: self.toggle_screen(column, on))
            grid.addWidget(button, 0, column)
            grid.addWidget(widget, 1, column)
            grid.setRowStretch(1, 1)
            openglthread.connect(slot=SLOT, window_id=window_id)
            self.kept += [window, widget, button]
            button.setChecked(True)
        self.open_client()
        self.chain.decodingOn()

    def toggle_screen(self, column, on):
        name = f"screen_{column}"
        if on:
            self.chain.connect(name, self.openglthreads[column].getInput())
        else:
            self.chain.disconnect(name)
        print(f"{name} {'connected' if on else 'disconnected'}", flush=True)

    def open_client(self):
        """One picture in 500 ms goes to a client in this process; its descriptor wakes Qt's loop."""
        self.event_fd = EventFd()
        self.shmem = RGBShmemFrameFilter("test_studio_3", 10, WIDTH, HEIGHT)
        self.shmem.useFd(self.event_fd)
        scale = SwScaleFrameFilter("scale", WIDTH, HEIGHT, self.shmem)
        self.chain.connect("client", TimeIntervalFrameFilter("interval", 500, scale))
        self.client = ShmemRGBClient(
            name="test_studio_3", n_ringbuffer=10, width=WIDTH, height=HEIGHT, mstimeout=1000
        )
        self.client.useEventFd(self.event_fd)
        self.notifier = QtCore.QSocketNotifier(self.event_fd.getFd(), QtCore.QSocketNotifier.Type.Read)
        self.notifier.activated.connect(lambda *_: self.on_frame())

    def on_frame(self):
        index, meta = self.client.pullFrame()
        if index is not None:
            image = self.client.shmem_list[index][0 : meta.size].reshape((meta.height, meta.width, 3))
            self.statusBar().showMessage(f"the client sees a mean of {image.mean():.0f}")

    def closeEvent(self, event):
        self.notifier.setEnabled(False)
        self.livethread.close()
        self.chain.close()
        for openglthread in self.openglthreads:
            openglthread.close()
        super().closeEvent(event)


def main(address):
    app = QtWidgets.QApplication(["test_studio_3"])
    quit_on_interrupt()
    window = MainWindow(address)
    window.show()
    return app.exec()


if __name__ == "__main__":
    if sys.argv[1:]:
        sys.exit(main(sys.argv[1]))
    with Cameras(count=1) as cameras:
        sys.exit(main(cameras.urls[0]))
