"""Ours: a tile and an analyzer of one camera. ``python -m benchmarks.latency.program width height url``

Answers lines on standard input with ``[[number, ns], …]``: when the analyzer's `on_frame` was entered, since
the last line; what it has not told yet comes with a later answer.
"""

import json
import os
import sys
import time
from typing import Any

from qtpy.QtCore import QSocketNotifier
from qtpy.QtWidgets import QApplication

import camgraph as cg
from camgraph.qt import VideoWidget, signals

_TOLD_AT_ONCE = 10


class Stamper(cg.MessageProcess):
    """Says when it was given which frame."""

    stamped = cg.message(stamps=list)

    def setup(self) -> None:
        from camgraph.testing.pattern import decode

        self._decode: Any = decode
        self._stamps: list[tuple[int, int]] = []

    def on_frame(self, frame: cg.Frame) -> None:
        now_ns = time.monotonic_ns()
        found = self._decode(frame.array)
        if found.ok:
            self._stamps.append((found.number, now_ns))
        if len(self._stamps) >= _TOLD_AT_ONCE:
            self.stamped.emit(stamps=self._stamps)
            self._stamps = []


def main(width: int, height: int, url: str) -> None:
    """Show and analyze until standard input ends."""
    app = QApplication([])
    graph = cg.Graph()
    camera = graph.rtsp("camera", url)
    stamps: list[tuple[int, int]] = []

    def answer() -> None:
        if not os.read(0, 4096):
            questions.setEnabled(False)
            app.quit()
            return
        print(json.dumps(stamps), flush=True)
        stamps.clear()

    with graph.start() as site:
        stamper = site.spawn(Stamper)
        stamper.watch(camera.frames(size=(320, 180), format="gray8"))
        signals(stamper).stamped.connect(stamps.extend)
        widget = VideoWidget(site.streams["camera"])
        widget.setFixedSize(width, height)
        widget.show()
        questions = QSocketNotifier(0, QSocketNotifier.Type.Read, app)
        questions.activated.connect(answer)
        app.exec()
        widget.close()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
