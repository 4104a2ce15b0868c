"""Where windows stand: side by side, since what is covered is not drawn and costs the X server nothing."""

import math
import os
import subprocess

from camgraph.testing.screens import windows_of


def columns_of(tiles: int) -> int:
    """Return the columns of a grid of tiles that is as near to square as can be."""
    return math.ceil(math.sqrt(tiles))


def places_of(tiles: int, width: int, height: int) -> list[tuple[int, int]]:
    """Return the places (x, y) of tiles in such a grid, row by row, in px."""
    columns = columns_of(tiles)
    return [(index % columns * width, index // columns * height) for index in range(tiles)]


def arrange(display: str, pid: int, count: int, width: int, height: int) -> bool:
    """Move the windows of a process to the places of a grid; False: it has not `count` visible ones yet."""
    windows = windows_of(display, pid)
    if len(windows) < count:
        return False
    command = ["xdotool"]
    for window, (x, y) in zip(windows, places_of(count, width, height), strict=False):
        command += ["windowmove", str(window), str(x), str(y)]
    environment = {**os.environ, "DISPLAY": display}
    return subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=False).returncode == 0
