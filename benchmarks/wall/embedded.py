"""Peers: players that anybody has, each in a window that a Qt program embeds, a process a stream.

``python -m benchmarks.wall.embedded mpv|ffplay width height url…``, the size of a tile. Players don't tell
what they have shown: they count as showing what the cameras send, from the first picture of all on.
"""

import os
import subprocess
import sys
import time
from collections.abc import Sequence

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtGui import QWindow
from qtpy.QtWidgets import QApplication, QWidget

from benchmarks.harness.windows import places_of
from benchmarks.present.players import FFPLAY, FPS, MPV
from benchmarks.wall.gui import lay_out, run_asked
from camgraph.testing.screens import pixels_of, windows_of

KINDS = {"mpv": MPV, "ffplay": FFPLAY}


class _Tile:
    """A player in a widget."""

    def __init__(self, name: str, url: str, width: int, height: int) -> None:
        self.widget = QWidget()
        self._embedded: QWidget | None = None
        self._name, self._url, self._size = name, url, (width, height)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        width, height = self._size
        places = {"window": int(self.widget.winId()), "x": 0, "y": 0, "width": width, "height": height}
        command = [*(word.format_map(places) for word in KINDS[self._name].command), self._url]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"SDL_AUDIODRIVER": "dummy"},
        )

    def embed(self) -> bool:
        """Take the player's window in, if it makes one of its own; tell whether it is where it belongs."""
        assert self._process is not None
        if self._process.poll() is not None:
            raise RuntimeError(f"{self._name} ended with exit code {self._process.returncode}")
        if self._name == "mpv" or self._embedded is not None:
            return True
        found = windows_of(os.environ["DISPLAY"], self._process.pid)
        if not found:
            return False
        foreign = QWindow.fromWinId(found[0])
        self._embedded = QWidget.createWindowContainer(foreign, self.widget)
        self._embedded.setGeometry(0, 0, *self._size)
        self._embedded.show()
        return True

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


class _Counts:
    """Reckons what was shown."""

    def __init__(self, tiles: Sequence[_Tile], width: int, height: int) -> None:
        self._tiles, self._size = tiles, (width, height)
        self._since_s: float | None = None

    def shown(self) -> list[int]:
        if self._since_s is None and not self._all_seen():
            return [0] * len(self._tiles)
        self._since_s = self._since_s or time.monotonic()
        return [1 + round((time.monotonic() - self._since_s) * FPS)] * len(self._tiles)

    def _all_seen(self) -> bool:
        for tile in self._tiles:
            if not tile.embed():
                return False
        width, height = self._size
        places = places_of(len(self._tiles), width, height)
        pixels = pixels_of(
            os.environ["DISPLAY"], max(x for x, _ in places) + width, max(y for _, y in places) + height
        )
        return all(_is_camera(pixels[y : y + height, x : x + width]) for x, y in places)


def _is_camera(pixels: np.ndarray) -> bool:
    """Tell the test picture from an empty window, of one colour, whatever it is."""
    return bool((pixels != pixels[0, 0]).any(axis=2).mean() > 0.2)


def main(name: str, width: int, height: int, urls: Sequence[str]) -> None:
    """Show all until standard input ends."""
    app = QApplication([])
    tiles = [_Tile(name, url, width, height) for url in urls]
    window = lay_out([tile.widget for tile in tiles], width, height)
    window.setWindowFlag(Qt.WindowType.FramelessWindowHint)
    window.move(0, 0)
    for tile in tiles:
        tile.widget.setAttribute(Qt.WidgetAttribute.WA_NativeWindow)
    window.show()
    try:
        for tile in tiles:
            tile.start()
        run_asked(app, _Counts(tiles, width, height).shown)
    finally:
        for tile in tiles:
            tile.kill()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
