"""Everything that can happen to walls, in random order, with the mouse and keys in between: nothing is left.

``CAMGRAPH_LONG=1`` goes on for a minute instead of some seconds.
"""

import os
import random
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.real.window_program import Program, tiles_of
from tests.real.x_monitors import Monitor, Monitors

from camgraph.testing.cameras import Cameras
from camgraph.testing.pattern import decode
from camgraph.testing.screens import screen
from camgraph.testing.waiting import wait_until

PROGRAM = Path(__file__).with_name("random_use_program.py")
USED_S = 60.0 if os.environ.get("CAMGRAPH_LONG") else 3.0
SEED = int(os.environ.get("CAMGRAPH_SEED", "1"))
WIDTH, HEIGHT = 1840, 720
KEYS = [
    "Left",
    "Right",
    "Up",
    "Down",
    "Return",
    "Escape",
    "Tab",
    "Prior",
    "Next",
    "F11",
    "plus",
    "0",
    "r",
    "f",
]


@pytest.fixture(scope="module")
def cameras() -> Iterator[Cameras]:
    with Cameras(count=4, size=(320, 180), fps=10) as cameras:
        yield cameras


@pytest.fixture
def program(tmp_path: Path, cameras: Cameras) -> Iterator[Program]:
    with screen(WIDTH, HEIGHT) as display:
        monitors = Monitors(display)
        monitors.set(Monitor("left", 0, 0, 1200, 720), primary=True)
        monitors.set(Monitor("right", 1200, 0, 640, 720))
        program = Program(display, cameras.urls, PROGRAM, HOME=str(tmp_path))
        yield program
        program.end()


def play(program: Program, seed: int, over: threading.Event) -> None:
    """Move, click, drag, turn the wheel and type, until it is over."""
    dice = random.Random(seed)

    def place() -> list[object]:
        return ["mousemove", dice.randrange(WIDTH), dice.randrange(HEIGHT)]

    while not over.is_set():
        match dice.randrange(6):
            case 0:
                what = ["click", 1]
            case 1:
                what = ["click", "--repeat", 2, "--delay", 20, 1]
            case 2:
                what = ["mousedown", 1, *place(), "sleep", 0.02, *place(), "sleep", 0.02, "mouseup", 1]
            case 3:
                what = ["click", "--repeat", 3, "--delay", 10, dice.choice([4, 5])]
            case 4:
                what = ["click", 3, "sleep", 0.05, "key", "Escape"]
            case _:
                what = ["key", dice.choice(KEYS)]
        program.xdotool(*place(), *what)


def held_by(pid: int) -> dict[str, int]:
    root = Path("/proc") / str(pid)
    threads = [(task / "comm").read_text() for task in (root / "task").iterdir()]
    # Qt scales large images in threads of its own, each with a descriptor, which end when they are idle.
    pooled = threads.count("Thread (pooled)\n")
    return {
        "threads": len(threads) - pooled,
        "descriptors": len(list((root / "fd").iterdir())) - pooled,
        "mappings": (root / "maps").read_text().count("/memfd:camgraph"),
    }


@pytest.mark.timeout(150)
def test_nothing_that_is_done_at_random_breaks_a_wall_or_leaves_anything(program: Program) -> None:
    def calm() -> dict[str, Any]:
        """Return what is held once one window shows each camera where it belongs."""
        program.ask("calm")

        def settled() -> dict[str, Any] | None:
            assert program.popen.poll() is None, program.errors
            tiles = tiles_of(program.screen(960, 540))
            if [decode(tile).camera for tile in tiles] != [1, 2, 3, 4]:
                return None
            held: dict[str, Any] = program.ask("held")
            if held.pop("shown") < 5 or held["readers"] != [1] * 4 or held["widgets"] != 4:
                return None
            return {**held, **held_by(program.popen.pid)}

        return wait_until(settled, 20, "four cameras in a new window, and nothing else") or {}

    def use(seconds: float, seed: int) -> None:
        over = threading.Event()
        playing = threading.Thread(target=play, args=(program, seed, over))
        before = len(program.news("used"))
        program.ask("use", seconds, seed)
        playing.start()
        try:
            wait_until(
                lambda: program.popen.poll() is not None or len(program.news("used")) > before,
                seconds + 20,
                "the end",
            )
        finally:
            over.set()
            playing.join()
        assert program.popen.poll() is None, program.errors

    calm()
    # Once before it counts: threads and slots that are made when they are needed are there afterwards.
    use(2.0, SEED)
    began = calm()
    use(USED_S, SEED + 1)
    held = calm()
    for _ in range(5):
        # What ends by itself, later, is no leak.
        held = held if held == began else calm()
    assert held == began
    assert program.popen.stdin is not None
    program.popen.stdin.close()
    assert program.popen.wait(10) == 0
    assert program.errors == ""
