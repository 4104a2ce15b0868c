"""Runs `qt_window_program.py`, or one like it, and looks at its window."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from camgraph.testing.pattern import BARS
from camgraph.testing.screens import ask_to_close, pixels_of, windows_of
from camgraph.testing.waiting import wait_until

PROGRAM = Path(__file__).with_name("qt_window_program.py")
Picture = npt.NDArray[np.uint8]


class Program:
    """The running program, what it has written, and what the X server shows of it."""

    def __init__(self, display: str, urls: list[str], program: Path = PROGRAM, **environment: str) -> None:
        self._display = display
        self.popen = subprocess.Popen(
            [sys.executable, str(program), *urls],
            env={**os.environ, "DISPLAY": display, "QT_QPA_PLATFORM": "xcb", **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines: list[dict[str, Any]] = []
        self.errors = ""
        self._threads = [threading.Thread(target=self._read), threading.Thread(target=self._read_errors)]
        for thread in self._threads:
            thread.start()

    def ask(self, key: str, *arguments: Any) -> Any:
        """Write a line for its standard input, and return what it answers."""
        assert self.popen.stdin is not None
        before = len(self.news(key))
        self.popen.stdin.write(json.dumps([key, *arguments]) + "\n")
        self.popen.stdin.flush()
        wait_until(lambda: len(self.news(key)) > before, 10, f"an answer: {key}")
        return self.news(key)[before]

    def news(self, key: str) -> list[Any]:
        return [line[key] for line in self.lines if key in line]

    def shown(self) -> dict[str, list[int]]:
        told = self.news("shown")
        return told[-1] if told else {}

    @property
    def window(self) -> int:
        return wait_until(lambda: windows_of(self._display, self.popen.pid), 20, "the window")[0]

    def xdotool(self, *arguments: object) -> None:
        command = ["xdotool", *map(str, arguments)]
        subprocess.run(command, env={**os.environ, "DISPLAY": self._display}, check=True, timeout=20)

    def screen(self, width: int = 1280, height: int = 720) -> Picture:
        """The X server's own pixels, taken by another program."""
        return pixels_of(self._display, width, height)

    def close(self) -> None:
        ask_to_close(self._display, self.window)

    def end(self) -> None:
        self.popen.kill()
        self.popen.wait()
        if self.popen.stdin is not None:
            self.popen.stdin.close()
        for thread in self._threads:
            thread.join()

    def _read(self) -> None:
        assert self.popen.stdout is not None
        with self.popen.stdout as output:
            for line in output:
                self.lines.append(json.loads(line))

    def _read_errors(self) -> None:
        assert self.popen.stderr is not None
        with self.popen.stderr as errors:
            self.errors = errors.read()


def tiles_of(picture: Picture) -> list[Picture]:
    """Cut a picture of a wall of two by two."""
    height, width = picture.shape[0] // 2, picture.shape[1] // 2
    return [picture[top : top + height, left : left + width] for top in (0, height) for left in (0, width)]


def has_bars(tile: Picture, tolerance: int = 10) -> bool:
    """Tell whether all colour bars of the test picture are right, each to so many levels."""
    height, width = tile.shape[:2]
    patches = [(bar.center(width, height), bar.rgb) for bar in BARS]
    return all(
        np.abs(tile[y - 1 : y + 2, x - 1 : x + 2].reshape(-1, 3).mean(axis=0) - rgb).max() <= tolerance
        for (x, y), rgb in patches
    )
