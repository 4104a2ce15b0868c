"""Processes with Qt signals, to be copied into your own program: all that it needs is in this file.

    python demo_multiprocess.py [rtsp://user:password@10.0.0.5/main]

`QValkkaProcess` is a process with Qt signals, `QValkkaOpenCVProcess` one that looks at pictures in shared
memory with OpenCV, `QValkkaThread` the one thread that hears all of them. `main` shows them at work; without
an address a built-in camera is used.
"""

import os
import signal
import sys

from qtpy import QtCore, QtWidgets

from camgraph.qt import quit_on_interrupt
from camgraph.testing.cameras import Cameras
from valkka.api2.multiprocess import ValkkaProcess, safe_select

WIDTH, HEIGHT = 480, 270
CELLS = 10


class QValkkaProcess(ValkkaProcess):
    """A process with Qt signals. Subclass it: methods that end in _ run in the process.

    `incoming_signal_defs` tells what the program may send it, `outgoing_signal_defs` what it may send the
    program: the names of methods, and the types of their arguments.
    """

    incoming_signal_defs = {  # noqa: RUF012
        "ping_": {"text": str},
        "stop_": [],
    }
    outgoing_signal_defs = {  # noqa: RUF012
        "pong": {"text": str},
    }

    class Signals(QtCore.QObject):
        pong = QtCore.Signal(object)
        ended = QtCore.Signal()

    def __init__(self, name, affinity=-1):
        super().__init__(name, affinity)
        self.signals = self.Signals()

    # Back end.

    def preRun_(self):
        super().preRun_()
        # Ctrl-C is the program's affair: it stops this process in order.
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def cycle_(self):
        self.signal_in.wait(1.0)

    def ping_(self, text):
        self.sendSignal_(name="pong", text=f"{text}, says process {os.getpid()}")

    # Front end.

    def ping(self, text):
        self.sendSignal(name="ping_", text=text)

    def pong(self, text):
        self.signals.pong.emit(text)

    def ended(self):
        """Called by the thread when the process is gone, for whatever reason."""
        self.signals.ended.emit()


class QValkkaOpenCVProcess(QValkkaProcess):
    """Looks at pictures in shared memory. Override `analyze_`, and declare the signals that it sends."""

    incoming_signal_defs = {  # noqa: RUF012
        **QValkkaProcess.incoming_signal_defs,
        "activate_": {"shmem_name": str, "n_buffer": int, "width": int, "height": int},
        "deactivate_": [],
    }
    outgoing_signal_defs = {  # noqa: RUF012
        **QValkkaProcess.outgoing_signal_defs,
        "analyzed": {"slot": int, "edges": float},
        "failed": {"sentence": str},
    }

    class Signals(QValkkaProcess.Signals):
        analyzed = QtCore.Signal(int, float)
        failed = QtCore.Signal(object)

    # Back end.

    def preRun_(self):
        super().preRun_()
        self.client = None
        self.cv2 = None
        try:
            # In the process only: libraries that start threads must not be there before the fork.
            import cv2

            self.cv2 = cv2
        except ImportError:
            self.sendSignal_(name="failed", sentence="OpenCV is missing: pip install opencv-python-headless")

    def cycle_(self):
        if self.client is None:
            super().cycle_()
            return
        index, meta = self.client.pullFrame()
        if index is not None:
            data = self.client.shmem_list[index][: meta.width * meta.height * 3]
            self.analyze_(data.reshape(meta.height, meta.width, 3), meta.slot)

    def analyze_(self, picture, slot):
        edges = self.cv2.Canny(self.cv2.cvtColor(picture, self.cv2.COLOR_RGB2GRAY), 100, 200)
        self.sendSignal_(name="analyzed", slot=int(slot), edges=float((edges > 0).mean()))

    def activate_(self, shmem_name, n_buffer, width, height):
        if self.cv2 is not None:
            from valkka.api2 import ShmemRGBClient

            # Waits for pictures no longer than that, since signals wait meanwhile.
            self.client = ShmemRGBClient(
                name=shmem_name, n_ringbuffer=n_buffer, width=width, height=height, mstimeout=200
            )

    def deactivate_(self):
        self.client = None

    # Front end.

    def activate(self, shmem_name, n_buffer, width, height):
        self.sendSignal(
            name="activate_", shmem_name=shmem_name, n_buffer=n_buffer, width=width, height=height
        )

    def deactivate(self):
        self.sendSignal(name="deactivate_")

    def analyzed(self, slot, edges):
        self.signals.analyzed.emit(slot, edges)

    def failed(self, sentence):
        self.signals.failed.emit(sentence)


