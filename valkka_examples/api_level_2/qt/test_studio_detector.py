"""Movement, found by OpenCV in a process for each camera, and told under its picture.

    python test_studio_detector.py rtsp://10.0.0.5/main rtsp://10.0.0.6/main …

Without addresses two built-in cameras are used. Each camera is decoded once: pictures go to the screen, and,
small and seldom, through shared memory to the camera's process.
"""

import sys

from demo_multiprocess import QValkkaOpenCVProcess, QValkkaThread
from qtpy import QtCore, QtGui, QtWidgets

from camgraph.qt import quit_on_interrupt
from camgraph.testing.cameras import Cameras

DIMENSIONS = (320, 180)
INTERVAL_MS = 200


class MovementProcess(QValkkaOpenCVProcess):
    """Tells when movement begins and when it ends, and how many pictures it has seen."""

    outgoing_signal_defs = {  # noqa: RUF012
        **QValkkaOpenCVProcess.outgoing_signal_defs,
        "moved": {"slot": int, "share": float, "seen": int},
    }

    class Signals(QValkkaOpenCVProcess.Signals):
        moved = QtCore.Signal(int, float, int)

    def preRun_(self):
        super().preRun_()
        self.subtractor, self.seen = None, 0

    def analyze_(self, picture, slot):
        if self.subtractor is None:
            self.subtractor = self.cv2.createBackgroundSubtractorMOG2(detectShadows=False)
        mask = self.subtractor.apply(picture)
        self.seen += 1
        self.sendSignal_(name="moved", slot=int(slot), share=float((mask > 0).mean()), seen=self.seen)

    def moved(self, slot, share, seen):
        self.signals.moved.emit(slot, share, seen)


class MainWindow(QtWidgets.QMainWindow):
    """The grid, a line under each picture."""

    def __init__(self, addresses, processes):
        super().__init__()
        self.setWindowTitle("test_studio_detector")
        self.resize(900, 320)
        # Only now: these have threads.
        from valkka.api2 import LiveThread, OpenGLThread, ShmemFilterchain

        self.processes = processes
        self.thread_ = QValkkaThread(processes)
        self.thread_.start()
        self.livethread = LiveThread(name="live_thread")
        self.openglthread = OpenGLThread(name="gl_thread")
        self.chains, self.kept, self.labels = [], [], {}
        central = QtWidgets.QWidget()
        grid = QtWidgets.QGridLayout(central)
        grid.setRowStretch(0, 1)
        self.setCentralWidget(central)
        for column, (address, process) in enumerate(zip(addresses, processes, strict=True)):
            slot = column + 1
            chain = ShmemFilterchain(
                livethread=self.livethread,
                openglthread=self.openglthread,
                address=address,
                slot=slot,
                shmem_name=f"test_studio_detector_{slot}",
                shmem_image_dimensions=DIMENSIONS,
                shmem_image_interval=INTERVAL_MS,
                msreconnect=10000,
            )
            window_id = self.openglthread.createWindow(show=False)
            window = QtGui.QWindow.fromWinId(window_id)
            widget = QtWidgets.QWidget.createWindowContainer(window, parent=central)
            self.openglthread.connect(slot=slot, window_id=window_id)
            self.labels[slot] = QtWidgets.QLabel("no picture was looked at yet")
            grid.addWidget(widget, 0, column)
            grid.addWidget(self.labels[slot], 1, column)
            self.chains.append(chain)
            self.kept += [window, widget]

            chain.decodingOn()
            name, n_buffer, (width, height) = chain.getShmemPars()
            process.signals.moved.connect(self.on_moved)
            process.signals.failed.connect(self.labels[slot].setText)
            process.activate(name, n_buffer, width, height)

    def on_moved(self, slot, share, seen):
        self.labels[slot].setText(f"{seen} pictures seen, {share:.1%} of the last one moves")
        if seen % 5 == 1:
            print(f"camera {slot}: {seen} pictures, {share:.1%} moves", flush=True)

    def closeEvent(self, event):
        # Processes first, then where the frames come from, then where they went.
        for process in self.processes:
            process.stop()
        for process in self.processes:
            process.join()
        self.thread_.stop()
        self.livethread.close()
        for chain in self.chains:
            chain.close()
        self.openglthread.close()
        super().closeEvent(event)


def main(addresses, processes):
    app = QtWidgets.QApplication(["test_studio_detector"])
    quit_on_interrupt()
    window = MainWindow(addresses, processes)
    window.show()
    return app.exec()


def start_processes(count):
    """Start the processes: before there is any thread."""
    processes = [MovementProcess(f"movement_{number}") for number in range(1, count + 1)]
    for process in processes:
        process.start()
    return processes


if __name__ == "__main__":
    if sys.argv[1:]:
        sys.exit(main(sys.argv[1:], start_processes(len(sys.argv) - 1)))
    processes = start_processes(2)
    with Cameras(count=2) as cameras:
        sys.exit(main(cameras.urls, processes))
