"""Ours: a `VideoWall`. ``python -m benchmarks.wall.camgraph_wall width height url…``, the size of a tile."""

import sys
from collections.abc import Sequence

from qtpy.QtWidgets import QApplication

import camgraph as cg
from benchmarks.harness.windows import columns_of
from benchmarks.wall.gui import run_asked
from camgraph.qt import VideoWall


def main(width: int, height: int, urls: Sequence[str]) -> None:
    """Show all until standard input ends."""
    app = QApplication([])
    graph = cg.Graph()
    for number, url in enumerate(urls, 1):
        graph.rtsp(f"camera-{number}", url)
    columns = columns_of(len(urls))
    rows = -(-len(urls) // columns)
    with graph.start() as site:
        wall = VideoWall(site.streams)
        wall.setFixedSize(columns * width, rows * height)
        wall.show()
        run_asked(app, lambda: [widget.statistics().shown for widget in wall])
        wall.close()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
