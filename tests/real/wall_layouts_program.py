"""The program of `test_wall_layouts.py`: windows with walls of one site, on as many screens as there are.

``python wall_layouts_program.py URL… SUB_URL``: the last camera has a smaller stream, too. A JSON line comes
ten times a second; one on the standard input is a method of its own with its arguments, and is answered.
"""

import json
import sys
from typing import Any

from qtpy.QtCore import QSocketNotifier, QTimer
from qtpy.QtWidgets import QApplication

import camgraph as cg
from camgraph.qt import Walls


def tell(**news: Any) -> None:
    print(json.dumps(news), flush=True)


class Program:
    def __init__(self, urls: list[str]) -> None:
        *urls, sub_url = urls
        graph = cg.Graph()
        for number, url in enumerate(urls, 1):
            graph.rtsp(f"camera-{number}", url, sub_url=sub_url if number == len(urls) else None)
        self.site = graph.start()
        self.walls = Walls(self.site)
        self.telling = QTimer()
        self.telling.timeout.connect(self.look)
        self.telling.start(100)
        self.asked = QSocketNotifier(sys.stdin.fileno(), QSocketNotifier.Type.Read)
        self.asked.activated.connect(self.obey)

    def look(self) -> None:
        tell(
            screens=[screen.name() for screen in QApplication.screens()],
            received={name: [it.status.width, it.status.height] for name, it in self.site.streams.items()},
            windows=[
                [it.screen().name(), it.x(), it.y(), it.width(), it.height()] for it in self.walls.windows
            ],
            orders=[it.wall.order for it in self.walls.windows],
        )

    def obey(self) -> None:
        line = sys.stdin.readline()
        if not line:
            self.site.close()
            QApplication.quit()
            return
        name, *arguments = json.loads(line)
        tell(**{name: getattr(self, name)(*arguments)})

    def open(self, screen: str, names: list[str] | None, layout: str, full_screen: bool) -> None:
        window = self.walls.add(names, screen=screen, size=(640, 720))
        window.wall.set_layout(layout)
        window.set_full_screen(full_screen)

    def save(self) -> dict[str, Any]:
        return self.walls.save()

    def restore(self, saved: dict[str, Any]) -> list[str]:
        return list(self.walls.restore(saved))


def main() -> None:
    app = QApplication(sys.argv)
    app.setQuitOnLastWindowClosed(False)
    program = Program(sys.argv[1:])
    tell(code=app.exec(), windows=len(program.walls.windows))


if __name__ == "__main__":
    main()
