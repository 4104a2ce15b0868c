"""The program of `test_random_use.py`: windows of walls to which, on demand, everything happens at random.

``python random_use_program.py URL…`` writes JSON lines; one on the standard input is a method of its own with
its arguments, and is answered.
"""

import faulthandler
import gc
import json
import random
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from qtpy.QtCore import QSocketNotifier, QTimer
from qtpy.QtGui import QScreen
from qtpy.QtWidgets import QApplication

import camgraph as cg
from camgraph.qt import Box, Now, Smooth, VideoWidget, Walls, WallWindow

STEP_MS = 15
LAYOUTS = ("auto", "2x2", "1x1", "3x1", "1+5", ("AAB", "AAC", "D.C"))
WINDOWS = 3


def tell(**news: Any) -> None:
    print(json.dumps(news), flush=True)


class Program:
    def __init__(self, urls: list[str]) -> None:
        self.urls = {f"camera-{number}": url for number, url in enumerate(urls, 1)}
        self.random = random.Random(0)
        self.site = self.graph(list(self.urls)).start()
        self.walls = Walls(self.site)
        self.until = 0.0
        self.done: dict[str, int] = {}
        self.stepping = QTimer()
        self.stepping.timeout.connect(self.step)
        self.asked = QSocketNotifier(sys.stdin.fileno(), QSocketNotifier.Type.Read)
        self.asked.activated.connect(self.obey)
        self.steps: list[Callable[[], object]] = [
            self.open_or_close,
            self.plug_or_unplug,
            *[self.change_window] * 6,
            *[self.change_wall] * 8,
            *[self.change_tile] * 8,
        ]

    def graph(self, names: list[str]) -> cg.Graph:
        graph = cg.Graph()
        for name in names:
            graph.rtsp(name, self.urls[name])
        return graph

    def obey(self) -> None:
        line = sys.stdin.readline()
        if not line:
            self.site.close()
            QApplication.quit()
            return
        name, *arguments = json.loads(line)
        tell(**{name: getattr(self, name)(*arguments)})

    def calm(self) -> None:
        """Have one new window with all cameras, as if nothing had happened."""
        self.walls.close()
        self.site.apply(self.graph(list(self.urls)))
        self.walls.add(size=(960, 540)).setGeometry(0, 0, 960, 540)

    def held(self) -> dict[str, Any]:
        """What there is that must not become more."""
        gc.collect()
        streams = self.site.statistics().streams.values()
        return {
            "widgets": sum(isinstance(it, VideoWidget) for it in QApplication.allWidgets()),
            "readers": [sum(ring.readers for ring in it.rings) for it in streams],
            "shown": min((tile.statistics().shown for tile in self.walls.windows[0].wall), default=0),
        }

    def use(self, seconds: float, seed: int) -> None:
        """Begin; a line tells when it is over."""
        self.random.seed(seed)
        self.until = time.monotonic() + seconds
        self.done = {}
        self.stepping.start(STEP_MS)

    def step(self) -> None:
        if time.monotonic() >= self.until:
            self.stepping.stop()
            tell(used=self.done)
            return
        step = self.random.choice(self.steps)
        name = getattr(step, "__name__", "")
        self.done[name] = self.done.get(name, 0) + 1
        step()

    def any_window(self) -> WallWindow:
        return self.random.choice(self.walls.windows)

    def open_or_close(self) -> None:
        windows = self.walls.windows
        if len(windows) > 1 and (len(windows) == WINDOWS or self.random.random() < 0.5):
            self.any_window().close()
            return
        names = list(self.site.streams)
        some = self.random.sample(names, self.random.randint(0, len(names)))
        self.walls.add(self.random.choice([None, some]), screen=self.any_screen().name(), size=(640, 360))

    def any_screen(self) -> QScreen:
        return self.random.choice(QApplication.screens())

    def plug_or_unplug(self) -> None:
        names = [name for name in self.urls if self.random.random() < 0.7]
        self.random.shuffle(names)
        self.site.apply(self.graph(names))

    def change_window(self) -> None:
        window, screen = self.any_window(), self.any_screen().geometry()
        match self.random.randrange(5):
            case 0:
                window.set_full_screen(not window.full_screen)
            case 1:
                window.setVisible(not window.isVisible())
            case 2:
                window.resize(self.random.randint(1, 900), self.random.randint(1, 700))
            case 3:
                window.move(screen.topLeft())
            case 4:
                self.walls.save()

    def change_wall(self) -> None:
        wall = self.any_window().wall
        match self.random.randrange(5) if len(wall) else 0:
            case 0:
                wall.set_layout(self.random.choice(LAYOUTS))
            case 1:
                wall.enlarge(self.random.choice(wall.order))
            case 2:
                wall.reduce()
            case 3:
                wall.set_page(self.random.randint(0, 5))
            case 4:
                wall.swap(self.random.choice(wall.order), self.random.choice(wall.order))

    def change_tile(self) -> None:
        tiles = list(self.any_window().wall)
        if not tiles:
            return
        tile = self.random.choice(tiles)
        match self.random.randrange(9):
            case 0:
                tile.zoom_by(self.random.choice([0.5, 2.0]))
            case 1:
                tile.rotate()
            case 2:
                tile.mirror()
            case 3:
                tile.view = replace(tile.view, fit=self.random.choice(["contain", "cover", "stretch"]))
            case 4:
                tile.statistics_shown = not tile.statistics_shown
            case 5:
                tile.set_overlay([Box(10, 10, 100, 50, label="a box")])
            case 6:
                tile.presentation = Now() if self.random.random() < 0.5 else Smooth()
            case 7:
                tile.set_stream(self.random.choice([None, *self.site.streams.values()]))
            case 8:
                tile.snapshot()


def main() -> None:
    app = QApplication(sys.argv)
    app.setQuitOnLastWindowClosed(False)
    faulthandler.enable()
    program = Program(sys.argv[1:])
    tell(code=app.exec(), windows=len(program.walls.windows))


if __name__ == "__main__":
    main()
