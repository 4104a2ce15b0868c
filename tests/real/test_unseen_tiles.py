"""What nobody can see costs nothing: no reader, no conversion; and it comes back by itself."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.real.window_manager import WindowManager, window_manager
from tests.real.x11_windows import Spot, XServer, x_server

from camgraph.present.own import OwnWindows
from camgraph.testing.cameras import Cameras
from camgraph.testing.screens import windows_of
from camgraph.testing.waiting import wait_until

PROGRAM = Path(__file__).with_name("unseen_program.py")


class Program:
    """A window with a tile, and what it tells of it."""

    def __init__(self, x11: XServer, url: str, kind: str) -> None:
        self._x11 = x11
        self._popen = subprocess.Popen(
            [sys.executable, str(PROGRAM), url, kind],
            env={
                **os.environ,
                "DISPLAY": x11.display,
                "QT_QPA_PLATFORM": "xcb",
                "QT_QUICK_BACKEND": "software",
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._now = [0, 0, 0]
        self._spot = Spot(0, 0, 320, 180)
        self._told = 0
        self._back_ms: list[float] = []
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def order(self, line: str) -> None:
        assert self._popen.stdin is not None
        print(line, file=self._popen.stdin, flush=True)

    def comes_back_within_ms(self, line: str) -> float:
        told = len(self._back_ms)
        self.order(line)
        wait_until(lambda: len(self._back_ms) > told, 10, "a new picture")
        return self._back_ms[-1]

    @property
    def window(self) -> int:
        return windows_of(self._x11.display, self._popen.pid)[0]

    def is_seen(self) -> None:
        self.is_read()
        wait_until(lambda: self._x11.shows(self._spot) is not None, 10, "the test picture")

    def is_read(self) -> None:
        wait_until(lambda: self._now[0], 10, "a reader")

    def costs_nothing(self) -> None:
        wait_until(lambda: self._now[0] == 0, 5, "no reader")
        before, told = self._now, self._told
        wait_until(lambda: self._told > told + 8, 5, "news")
        assert self._now == before

    def end(self) -> int:
        self.order("end")
        code = self._popen.wait(10)
        self.kill()
        return code

    def kill(self) -> None:
        self._popen.kill()
        self._popen.wait()
        self._thread.join()
        assert self._popen.stdin is not None
        self._popen.stdin.close()

    def _read(self) -> None:
        assert self._popen.stdout is not None
        with self._popen.stdout as output:
            for news in map(json.loads, output):
                if "now" in news:
                    x, y = news["at"]
                    self._now, self._spot = news["now"], Spot(x, y, 320, 180)
                    self._told += 1
                else:
                    self._back_ms.append(news["back_ms"])


@pytest.fixture
def x11(tmp_path: Path) -> Iterator[XServer]:
    with x_server(tmp_path) as server:
        yield server


@pytest.fixture
def manager(x11: XServer) -> Iterator[WindowManager]:
    with window_manager(x11.display) as manager:
        yield manager


@pytest.fixture
def program(request: pytest.FixtureRequest, x11: XServer, cameras: Cameras) -> Iterator[Program]:
    program = Program(x11, cameras.urls[0], getattr(request, "param", "widgets"))
    yield program
    program.kill()


def test_what_can_not_be_seen_in_its_own_window(program: Program) -> None:
    program.is_seen()
    ways = [("hide=1", "hide=0"), ("tab=1", "tab=0"), ("scroll=500", "scroll=0"), ("cover=0", "cover=600")]
    for hide, show in ways:
        program.order(hide)
        program.costs_nothing()
        assert program.comes_back_within_ms(show) < 1000
        program.is_seen()
    assert program.end() == 0


def test_a_window_that_is_minimised_or_on_another_desktop(manager: WindowManager, program: Program) -> None:
    program.is_seen()
    window = program.window
    program.order("minimise")
    program.costs_nothing()
    manager.restore(window)
    program.is_seen()
    manager.minimise(window)
    program.costs_nothing()
    manager.restore(window)
    program.is_seen()
    manager.to_another_desktop(window)
    program.costs_nothing()
    manager.from_another_desktop(window)
    program.is_seen()
    assert program.end() == 0


@pytest.mark.parametrize("program", ["widgets", "qml"], indirect=True)
def test_a_window_under_another_program_s(x11: XServer, program: Program) -> None:
    program.is_seen()
    with closing(OwnWindows(x11.display)) as windows:
        cover = windows.create(500, 400, mapped=True)
        x11.move(cover, 50, 50)
        program.costs_nothing()
        # A column of its pixels is enough.
        x11.move(cover, 101, 50)
        program.is_read()
        x11.move(cover, 50, 50)
        program.costs_nothing()
    program.is_seen()
    assert program.end() == 0


@pytest.mark.parametrize("program", ["quick_widget"], indirect=True)
def test_an_item_that_went_to_another_window_is_seen_with_that_one(x11: XServer, program: Program) -> None:
    program.is_seen()
    # And the window it was in is hidden.
    program.comes_back_within_ms("move")
    program.is_seen()
    with closing(OwnWindows(x11.display)) as windows:
        cover = windows.create(500, 400, mapped=True)
        x11.move(cover, 50, 50)
        program.costs_nothing()
    program.is_seen()
    assert program.end() == 0
