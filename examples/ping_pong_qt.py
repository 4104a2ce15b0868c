"""Ping-pong with another process in a Qt program: buttons call it; its messages and results are Qt signals.

Start: `python examples/ping_pong_qt.py`
"""

import os
import time
from functools import partial

from PySide6 import QtWidgets

import camgraph as cg
from camgraph.qt import quit_on_interrupt, reply, signals


class Player(cg.MessageProcess):
    """Plays in a process of its own, where all of its methods run. No Qt is imported there."""

    served = cg.message(ball=int)

    @cg.backend
    def practise(self) -> None:  # no result: the call returns at once
        for ball in range(1, 6):
            self.call_later(ball / 5, partial(self.served.emit, ball))

    @cg.backend
    def stroke(self, ball: int) -> int:  # a result: the call returns a future, of which reply() tells Qt
        time.sleep(0.5)  # hard work, of which the window notices nothing
        if ball > 9:
            raise ValueError(f"{ball} was out")
        return os.getpid()


class Table(QtWidgets.QWidget):
    def __init__(self, player: cg.FrontEnd) -> None:
        super().__init__(windowTitle="Ping-pong")
        self.player, self.told = player, QtWidgets.QPlainTextEdit(readOnly=True)
        practise, stroke, out = map(QtWidgets.QPushButton, ("Five balls, please", "Stroke", "Out"))
        practise.clicked.connect(player.practise)  # the back end's method is a slot
        stroke.clicked.connect(lambda: self.ask(7))
        out.clicked.connect(lambda: self.ask(10))
        layout = QtWidgets.QGridLayout(self)
        for column, button in enumerate((practise, stroke, out)):
            layout.addWidget(button, 0, column)
        layout.addWidget(self.told, 1, 0, 1, 3)
        signals(player).ready.connect(lambda: self.tell(f"process {player.pid} is ready"))
        signals(player).served.connect(lambda ball: self.tell(f"ball {ball} came"))
        signals(player).exited.connect(lambda how: self.tell(f"it has ended: {how}"))
        signals(player).exited.connect(lambda how: self.setEnabled(False))

    def tell(self, text: str) -> None:
        self.told.appendPlainText(text)
        print(text, flush=True)

    def ask(self, ball: int) -> None:
        answer = reply(self.player.stroke(ball))
        self.tell(f"ball {ball} goes over")
        answer.finished.connect(lambda pid: self.tell(f"ball {ball} is back from process {pid}"))
        answer.failed.connect(lambda error: self.tell(f"ball {ball} is lost: {str(error).splitlines()[0]}"))


if __name__ == "__main__":
    app = QtWidgets.QApplication([])
    quit_on_interrupt()
    with cg.Graph().start() as site:
        table = Table(site.spawn(Player))
        table.resize(480, 320)
        table.show()
        app.exec()
