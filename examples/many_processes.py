"""Processes come and go while a Qt program runs, each with a row of its own; one QThread hears them all.

Start: `python examples/many_processes.py`. Kill some: their rows say so, the others notice nothing.
"""

import random

from PySide6 import QtWidgets

import camgraph as cg
from camgraph.qt import quit_on_interrupt, signals


class Pi(cg.MessageProcess):
    """Throws darts until it knows pi well enough, in a process of its own."""

    thrown = cg.message(percent=int, pi=float)

    def __init__(self, darts: int) -> None:
        self.darts, self.count, self.hits = darts, 0, 0

    def setup(self) -> None:
        self.every(0.02, self.throw)

    def throw(self) -> None:
        for _ in range(2000):
            self.hits += random.random() ** 2 + random.random() ** 2 < 1
        self.count += 2000
        self.thrown.emit(percent=min(100 * self.count // self.darts, 100), pi=4 * self.hits / self.count)
        if self.count >= self.darts:
            raise SystemExit  # its work is done: exit code 0


class Row(QtWidgets.QWidget):
    """A process, its progress, and a button that ends it."""

    def __init__(self, site: cg.Site) -> None:
        super().__init__()
        self.process = site.spawn(Pi, darts=1_000_000)
        self.number, self.bar = QtWidgets.QLabel("starts"), QtWidgets.QProgressBar()
        remove = QtWidgets.QPushButton("Remove")
        remove.clicked.connect(self.remove)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget, stretch in (self.number, 1), (self.bar, 2), (remove, 0):
            layout.addWidget(widget, stretch)
        signals(self.process).thrown.connect(self.show_progress)
        signals(self.process).exited.connect(self.show_end)

    def show_progress(self, percent: int, pi: float) -> None:
        self.bar.setValue(percent)
        self.number.setText(f"{self.process.pid}: {pi:.4f}")

    def show_end(self, how: str) -> None:
        self.number.setText(f"{self.number.text()}, {how}")

    def remove(self) -> None:
        self.process.close()
        self.deleteLater()


if __name__ == "__main__":
    app = QtWidgets.QApplication([])
    quit_on_interrupt()
    window = QtWidgets.QWidget(windowTitle="Processes")
    rows, add = QtWidgets.QVBoxLayout(window), QtWidgets.QPushButton("One more")
    rows.addWidget(add)
    rows.addStretch()
    with cg.Graph().start() as site:
        add.clicked.connect(lambda: rows.insertWidget(rows.count() - 1, Row(site)))
        window.resize(520, 400)
        window.show()
        app.exec()
