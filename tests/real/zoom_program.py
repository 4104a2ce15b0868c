"""The program of `test_zoom.py`: ``python zoom_program.py CLIP`` shows a clip in a widget of 640x360 px."""

import json
import sys

from qtpy.QtWidgets import QApplication

import camgraph as cg
from camgraph.qt import VideoWidget


def main() -> None:
    app = QApplication(sys.argv)
    graph = cg.Graph()
    graph.file("clip", sys.argv[1], loop=True)
    with graph.start() as site:
        widget = VideoWidget(site.streams["clip"])
        widget.clicked.connect(lambda name: print(json.dumps({"clicked": name}), flush=True))
        widget.resize(640, 360)
        widget.show()
        app.exec()


if __name__ == "__main__":
    main()
