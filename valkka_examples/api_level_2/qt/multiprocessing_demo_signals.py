"""Several Python processes, each with Qt signals of its own, and one thread that hears them all.

    python multiprocessing_demo_signals.py

A click on "pong" sends all processes a pong: a slot each, which goes to the other side of the fork. A process
answers with a ping, which comes out of its object as a Qt signal.
"""

import os
import signal
import sys

from qtpy import QtCore, QtWidgets

from camgraph.qt import quit_on_interrupt
from valkka.api2.multiprocess import ValkkaProcess, safe_select

PROCESSES = 3


class QProcess(ValkkaProcess):
    """Methods that end in _ run in the process; their names and arguments are declared here."""

    incoming_signal_defs = {  # noqa: RUF012
        "pong_": {"number": int},
        "stop_": [],
    }
    outgoing_signal_defs = {  # noqa: RUF012
        "ping": {"text": str},
    }

    class Signals(QtCore.QObject):
        ping = QtCore.Signal(object)

    def __init__(self, name):
        super().__init__(name)
        self.signals = self.Signals()

    # Back end.

    def preRun_(self):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self.sum = 0
        self.sendSignal_(name="ping", text=f"{self.name} is process {os.getpid()}")

    def cycle_(self):
        # Work is done here; it must not last long, since after each time one signal is handled.
        self.signal_in.wait(0.5)

    def pong_(self, number):
        self.sum += number
        self.sendSignal_(name="ping", text=f"{self.name} has {self.sum}")

    # Front end.

    def ping(self, text):
        # In the thread that hears the processes: the signal goes on to the program's thread.
        self.signals.ping.emit(text)

    def pong(self, number):
        self.sendSignal(name="pong_", number=number)


class Thread(QtCore.QThread):
    """Hears all processes."""

    def __init__(self, processes):
        super().__init__()
        self.processes = {process.getPipe(): process for process in processes}
        self.loop = True

    def run(self):
        while self.loop:
            reads, _, _ = safe_select(list(self.processes), [], [], timeout=0.2)
            for pipe in reads:
                self.processes[pipe].handleSignal(pipe.recv())

    def stop(self):
        self.loop = False
        self.wait()


class MainWindow(QtWidgets.QMainWindow):
    def __init__(self, processes):
        super().__init__()
        self.setWindowTitle("multiprocessing_demo_signals")
        self.resize(400, 240)
        self.processes = processes
        self.number = 0
        self.button = QtWidgets.QPushButton("pong")
        self.button.clicked.connect(self.on_click)
        self.text = QtWidgets.QPlainTextEdit(readOnly=True)
        box = QtWidgets.QWidget()
        layout = QtWidgets.QVBoxLayout(box)
        layout.addWidget(self.button)
        layout.addWidget(self.text)
        self.setCentralWidget(box)
        for process in processes:
            process.signals.ping.connect(self.on_ping)
        self.thread_ = Thread(processes)
        self.thread_.start()

    def on_click(self):
        self.number += 1
        for process in self.processes:
            process.pong(self.number)

    def on_ping(self, text):
        print(text, flush=True)
        self.text.appendPlainText(text)

    def closeEvent(self, event):
        for process in self.processes:
            process.stop()
        self.thread_.stop()
        for process in self.processes:
            process.join()
        super().closeEvent(event)


def main():
    # Processes first, threads after that: what a thread has locked would stay locked in a process for ever.
    processes = [QProcess(f"process-{number}") for number in range(1, PROCESSES + 1)]
    for process in processes:
        process.start()

    app = QtWidgets.QApplication(sys.argv)
    quit_on_interrupt()
    window = MainWindow(processes)
    window.show()
    return app.exec()


if __name__ == "__main__":
    sys.exit(main())
