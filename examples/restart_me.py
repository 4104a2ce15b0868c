"""A back end that crashes or hangs at the push of a button, and is started again: the window tells its story.

Start: `python examples/restart_me.py`. The third crash within a minute is one too many.
"""

import ctypes
import time

from PySide6 import QtWidgets

import camgraph as cg
from camgraph.qt import quit_on_interrupt, signals


class Victim(cg.MessageProcess):
    """Counts seconds until somebody does it harm. Each new life begins in `setup`."""

    restart = cg.Restart(crashes=3, within_s=60)
    deadline_s = 2.0  # no method may take longer
    counted = cg.message(seconds=int)

    def setup(self) -> None:
        self.seconds = 0
        self.every(1.0, self.count)

    def count(self) -> None:
        self.seconds += 1
        self.counted.emit(seconds=self.seconds)

    @cg.backend
    def segfault(self) -> None:
        ctypes.string_at(0)  # reads where nothing is

    @cg.backend
    def hang(self) -> None:
        time.sleep(3600)

    @cg.backend
    def fail(self) -> None:
        raise RuntimeError("this is what an exception looks like")


class Window(QtWidgets.QWidget):
    def __init__(self, victim: cg.FrontEnd) -> None:
        super().__init__(windowTitle="Restart me")
        self.state, self.story = QtWidgets.QLabel("it starts"), QtWidgets.QListWidget()
        self.trace = QtWidgets.QPlainTextEdit(readOnly=True, placeholderText="what it was doing in the end")
        layout = QtWidgets.QGridLayout(self)
        for column, method in enumerate((victim.segfault, victim.hang, victim.fail)):
            button = QtWidgets.QPushButton(method.__name__)
            button.clicked.connect(method)  # the back end's method is a slot
            layout.addWidget(button, 0, column)
        for row, widget in enumerate((self.state, self.story, self.trace), 1):
            layout.addWidget(widget, row, 0, 1, 3)
        told = signals(victim)
        told.ready.connect(lambda: self.tell(f"process {victim.pid} is ready"))
        told.counted.connect(lambda n: self.state.setText(f"process {victim.pid} has lived for {n} s"))
        told.failed.connect(lambda error: self.tell(error.summary))
        told.failed.connect(lambda error: self.trace.setPlainText(error.traceback))
        told.restarted.connect(lambda how: self.tell(f"{how}: it is started again"))
        told.exited.connect(lambda how: self.tell(f"it has ended for good: {how}"))
        told.exited.connect(lambda how: self.setEnabled(False))

    def tell(self, text: str) -> None:
        self.story.addItem(text)
        self.story.scrollToBottom()
        print(text, flush=True)


if __name__ == "__main__":
    app = QtWidgets.QApplication([])
    quit_on_interrupt()
    with cg.Graph().start() as site:
        window = Window(site.spawn(Victim))
        window.resize(720, 480)
        window.show()
        app.exec()
