"""The program of `test_wall_resize.py`: 64 tiles in a window that is resized without rest.

``python wall_resize_program.py STREAMS URL…`` writes JSON lines: five times a second what the tiles show; a
number on its standard input has the window resized for so many seconds, and a line tells how that went: how
late a timer was, and how long the thread of the GUI computed from one of its ticks to the next; an empty line
asks for the site's numbers.
"""

import json
import math
import sys
import time
from typing import Any

from qtpy.QtCore import QSocketNotifier, Qt, QTimer
from qtpy.QtWidgets import QApplication, QGridLayout, QWidget

import camgraph as cg
from camgraph.base.geometry import letterbox
from camgraph.qt import VideoWidget

TILES = 64
CAMERA = (320, 180)
WINDOW = (1280, 720)
STEP_MS = 20
TICK_MS = 10
REST_EVERY_S = 1.0
"""So often the window rests for longer than a tile waits before it asks for its new size."""
REST_S = 0.3


def figures(times: list[float]) -> list[float]:
    """Return the median, the 99th percentile and the worst."""
    times = sorted(times)
    return [times[len(times) // 2], times[len(times) * 99 // 100], times[-1]]


def tell(**news: Any) -> None:
    print(json.dumps(news), flush=True)


class Window(QWidget):
    def __init__(self, streams: int, urls: list[str]) -> None:
        super().__init__()
        graph = cg.Graph()
        for number in range(streams):
            graph.rtsp(f"camera-{number}", urls[number % len(urls)])
        self.site = graph.start()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(0)
        names = list(self.site.streams)
        self.tiles = [VideoWidget(self.site.streams[names[n % streams]], self) for n in range(TILES)]
        for number, tile in enumerate(self.tiles):
            grid.addWidget(tile, number // 8, number % 8)
        self.resize(*WINDOW)
        self.resizes = 0
        self.began = self.until = self.expected = 0.0
        self.used = 0.0
        self.late_ms: list[float] = []
        self.busy_ms: list[float] = []
        self.step = self.every(STEP_MS, self.resize_once)
        self.tick = self.every(TICK_MS, self.note_lateness)
        self.every(200, self.tell_tiles).start()

    def every(self, interval_ms: int, callback: Any) -> QTimer:
        timer = QTimer(self)
        timer.setTimerType(Qt.TimerType.PreciseTimer)
        timer.setInterval(interval_ms)
        timer.timeout.connect(callback)
        return timer

    def begin(self, seconds: float) -> None:
        self.resizes = 0
        self.late_ms, self.busy_ms = [], []
        self.used = time.thread_time()
        self.began = time.monotonic()
        self.until = self.began + seconds
        self.expected = self.began + TICK_MS / 1000
        self.step.start()
        self.tick.start()

    def resize_once(self) -> None:
        now = time.monotonic()
        if now < self.until:
            since = now - self.began
            if since % REST_EVERY_S < REST_EVERY_S - REST_S:
                phase = since * 2.3
                self.resize(1000 + round(500 * math.sin(phase)), 640 + round(300 * math.cos(phase)))
                self.resizes += 1
            return
        self.step.stop()
        self.tick.stop()
        self.resize(*WINDOW)
        tell(resized=self.resizes, late_ms=figures(self.late_ms), busy_ms=figures(self.busy_ms))

    def note_lateness(self) -> None:
        now, used = time.monotonic(), time.thread_time()
        self.busy_ms.append((used - self.used) * 1000)
        self.used = used
        self.late_ms.append(max(0.0, (now - self.expected) * 1000))
        self.expected = now + TICK_MS / 1000

    def tell_tiles(self) -> None:
        exact = unaccounted = 0
        for tile in self.tiles:
            numbers = tile.statistics()
            fitting = letterbox(*CAMERA, tile.width(), tile.height())[2:]
            exact += (numbers.width, numbers.height) == fitting
            unaccounted += numbers.published - numbers.shown - numbers.lost - numbers.waiting
        least = min(tile.statistics().shown for tile in self.tiles)
        tell(exact=exact, least=least, unaccounted=unaccounted)

    def tell_site(self) -> None:
        numbers = self.site.statistics()
        rings = [ring for stream in numbers.streams.values() for ring in stream.rings]
        tell(
            rings=len(rings),
            readers=sum(ring.readers for ring in rings),
            pids=[it.pid for it in numbers.media],
        )


def main() -> None:
    app = QApplication(sys.argv)
    window = Window(int(sys.argv[1]), sys.argv[2:])
    window.show()

    def obey() -> None:
        line = sys.stdin.readline()
        if not line:
            app.quit()
        elif line.strip():
            window.begin(float(line))
        else:
            window.tell_site()

    notifier = QSocketNotifier(sys.stdin.fileno(), QSocketNotifier.Type.Read)
    notifier.activated.connect(obey)
    app.exec()
    notifier.setEnabled(False)
    window.site.close()


if __name__ == "__main__":
    main()
