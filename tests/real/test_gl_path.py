"""Tiles that OpenGL draws, on an X server: as exact as the others, and where there is none, those."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.real.window_program import Picture, has_bars
from tests.real.x11_windows import Spot, XServer, x_server

from camgraph.testing.cameras import Cameras
from camgraph.testing.pattern import BARS, decode
from camgraph.testing.waiting import wait_until

PROGRAM = Path(__file__).with_name("gl_program.py")
WIDTH, HEIGHT = 320, 180
TILES = 3
TOLERANCE = 8
MAGENTA = (255, 0, 255)


class Program:
    """The running program, and its tiles on the screen."""

    def __init__(self, x: XServer, urls: list[str], **environment: str) -> None:
        self._x = x
        self.popen = subprocess.Popen(
            [sys.executable, str(PROGRAM), *urls],
            env={**os.environ, "DISPLAY": x.display, "QT_QPA_PLATFORM": "xcb", **environment},
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

    def news(self, key: str) -> list[Any]:
        return [line[key] for line in self.lines if key in line]

    def say(self, line: str) -> None:
        assert self.popen.stdin is not None
        self.popen.stdin.write(f"{line}\n")
        self.popen.stdin.flush()

    def tiles(self) -> list[Picture]:
        assert self.popen.poll() is None, self.errors
        screen = self._x.pixels(Spot(0, 0, TILES * WIDTH, HEIGHT))
        return [screen[:, n * WIDTH : (n + 1) * WIDTH] for n in range(TILES)]

    def numbers(self) -> list[int] | None:
        """The frame's number in each tile, if all show the whole picture in the right colours."""
        tiles = self.tiles()
        found = [decode(np.ascontiguousarray(tile[:, :, ::-1])) for tile in tiles]
        numbers = [it.number for it in found if it.ok and it.number is not None]
        return numbers if len(numbers) == TILES and all(has_bars(it, TOLERANCE) for it in tiles) else None

    def end(self) -> int:
        """Have it end in order."""
        try:
            self.popen.stdin.close()  # type: ignore[union-attr]
            return self.popen.wait(10)
        finally:
            self.popen.kill()
            self.popen.wait()
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


@pytest.fixture(scope="module")
def urls() -> Iterator[list[str]]:
    """Cameras of ITU-R 709, of 601, and of 601 in full range."""
    with ExitStack() as stack:
        kinds: list[dict[str, Any]] = [{}, {"size": (640, 360)}, {"size": (640, 360), "codec": "mjpeg"}]
        yield [stack.enter_context(Cameras(count=1, **kind)).urls[0] for kind in kinds]


@pytest.fixture(scope="module")
def x(tmp_path_factory: pytest.TempPathFactory) -> Iterator[XServer]:
    with x_server(tmp_path_factory.mktemp("screen")) as server:
        yield server


def zoomed(tile: Picture) -> bool:
    """Whether a tile shows the upper left quarter of the test picture."""
    seen = [bar for bar in BARS if bar.right < 0.5]
    places = [(bar.center(2 * WIDTH, 2 * HEIGHT), bar.rgb) for bar in seen]
    return all(np.abs(tile[y, x].astype(int) - rgb).max() <= TOLERANCE for (x, y), rgb in places)


def turned(tile: Picture) -> bool:
    """Whether a tile shows the test picture mirrored, then turned clockwise, stretched."""
    upright = np.rot90(tile, 1)[:, ::-1]
    return has_bars(upright, TOLERANCE)


@pytest.mark.parametrize("binding", ["pyside6", "pyqt6"])
def test_the_same_pictures(x: XServer, urls: list[str], binding: str) -> None:
    program = Program(x, urls, QT_API=binding)
    try:
        before = wait_until(program.numbers, 20, "three cameras in their colours") or []

        def later() -> bool:
            return all(new != old for new, old in zip(program.numbers() or before, before, strict=True))

        if not all(wait_until(lambda: program.news("gl"), 5, "what draws")[-1]):
            pytest.skip("there is no OpenGL here")
        wait_until(later, 5, "other frames")
        sizes = [[1280, 720], [640, 360], [640, 360]]
        wait_until(lambda: [it[1:] for it in program.news("shown")[-1]] == sizes, 5, "the cameras' sizes")

        magenta = (program.tiles()[0] == MAGENTA).all(axis=2)
        rows, columns = np.flatnonzero(magenta.any(axis=1)), np.flatnonzero(magenta.any(axis=0))
        edges = np.array([columns[0], columns[-1], rows[0], rows[-1]])
        assert np.abs(edges - (0, WIDTH // 2, 0, HEIGHT // 2)).max() <= 2

        x.xdotool("mousemove", WIDTH * 3 // 2, HEIGHT // 2, "click", 1)
        wait_until(lambda: program.news("clicked") == ["camera-2"], 5, "a click on the second tile")

        program.say('{"zoom": 2, "center": [0.25, 0.25]}')
        wait_until(lambda: all(map(zoomed, program.tiles())), 5, "a quarter of each picture")
        view = '{"quarter_turns": 1, "mirrored": true, "fit": "stretch"}'
        program.say(view)
        wait_until(lambda: all(map(turned, program.tiles())), 5, "turned pictures")

        program.say("raster")
        wait_until(lambda: not any(program.news("gl")[-1]), 5, "drawn without OpenGL")
        wait_until(
            lambda: [it[1:] for it in program.news("shown")[-1]] == [[180, 320]] * 3, 5, "read as seen"
        )
        assert all(map(turned, program.tiles()))
        program.say("{}")
        wait_until(program.numbers, 5, "upright pictures")
        program.say("gl")
        wait_until(lambda: all(program.news("gl")[-1]) and program.numbers(), 5, "drawn by OpenGL again")
    finally:
        code = program.end()
    assert (code, program.errors) == (0, "")


def test_where_there_is_no_opengl_tiles_are_drawn_without(x: XServer, urls: list[str]) -> None:
    program = Program(x, urls, QT_XCB_GL_INTEGRATION="none")
    try:
        wait_until(program.numbers, 20, "three cameras in their colours")
        wait_until(lambda: program.news("gl"), 5, "what draws")
        assert not any(program.news("gl")[-1])
    finally:
        program.end()
    # Qt says something of its own, too.
    assert program.errors.count("\nvideo is drawn without OpenGL: the display gives no OpenGL context\n") == 1
