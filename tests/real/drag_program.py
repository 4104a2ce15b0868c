"""The program of `test_dragging.py`: two cameras side by side, the first of which can be taken away.

A line ``["take away"]`` on standard input deletes the first widget, ``["busy"]`` has the program do nothing
until the next line, another ends all.
"""

import json
import sys
from typing import Any

from qtpy.QtCore import QSocketNotifier
from qtpy.QtWidgets import QApplication, QHBoxLayout, QWidget

import camgraph as cg
from camgraph.qt import VideoWidget


def tell(**news: Any) -> None:
    print(json.dumps(news), flush=True)


def main() -> None:
    app = QApplication([])
    graph = cg.Graph()
    for name in ("left", "right"):
        graph.test_picture(name)
    with graph.start() as site:
        window = QWidget()
        layout = QHBoxLayout(window)
        layout.setContentsMargins(0, 0, 0, 0)
        widgets = [VideoWidget(stream) for stream in site.streams.values()]
        for widget in widgets:
            widget.setDragEnabled(True)
            widget.setAcceptDrops(True)
            widget.dropped.connect(lambda stream, source: tell(dropped=[stream.name, source is not None]))
            widget.clicked.connect(lambda name: tell(clicked=name))
            layout.addWidget(widget)

        def read() -> None:
            line = sys.stdin.readline()
            if "take away" in line:
                widgets.pop(0).deleteLater()
                tell(**{"take away": True})
            elif "busy" in line:
                tell(busy=True)
                sys.stdin.readline()
            else:
                questions.setEnabled(False)
                app.quit()

        questions = QSocketNotifier(sys.stdin.fileno(), QSocketNotifier.Type.Read)
        questions.activated.connect(read)
        window.setGeometry(0, 0, 640, 180)
        window.show()
        app.exec()
        window.close()


if __name__ == "__main__":
    main()
