"""Programs of valkka_examples as a user starts them, with addresses of a server that is not ours."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from tests.real.camera_on_screen import Picture, camera_picture
from tests.real.independent_server import SIZE
from tests.real.x11_windows import Spot, XServer

from camgraph.testing.codeword import read_strips
from camgraph.testing.screens import ask_to_close, windows_of
from camgraph.testing.waiting import wait_until

EXAMPLES = Path(__file__).parents[3] / "valkka_examples"
END_S = 12.0


class Program:
    """A running program, in a process group of its own as a shell makes it."""

    def __init__(
        self,
        folder: Path,
        server: XServer,
        path: str,
        *arguments: str,
        module: str = "",
        cwd: Path | None = None,
    ) -> None:
        self.server = server
        self._output = folder / f"{uuid4().hex}.txt"
        command = ["-m", module] if module else [str(EXAMPLES / path)]
        with self._output.open("w") as output:
            self.popen = subprocess.Popen(
                [sys.executable, *command, *arguments],
                cwd=cwd or folder,
                env={
                    **os.environ,
                    "DISPLAY": server.display,
                    "QT_QPA_PLATFORM": "xcb",
                    "XDG_SESSION_TYPE": "x11",
                },
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=0,
            )

    def told(self) -> str:
        return self._output.read_text()

    def wait_for(self, pattern: str, what: str, timeout_s: float = 20.0, count: int = 1) -> None:
        """Wait until it has said something `count` times."""
        wait_until(lambda: self._says(pattern, count), timeout_s, what)

    def _says(self, pattern: str, count: int) -> bool:
        assert self.popen.poll() is None or len(re.findall(pattern, self.told())) >= count, self.told()
        return len(re.findall(pattern, self.told())) >= count

    def ends(self) -> str:
        """Wait for its end in order; return all that it said."""
        try:
            code = self.popen.wait(END_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"it did not end: {self.told()}") from None
        assert code == 0, self.told()
        assert "Traceback" not in self.told(), self.told()
        return self.told()

    def interrupt(self) -> str:
        """Ctrl-C: the whole group gets it, as from a terminal."""
        os.killpg(self.popen.pid, signal.SIGINT)
        return self.ends()

    def terminate(self) -> str:
        self.popen.terminate()
        return self.ends()

    def kill(self) -> None:
        if self.popen.poll() is None:
            os.killpg(self.popen.pid, signal.SIGKILL)
            self.popen.wait()

    def window(self, title: str) -> int:
        """Return the id of the visible window of that title, once it is there."""
        found: list[int] = []

        def look() -> bool:
            assert self.popen.poll() is None, self.told()
            found[:] = [int(line) for line in self.xdotool("search", "--onlyvisible", "--name", f"^{title}$")]
            return len(found) > 0

        wait_until(look, 20, f"the window {title!r}")
        return found[0]

    def close_window(self, title: str) -> str:
        ask_to_close(self.server.display, self.window(title))
        return self.ends()

    def windows(self) -> list[int]:
        return windows_of(self.server.display, self.popen.pid)

    def xdotool(self, *arguments: object) -> list[str]:
        command = ["xdotool", *map(str, arguments)]
        environment = {**os.environ, "DISPLAY": self.server.display}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=20)
        return done.stdout.split()

    def geometry(self, window: int) -> tuple[int, int, int, int]:
        """Return left, top, width and height of a window on the screen."""
        told = dict(line.split("=") for line in self.xdotool("getwindowgeometry", "--shell", window))
        return int(told["X"]), int(told["Y"]), int(told["WIDTH"]), int(told["HEIGHT"])

    def click(self, x: int, y: int) -> None:
        self.xdotool("mousemove", x, y, "click", 1)

    def picture(self, window: int) -> Picture:
        """The pixels of the screen where a window is."""
        assert self.popen.poll() is None, self.told()
        return self.server.pixels(Spot(*self.geometry(window)))


ENDS: dict[str, Callable[[Program, str], str]] = {
    "close": Program.close_window,
    "sigint": lambda program, title: program.interrupt(),
    "sigterm": lambda program, title: program.terminate(),
}
"""How a program is ended; its window's title goes along."""
Start = Callable[..., Program]
"""What starts a program of a path below `EXAMPLES`, with arguments, `on` a screen if not the first."""


class Shown(NamedTuple):
    """What a window shows of a camera."""

    camera: int
    number: int


def shown_in(pixels: Picture) -> Shown | None:
    """Read the code of the camera's picture in a part of the screen; its edges may be cut off."""
    # The server's encoder takes the small pictures for those of a colour space of old.
    picture = camera_picture(pixels, SIZE[0] / SIZE[1], tolerance=35)
    if not picture.size:
        return None
    _, words = read_strips(picture[:, :, 1])
    if len(words) != 1:
        return None
    number, camera = words.pop()
    return Shown(camera, number)


def wait_for_moving(program: Program, pictures: Callable[[], list[Picture]], cameras: list[int]) -> None:
    """Wait until these parts of the screen show these cameras, and each picture moves."""
    numbers: list[set[int]] = [set() for _ in cameras]

    def look() -> bool:
        seen = [shown_in(picture) for picture in pictures()]
        if [one and one.camera for one in seen] != cameras:
            return False
        for known, one in zip(numbers, seen, strict=True):
            known.add(one.number if one is not None else -1)
        return all(len(known) > 1 for known in numbers)

    try:
        wait_until(look, 25, f"moving pictures of {cameras}")
    except AssertionError as error:
        raise AssertionError(f"{error}: {[shown_in(each) for each in pictures()]} {program.told()}") from None