class QValkkaThread(QtCore.QThread):
    """Hears all processes, and calls their front-end methods with what they send."""

    def __init__(self, processes):
        super().__init__()
        self.process_by_pipe = {process.getPipe(): process for process in processes}
        # Can be read when the process is gone.
        self.process_by_sentinel = {process.sentinel: process for process in processes}
        self.stop_read, self.stop_write = os.pipe()

    def run(self):
        while True:
            waited = [*self.process_by_pipe, *self.process_by_sentinel, self.stop_read]
            reads, _, _ = safe_select(waited, [], [])
            for pipe in reads:
                if pipe in self.process_by_pipe:
                    self.process_by_pipe[pipe].handleSignal(pipe.recv())
            for sentinel in reads:
                if sentinel in self.process_by_sentinel:
                    self.process_by_sentinel.pop(sentinel).ended()
            if self.stop_read in reads:
                return

    def stop(self):
        os.write(self.stop_write, b"x")
        self.wait()
        os.close(self.stop_read)
        os.close(self.stop_write)


class MainWindow(QtWidgets.QMainWindow):
    """One process to play with, one that looks at a camera."""

    def __init__(self, address, process, analyzer):
        super().__init__()
        self.setWindowTitle("demo_multiprocess")
        self.resize(420, 160)
        self.processes = [process, analyzer]
        self.button = QtWidgets.QPushButton("ping")
        self.label, self.edges = QtWidgets.QLabel("–"), QtWidgets.QLabel("–")
        box = QtWidgets.QWidget()
        layout = QtWidgets.QVBoxLayout(box)
        for widget in (self.button, self.label, self.edges):
            layout.addWidget(widget)
        self.setCentralWidget(box)

        self.button.clicked.connect(lambda: process.ping("hello"))
        process.signals.pong.connect(self.on_pong)
        analyzer.signals.analyzed.connect(self.on_analyzed)
        analyzer.signals.failed.connect(self.on_failed)
        for each in self.processes:
            each.signals.ended.connect(lambda name=each.name: print(f"{name} has ended", flush=True))
        self.thread_ = QValkkaThread(self.processes)
        self.thread_.start()
        self.open_valkka(address)
        analyzer.activate("demo_multiprocess", CELLS, WIDTH, HEIGHT)

    def open_valkka(self, address):
        from valkka import core

        # (LiveThread) --> (AVThread) --> {TimeInterval…} --> {SwScale…} --> {RGBShmemFrameFilter}
        shmem_filter = core.RGBShmemFrameFilter("demo_multiprocess", CELLS, WIDTH, HEIGHT)
        scale_filter = core.SwScaleFrameFilter("scale", WIDTH, HEIGHT, shmem_filter)
        interval_filter = core.TimeIntervalFrameFilter("interval", 200, scale_filter)
        self.avthread = core.AVThread("avthread", interval_filter)
        self.livethread = core.LiveThread("livethread")
        ctx = core.LiveConnectionContext(
            core.LiveConnectionType_rtsp, address, 1, self.avthread.getFrameFilter()
        )
        self.avthread.startCall()
        self.livethread.startCall()
        self.avthread.decodingOnCall()
        self.livethread.registerStreamCall(ctx)
        self.livethread.playStreamCall(ctx)

    def on_pong(self, text):
        print(text, flush=True)
        self.label.setText(text)

    def on_analyzed(self, slot, edges):
        print(f"camera {slot}: {edges:.1%} edges", flush=True)
        self.edges.setText(f"{edges:.1%} of the picture are edges")

    def on_failed(self, sentence):
        print(sentence, flush=True)
        self.edges.setText(sentence)

    def closeEvent(self, event):
        for process in self.processes:
            process.stop()
        for process in self.processes:
            process.join()
        self.thread_.stop()
        self.livethread.stopCall()
        self.avthread.stopCall()
        super().closeEvent(event)


def main(address=None):
    # Processes first, threads after that: what a thread has locked would stay locked in a process for ever.
    process, analyzer = QValkkaProcess("player"), QValkkaOpenCVProcess("analyzer")
    process.start()
    analyzer.start()

    app = QtWidgets.QApplication(sys.argv[:1])
    quit_on_interrupt()
    if address is not None:
        return show(app, address, process, analyzer)
    with Cameras(count=1) as cameras:
        return show(app, cameras.urls[0], process, analyzer)


def show(app, address, process, analyzer):
    window = MainWindow(address, process, analyzer)
    window.show()
    return app.exec()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
