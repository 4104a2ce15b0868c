"""A window that moves between screens of which one has twice as many pixels to the inch."""

from pathlib import Path

import numpy as np
from tests.real.dense_screen_program import RATE, TILE, TOP
from tests.real.window_program import Program
from tests.real.x11_windows import Spot, x_server
from tests.real.x_monitors import Monitor, Monitors
from tests.unit.qt.conftest import noise

from camgraph.testing.waiting import wait_until

ROOT = Path(__file__).parents[2]
PROGRAM = Path(__file__).with_name("dense_screen_program.py")
LEFT, RIGHT = Monitor("left", 0, 0, 640, 720), Monitor("right", 640, 0, 640, 720)
FROM_LEFT = 20


def test_pictures_have_the_pixels_and_the_rate_of_the_screen_they_are_on(tmp_path: Path) -> None:
    with x_server(tmp_path) as x:
        Monitors(x.display).set(LEFT, primary=True)
        Monitors(x.display).set(RIGHT)
        environment = {"QT_SCREEN_SCALE_FACTORS": "left=1;right=2", "PYTHONPATH": str(ROOT)}
        program = Program(x.display, [], PROGRAM, **environment)
        try:
            for monitor, scale in ((LEFT, 1), (RIGHT, 2), (LEFT, 1)):
                assert program.popen.stdin is not None
                print(monitor.x + FROM_LEFT, file=program.popen.stdin, flush=True)
                width, height = TILE[0] * scale, TILE[1] * scale
                spot = Spot(monitor.x + FROM_LEFT * scale, TOP * scale, width, height)
                expected = noise(width, height)[:, :, 2::-1]
                asked = [[width, height, RATE if scale == 1 else 0]]

                def right(spot=spot, expected=expected, asked=asked) -> bool:
                    assert program.popen.poll() is None, program.errors
                    seen = np.array_equal(x.pixels(spot), expected)
                    return seen and program.news("read")[-1:] == [asked]

                wait_until(right, 10, f"a picture of {width}x{height} on the {monitor.name} screen, {asked}")
            assert program.popen.stdin is not None
            program.popen.stdin.close()
            assert program.popen.wait(10) == 0
        finally:
            program.end()
    assert program.errors == ""
