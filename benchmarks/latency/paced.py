"""Ours: tiles that show cameras by a presentation, the first in the upper left corner.

``python -m benchmarks.latency.paced width height presentation url…``, the size of a tile; the presentation is
one of `PRESENTATIONS`. Answers lines on standard input with the first tile's delay in ms.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence

from qtpy.QtCore import QSocketNotifier
from qtpy.QtWidgets import QApplication, QHBoxLayout, QWidget

import camgraph as cg
from camgraph.qt import Fixed, InStep, Now, Smooth, VideoWidget
from camgraph.qt.video.presentation import Presentation

PRESENTATIONS: Mapping[str, Callable[[], Presentation]] = {
    "now": Now,
    "smooth": Smooth,
    "fixed": lambda: Fixed(80),
    "in step": InStep,
}


def main(width: int, height: int, name: str, urls: Sequence[str]) -> None:
    """Show all until standard input ends."""
    app = QApplication([])
    graph = cg.Graph()
    for number, url in enumerate(urls):
        graph.rtsp(f"camera-{number}", url)
    presentation = PRESENTATIONS[name]()

    def answer() -> None:
        if not os.read(0, 4096):
            questions.setEnabled(False)
            app.quit()
            return
        print(json.dumps(widgets[0].statistics().delay_ms), flush=True)

    with graph.start() as site:
        window = QWidget()
        layout = QHBoxLayout(window)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        widgets = [VideoWidget(stream) for stream in site.streams.values()]
        for widget in widgets:
            widget.setFixedSize(width, height)
            widget.presentation = presentation
            layout.addWidget(widget)
        window.show()
        questions = QSocketNotifier(0, QSocketNotifier.Type.Read, app)
        questions.activated.connect(answer)
        app.exec()
        window.close()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
