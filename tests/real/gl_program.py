"""The program of `test_gl_path.py`: a row of tiles that OpenGL draws, if it can.

``python gl_program.py URL…`` writes JSON lines: five times a second what the tiles show; what was clicked.
A line on its standard input is ``["view", {…}]`` or ``["draw", "gl"]`` (or ``"raster"``), for all tiles, or
``["save", "/a/path.png"]`` for what the first one shows, or ``["cover", true]`` to lay something over them.
``["forget", null]`` is answered with whether a tile that the program forgets is gone at once.
``CORE=1`` in the environment asks for OpenGL without what is old in it.
"""

import json
import logging
import os
import sys
import weakref
from typing import Any

import numpy as np
from qtpy.QtCore import QSocketNotifier, QTimer
from qtpy.QtGui import QSurfaceFormat
from qtpy.QtWidgets import QApplication, QHBoxLayout, QWidget

import camgraph as cg
from camgraph.qt import Box, HeatMap, Mask, VideoWidget, View

TILE = (320, 180)


def tell(**news: Any) -> None:
    print(json.dumps(news), flush=True)


def main() -> None:
    logging.basicConfig(format="%(message)s")
    if os.environ.get("CORE"):
        core = QSurfaceFormat()
        core.setVersion(3, 3)
        core.setProfile(QSurfaceFormat.OpenGLContextProfile.CoreProfile)
        QSurfaceFormat.setDefaultFormat(core)
    app = QApplication(sys.argv)
    graph = cg.Graph()
    for number, url in enumerate(sys.argv[1:], 1):
        graph.rtsp(f"camera-{number}", url)
    site = graph.start()
    window = QWidget()
    row = QHBoxLayout(window)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(0)
    tiles = [VideoWidget(stream) for stream in site.streams.values()]
    for tile in tiles:
        row.addWidget(tile)
        tile.clicked.connect(lambda name: tell(clicked=name))
        tile.gl = True
    tiles[0].set_overlay(
        [
            Box(0, 0, 640, 360, color="#ff00ff"),
            Mask(np.ones((2, 2), bool), (800, 420, 160, 160), "#00ffff", 1.0),
            HeatMap(np.ones((2, 2)), (1040, 420, 160, 160), colors=("blue", "#ff8000"), alpha=1.0),
        ]
    )
    window.setGeometry(0, 0, len(tiles) * TILE[0], TILE[1])
    cover = QWidget(window)
    cover.setAutoFillBackground(True)
    cover.setGeometry(0, 0, len(tiles) * TILE[0], TILE[1])
    cover.hide()
    window.show()

    def tell_tiles() -> None:
        tell(
            gl=[tile.gl for tile in tiles],
            shown=[
                [it.shown, it.width, it.height, it.published] for it in (tile.statistics() for tile in tiles)
            ],
        )

    def obey() -> None:
        what, value = json.loads(sys.stdin.readline())
        for tile in tiles:
            if what == "view":
                tile.view = View(**value)
            elif what == "draw":
                tile.gl = value == "gl"
        if what == "cover":
            cover.setVisible(value)
        elif what == "forget":
            lone = VideoWidget(site.streams["camera-1"])
            lone.gl = True
            lone.show()
            seen = weakref.ref(lone)
            del lone
            value = seen() is None
        elif what == "save":
            tiles[0].snapshot().save(value)
        tell(**{what: value})

    telling = QTimer(window)
    telling.timeout.connect(tell_tiles)
    telling.start(200)
    notifier = QSocketNotifier(sys.stdin.fileno(), QSocketNotifier.Type.Read)
    notifier.activated.connect(obey)
    app.exec()
    notifier.setEnabled(False)
    site.close()


if __name__ == "__main__":
    main()
