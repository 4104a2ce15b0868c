"""A Python process, its pipe, and the thread of a Qt program that reads it.

    python multiprocessing_demo.py

A click sends the process a message; it answers, and the thread makes a Qt signal of the answer. Beyond that
the process speaks when it wants to.
"""

import os
import sys

from qtpy import QtCore, QtWidgets

from camgraph.qt import quit_on_interrupt
from valkka.multiprocess import MessageObject, MessageProcess, safe_select


class Process(MessageProcess):
    """Methods with plain names are called in the program, those that end in __ in the process."""

    timeout = 1.0

    # Front end: what the program calls.

    def add(self, a, b):
        self.sendMessageToBack(MessageObject("add", a=a, b=b))

    # Back end: what runs in the process, from here on.

    def preRun__(self):
        # Heavy libraries are imported here, and nowhere else.
        self.seconds = 0
        self.send_out__(MessageObject("text", text=f"process {os.getpid()} is ready"))

    def postRun__(self):
        print("the process says bye", flush=True)

    def readPipes__(self, timeout):
        # More descriptors can be waited for in the same way.
        reads, _, _ = safe_select([self.back_pipe], [], [], timeout=timeout)
        if reads:
            self.handleBackPipe__(self.back_pipe)
        else:
            self.seconds += 1
            self.send_out__(MessageObject("text", text=f"nobody has called for {self.seconds} s"))

    def c__add(self, a, b):
        self.seconds = 0
        self.send_out__(MessageObject("text", text=f"{a} + {b} = {a + b}"))


class Thread(QtCore.QThread):
    """Waits for messages, and for the word to stop."""

    message = QtCore.Signal(object)

    def __init__(self, process):
        super().__init__()
        self.process = process
        self.stop_read, self.stop_write = os.pipe()

    def run(self):
        pipes = [self.process.getPipe(), self.stop_read]
        while True:
            reads, _, _ = safe_select(pipes, [], [])
            if self.stop_read in reads:
                return
            message = self.process.getPipe().recv()
            if message is None:
                # It has left its loop, or was killed.
                self.message.emit(MessageObject("text", text="the process has ended"))
                pipes.remove(self.process.getPipe())
            else:
                self.message.emit(message)

    def stop(self):
        os.write(self.stop_write, b"x")
        self.wait()
        os.close(self.stop_read)
        os.close(self.stop_write)


class MainWindow(QtWidgets.QMainWindow):
    def __init__(self, process):
        super().__init__()
        self.setWindowTitle("multiprocessing_demo")
        self.resize(400, 240)
        self.process = process
        self.number = 0
        self.button = QtWidgets.QPushButton("add")
        self.button.clicked.connect(self.on_click)
        self.text = QtWidgets.QPlainTextEdit(readOnly=True)
        box = QtWidgets.QWidget()
        layout = QtWidgets.QVBoxLayout(box)
        layout.addWidget(self.button)
        layout.addWidget(self.text)
        self.setCentralWidget(box)
        self.thread_ = Thread(process)
        self.thread_.message.connect(self.on_message)
        self.thread_.start()

    def on_click(self):
        self.number += 1
        self.process.add(self.number, self.number)

    def on_message(self, message):
        # Here, in the program's own thread.
        if message() == "text":
            print(message["text"], flush=True)
            self.text.appendPlainText(message["text"])

    def closeEvent(self, event):
        self.process.stop()
        self.thread_.stop()
        super().closeEvent(event)


def main():
    # Processes first, threads after that: what a thread has locked would stay locked in a process for ever.
    process = Process("adder")
    process.ignoreSIGINT()
    process.go()

    app = QtWidgets.QApplication(sys.argv)
    quit_on_interrupt()
    window = MainWindow(process)
    window.show()
    return app.exec()


if __name__ == "__main__":
    sys.exit(main())
