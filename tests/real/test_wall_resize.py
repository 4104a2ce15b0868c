"""A wall of 64 tiles whose window is resized without rest: the GUI goes on, and nothing piles up.

``CAMGRAPH_LONG=1`` resizes for 10 s each time, with 64 streams instead of 8.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.real.window_program import Program

from camgraph.testing.cameras import Cameras
from camgraph.testing.waiting import wait_until

PROGRAM = Path(__file__).with_name("wall_resize_program.py")
LONG = bool(os.environ.get("CAMGRAPH_LONG"))
RESIZED_S = 10.0 if LONG else 3.0
STREAMS = 64 if LONG else 8
TILES = 64


class Held(NamedTuple):
    """What a process holds."""

    descriptors: int
    threads: int
    ring_mappings: int

    @classmethod
    def of(cls, pid: int) -> "Held":
        """Look at a process."""
        root = Path("/proc") / str(pid)
        maps = (root / "maps").read_text()
        tasks, descriptors = (len(list((root / name).iterdir())) for name in ("task", "fd"))
        return cls(descriptors, tasks, maps.count("/memfd:camgraph"))


class Wall(Program):
    """The running program and what it has told."""

    def __init__(self, display: str, urls: list[str]) -> None:
        super().__init__(display, [str(STREAMS), *urls], PROGRAM)

    def told(self, key: str, after: int = 0) -> dict[str, Any] | None:
        """The newest line that has `key`; None if there is none after the first `after` lines."""
        return next((line for line in reversed(self.lines[after:]) if key in line), None)

    def ask_for(self, line: str, key: str, within_s: float) -> dict[str, Any]:
        """Write a line, and return the answer."""
        assert self.popen.stdin is not None
        before = len(self.lines)
        self.popen.stdin.write(f"{line}\n")
        self.popen.stdin.flush()
        return wait_until(lambda: self._alive() and self.told(key, before), within_s, key) or {}

    def all_show(self, frames: int, within_s: float) -> dict[str, Any]:
        """Wait until each tile has shown that many frames more, and shows them in its own size."""
        before = len(self.lines)
        first = wait_until(lambda: self._alive() and self.told("least", before), within_s, "news") or {}

        def shown() -> dict[str, Any] | None:
            news = self.told("least", before)
            assert self._alive()
            return (
                news if news and news["exact"] == TILES and news["least"] >= first["least"] + frames else None
            )

        return wait_until(shown, within_s, "frames of the right size in every tile") or {}

    def held(self) -> tuple[int, int, list[Held]]:
        """Rings and their readers, and what the GUI and each media process hold."""
        site = self.ask_for("", "rings", 10)
        return site["rings"], site["readers"], [Held.of(pid) for pid in (self.popen.pid, *site["pids"])]

    def end(self) -> None:
        """Have it end in order."""
        if self.popen.stdin is not None:
            self.popen.stdin.close()
        try:
            self.popen.wait(10)
        finally:
            super().end()

    def _alive(self) -> bool:
        assert self.popen.poll() is None, self.errors
        return True


@pytest.fixture
def wall(xvfb: str) -> Iterator[Wall]:
    with Cameras(count=8, size=(320, 180), fps=10) as cameras:
        wall = Wall(xvfb, cameras.urls)
        yield wall
        wall.end()


@pytest.mark.timeout(180)
def test_resizing_a_wall_neither_stalls_nor_leaks(wall: Wall) -> None:
    wall.all_show(5, 60)
    # One turn first: threads and slots that are made when they are needed are there afterwards.
    wall.ask_for("1", "resized", 20)
    wall.all_show(5, 30)
    began = wait_until(lambda: settled(wall), 15, "as many rings as there are streams and sizes")
    for _ in range(2):
        how = wall.ask_for(str(RESIZED_S), "resized", RESIZED_S + 20)
        assert how["resized"] > RESIZED_S * 4, how
        # Wide bounds: the machine does something else beside. A GUI that waits for its readers costs seconds.
        assert how["busy_ms"][-1] < 250, how
        assert how["late_ms"][0] < 100, how
        assert how["late_ms"][-1] < 2500, how
        assert wall.all_show(5, 15)["unaccounted"] == 0
        wait_until(lambda: settled(wall) == began, 15, f"what there was before: {began}")
    wall.end()
    assert wall.errors == ""


def settled(wall: Wall) -> tuple[int, int, list[Held]] | None:
    """What is held once there is one ring a stream, as all tiles are of one size, with all its readers."""
    held = wall.held()
    return held if held[:2] == (STREAMS, TILES) else None
