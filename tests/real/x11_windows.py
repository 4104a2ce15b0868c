"""What tests of windows by their id do to windows from outside, and what is in them."""

import mmap
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from camgraph.testing.pattern import decode
from camgraph.testing.screens import screen
from camgraph.testing.waiting import wait_until

Picture = npt.NDArray[np.uint8]


class Spot(NamedTuple):
    """Where a window is on the screen."""

    x: int
    y: int
    width: int
    height: int


class XServer:
    """An X server whose pixels are read from its memory, and whose windows are handled by xdotool."""

    def __init__(self, display: str, pid: int, memory: mmap.mmap) -> None:
        self.display = display
        self.pid = pid
        self._memory = memory
        # As xwd writes it: 25 words, the name, the colours, the pixels.
        words = np.frombuffer(memory, ">u4", 25)
        self._size = int(words[5]), int(words[4])
        self._bits, self._stride = int(words[11]), int(words[12])
        self._offset = int(words[0]) + 12 * int(words[19])

    def pixels(self, spot: Spot) -> Picture:
        """Copy what a window shows: (height, width, 3), RGB, with 5 or 6 bits on a screen 16 bits deep."""
        height, _ = self._size
        data = np.frombuffer(self._memory, np.uint8, height * self._stride, self._offset)
        rows = data.reshape(height, self._stride)[spot.y : spot.y + spot.height]
        if self._bits == 32:
            bgrx = rows[:, 4 * spot.x : 4 * (spot.x + spot.width)].reshape(spot.height, spot.width, 4)
            return np.ascontiguousarray(bgrx[:, :, 2::-1])
        words = np.ascontiguousarray(rows[:, 2 * spot.x : 2 * (spot.x + spot.width)]).view("<u2")
        channels = (words >> 8 & 0xF8, words >> 3 & 0xFC, words << 3 & 0xF8)
        return np.stack(channels, axis=-1).astype(np.uint8)

    def shows(self, spot: Spot, camera: int = 1) -> int | None:
        """Return the number that a window's test picture shows; None: it shows none of that camera."""
        found = decode(np.ascontiguousarray(self.pixels(spot)[:, :, ::-1]))
        return found.number if found.ok and found.camera == camera else None

    def wait_shows(self, spot: Spot, camera: int = 1) -> None:
        wait_until(lambda: self.shows(spot, camera) is not None, 15, f"the test picture at {spot}")

    def xdotool(self, *arguments: object) -> str:
        return subprocess.check_output(
            ["xdotool", *map(str, arguments)],
            env={**os.environ, "DISPLAY": self.display},
            text=True,
            timeout=20,
        )

    def move(self, window: int, x: int, y: int) -> None:
        self.xdotool("windowmove", "--sync", window, x, y)

    def resize(self, window: int, width: int, height: int) -> None:
        self.xdotool("windowsize", "--sync", window, width, height)


@contextmanager
def x_server(folder: Path, *, depth: int = 24, without: tuple[str, ...] = ()) -> Iterator[XServer]:
    """Run an X server that keeps its pixels in a folder."""
    pids: list[int] = []
    with (
        screen(framebuffer_in=folder, depth=depth, without=without, pids=pids) as display,
        (folder / "Xvfb_screen0").open("rb") as file,
        mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as memory,
    ):
        server = XServer(display, pids[0], memory)
        yield server
