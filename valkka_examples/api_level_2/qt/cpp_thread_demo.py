"""A native thread that calls back into Python, and Qt signals made of that.

    python cpp_thread_demo.py

TestThread counts once a second; a click adds 100.
"""

import sys

from qtpy import QtCore, QtWidgets

from camgraph.qt import quit_on_interrupt
from valkka.core import TestThread


class Counter(QtCore.QObject):
    """Turns callbacks, which come in another thread, into a signal."""

    counted = QtCore.Signal(int)

    def __init__(self):
        super().__init__()
        self.thread_ = TestThread("counter")
        self.thread_.setCallback(self.callback)

    def start(self):
        self.thread_.startCall()

    def callback(self, number):
        # Nothing of the window may be touched here.
        self.counted.emit(number)

    def add(self):
        self.thread_.addCall()

    def stop(self):
        self.thread_.stopCall()


class MainWindow(QtWidgets.QMainWindow):
    def __init__(self):
        super().__init__()
        self.setWindowTitle("cpp_thread_demo")
        self.resize(300, 120)
        self.label = QtWidgets.QLabel("–")
        self.button = QtWidgets.QPushButton("add 100")
        box = QtWidgets.QWidget()
        layout = QtWidgets.QVBoxLayout(box)
        layout.addWidget(self.button)
        layout.addWidget(self.label)
        self.setCentralWidget(box)
        self.counter = Counter()
        self.counter.counted.connect(self.on_counted)
        self.button.clicked.connect(self.counter.add)
        self.counter.start()

    def on_counted(self, number):
        print("counted", number, flush=True)
        self.label.setText(str(number))

    def closeEvent(self, event):
        self.counter.stop()
        super().closeEvent(event)


def main():
    app = QtWidgets.QApplication(sys.argv)
    quit_on_interrupt()
    window = MainWindow()
    window.show()
    return app.exec()


if __name__ == "__main__":
    sys.exit(main())
