"""Tiles that OpenGL draws, on an X server: as exact as the others, and where there is none, those."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from tests.real.window_program import Picture, Program, has_bars
from tests.real.x11_windows import Spot, XServer, x_server

from camgraph.testing.cameras import Cameras
from camgraph.testing.pattern import BARS, decode
from camgraph.testing.waiting import wait_until

PROGRAM = Path(__file__).with_name("gl_program.py")
WIDTH, HEIGHT = 320, 180
TILES = 3
TOLERANCE = 8
MAGENTA = (255, 0, 255)


class Row:
    """The running program, and its tiles on the screen."""

    def __init__(self, x: XServer, urls: list[str], **environment: str) -> None:
        self._x = x
        self.program = Program(x.display, urls, PROGRAM, **environment)
        self.ask, self.news = self.program.ask, self.program.news

    def tiles(self) -> list[Picture]:
        assert self.program.popen.poll() is None, self.program.errors
        screen = self._x.pixels(Spot(0, 0, TILES * WIDTH, HEIGHT))
        return [screen[:, n * WIDTH : (n + 1) * WIDTH] for n in range(TILES)]

    def numbers(self) -> list[int] | None:
        """The frame's number in each tile, if all show the whole picture in the right colours."""
        tiles = self.tiles()
        found = [decode(np.ascontiguousarray(tile[:, :, ::-1])) for tile in tiles]
        numbers = [it.number for it in found if it.ok and it.number is not None]
        return numbers if len(numbers) == TILES and all(has_bars(it, TOLERANCE) for it in tiles) else None

    def drawn_by_gl(self) -> bool:
        """Whether all tiles are, as they have told last."""
        return all(wait_until(lambda: self.news("gl"), 5, "what draws")[-1])

    def rests(self) -> bool:
        """Whether for half a second nothing was read, shown or not."""
        told = self.news("shown")[-4:]
        return len(told) == 4 and all(it == told[0] for it in told)

    def sizes(self) -> list[list[int]]:
        """Of what pictures the tiles show, as they have told last."""
        return [it[1:3] for it in self.news("shown")[-1]]


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


def upright(tile: Picture) -> Picture:
    """Undo that a tile is mirrored, then turned clockwise."""
    return np.rot90(tile, 1)[:, ::-1]


def turned(tile: Picture) -> bool:
    """Whether a tile shows the test picture mirrored, then turned clockwise, stretched."""
    return has_bars(upright(tile), TOLERANCE)


def has_overlay(tile: Picture) -> bool:
    """Whether the mask and the heat map are where they belong in the camera's picture, and end there."""
    height, width = tile.shape[:2]

    def at(x: int, y: int) -> list[int]:
        return list(tile[y * height // 720, x * width // 1280])

    mask, heat = ([at(left + x, 420 + y) for x in (16, 144) for y in (16, 144)] for left in (800, 1040))
    beside = [at(1000, 500), at(780, 500), at(1220, 500), at(880, 600), at(1120, 600)]
    colors = [[0, 255, 255], [255, 128, 0]]
    return mask == [colors[0]] * 4 and heat == [colors[1]] * 4 and not any(it in colors for it in beside)


@pytest.mark.parametrize(("binding", "core"), [("pyside6", ""), ("pyqt6", "1")])
def test_the_same_pictures(x: XServer, urls: list[str], binding: str, core: str, tmp_path: Path) -> None:
    row = Row(x, urls, QT_API=binding, CORE=core)
    try:
        before = wait_until(row.numbers, 20, "three cameras in their colours") or []
        if not row.drawn_by_gl():
            pytest.skip("there is no OpenGL here")

        def other() -> bool:
            return all(new != old for new, old in zip(row.numbers() or before, before, strict=True))

        wait_until(other, 5, "other frames")
        wait_until(lambda: row.sizes() == [[1280, 720], [640, 360], [640, 360]], 5, "the cameras' sizes")

        magenta = (row.tiles()[0] == MAGENTA).all(axis=2)
        rows, columns = np.flatnonzero(magenta.any(axis=1)), np.flatnonzero(magenta.any(axis=0))
        edges = np.array([columns[0], columns[-1], rows[0], rows[-1]])
        assert np.abs(edges - (0, WIDTH // 2, 0, HEIGHT // 2)).max() <= 2

        assert has_overlay(row.tiles()[0])

        x.xdotool("mousemove", WIDTH * 3 // 2, HEIGHT // 2, "click", 1)
        wait_until(lambda: row.news("clicked") == ["camera-2"], 5, "a click on the second tile")

        row.ask("save", str(tmp_path / "tile.png"))
        with av.open(tmp_path / "tile.png") as file:
            saved = next(file.decode(video=0)).to_ndarray(format="rgb24")
        assert saved.shape == (HEIGHT, WIDTH, 3)
        assert has_bars(np.asarray(saved, np.uint8), TOLERANCE)

        assert row.ask("forget", None) is True

        row.ask("cover", True)
        wait_until(row.rests, 5, "covered tiles that read nothing")
        row.ask("cover", False)
        wait_until(row.numbers, 5, "uncovered tiles")

        row.ask("view", {"zoom": 2, "center": [0.25, 0.25]})
        wait_until(lambda: all(map(zoomed, row.tiles())), 5, "a quarter of each picture")
        row.ask("view", {"quarter_turns": 1, "mirrored": True, "fit": "stretch"})
        wait_until(lambda: all(map(turned, row.tiles())), 5, "turned pictures")
        assert has_overlay(upright(row.tiles()[0]))

        row.ask("draw", "raster")
        wait_until(lambda: row.sizes() == [[180, 320]] * TILES, 5, "pictures as they are seen")
        wait_until(lambda: all(map(turned, row.tiles())), 5, "the same without OpenGL")
        assert not row.drawn_by_gl()
        row.ask("view", {})
        row.ask("draw", "gl")
        wait_until(lambda: row.drawn_by_gl() and row.numbers(), 5, "drawn by OpenGL again")
        row.program.close()
        assert row.program.popen.wait(10) == 0
    finally:
        row.program.end()
    assert row.program.errors == ""


def test_where_there_is_no_opengl_tiles_are_drawn_without(x: XServer, urls: list[str]) -> None:
    row = Row(x, urls, QT_XCB_GL_INTEGRATION="none")
    try:
        wait_until(row.numbers, 20, "three cameras in their colours")
        assert not row.drawn_by_gl()
    finally:
        row.program.end()
    # Qt says something of its own, too.
    told = "\nvideo is drawn without OpenGL: the display gives no OpenGL context\n"
    assert row.program.errors.count(told) == 1
