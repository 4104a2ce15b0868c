"""Cameras in a table that sorts itself, with states and numbers; the chosen one is shown below.

Cameras to try: `camgraph cameras`. Start: `python examples/stream_table.py rtsp://127.0.0.1:8554/1 …`
"""

import argparse

from PySide6.QtCore import QModelIndex, QSortFilterProxyModel, Qt
from PySide6.QtWidgets import QAbstractItemView, QApplication, QSplitter, QTableView

import camgraph as cg
from camgraph.errors import CamgraphError
from camgraph.qt import StreamModel, StreamRole, VideoWidget, quit_on_interrupt


class Cameras(QSplitter):
    """The table above the video."""

    def __init__(self, site: cg.Site) -> None:
        super().__init__(Qt.Orientation.Vertical)
        self.setWindowTitle("Cameras")
        self.sorted = QSortFilterProxyModel(self)
        self.sorted.setSourceModel(StreamModel(site, self))
        self.sorted.setSortRole(StreamRole.VALUE)
        self.table = QTableView()
        self.table.setModel(self.sorted)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSortingEnabled(True)
        self.table.sortByColumn(0, Qt.SortOrder.AscendingOrder)
        self.table.horizontalHeader().setDefaultSectionSize(70)
        self.table.horizontalHeader().setStretchLastSection(True)
        self.table.setDragEnabled(True)
        self.table.selectionModel().currentRowChanged.connect(self.show_stream)
        self.video = VideoWidget()
        self.video.setAcceptDrops(True)  # of rows, too
        self.addWidget(self.table)
        self.addWidget(self.video)
        self.setSizes([180, 360])
        self.table.selectRow(0)

    def show_stream(self, current: QModelIndex) -> None:
        self.video.set_stream(current.data(StreamRole.STREAM))


def main(urls: list[str], login: str | None) -> None:
    """Show the cameras until the window is closed."""
    graph = cg.Graph()
    for number, url in enumerate(urls, 1):
        graph.rtsp(f"camera-{number}", url, login=login)
    app = QApplication([])
    quit_on_interrupt()
    with graph.start() as site:
        cameras = Cameras(site)
        cameras.resize(640, 560)
        cameras.show()
        app.exec()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Cameras in a table.")
    parser.add_argument("urls", metavar="URL", nargs="+", help="rtsp://host[:port]/path")
    parser.add_argument("--login", help="where user:password is: env:NAME or file:/path")
    try:
        main(**vars(parser.parse_args()))
    except CamgraphError as error:
        parser.exit(1, f"{error}\n")
