"""Examples as a user starts them, with their windows on a screen of their own."""

import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import numpy as np
import numpy.typing as npt

from camgraph.testing.screens import ask_to_close, windows_of

EXAMPLES = Path(__file__).parents[2] / "examples"
END_S = 2
Picture = npt.NDArray[np.uint8]


class Example:
    """A running example, in a process group of its own as a shell makes it."""

    def __init__(self, folder: Path, display: str, name: str, *arguments: str, **environment: str) -> None:
        self.display = display
        self._output = folder / f"{uuid4().hex}.txt"
        with self._output.open("w") as output:
            self.popen = subprocess.Popen(
                [sys.executable, EXAMPLES / name, *arguments],
                cwd=folder,
                env={**os.environ, "DISPLAY": display, "QT_QPA_PLATFORM": "xcb", **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=0,
            )

    def told(self) -> str:
        return self._output.read_text()

    def says(self, pattern: str, since: int = 0) -> bool:
        assert self.popen.poll() is None, self.told()
        return re.search(pattern, self.told()[since:], re.MULTILINE) is not None

    def ends(self) -> str:
        """Wait for its end in order; return all that it said."""
        assert self.popen.wait(END_S) == 0, self.told()
        assert "Traceback" not in self.told()
        return self.told()

    def interrupt(self) -> str:
        os.killpg(self.popen.pid, signal.SIGINT)
        return self.ends()

    def close(self) -> str:
        (window,) = windows_of(self.display, self.popen.pid)
        ask_to_close(self.display, window)
        return self.ends()

    def windows_named(self, name: str) -> list[str]:
        """Find windows of a toolkit that does not tell whose they are."""
        command = ["xdotool", "search", "--onlyvisible", "--name", f"^{name}$"]
        environment = {**os.environ, "DISPLAY": self.display}
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=20
        ).stdout.split()

    def size(self, window: int = 0) -> tuple[int, int]:
        if not window:
            (window,) = windows_of(self.display, self.popen.pid)
        command = ["xdotool", "getwindowgeometry", "--shell", str(window)]
        told = subprocess.check_output(
            command, env={**os.environ, "DISPLAY": self.display}, text=True, timeout=20
        )
        found = dict(line.split("=") for line in told.splitlines())
        return int(found["WIDTH"]), int(found["HEIGHT"])

    def xdotool(self, *arguments: object) -> None:
        command = ["xdotool", *map(str, arguments)]
        subprocess.run(command, env={**os.environ, "DISPLAY": self.display}, check=True, timeout=20)

    def screen(self, width: int, height: int) -> Picture:
        """The pixels of the X server at its upper left corner, where the window is."""
        assert self.popen.poll() is None, self.told()
        command = f"ffmpeg -v error -f x11grab -draw_mouse 0 -video_size {width}x{height} -i {self.display}"
        output = ["-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
        raw = subprocess.run([*command.split(), *output], check=True, capture_output=True, timeout=20).stdout
        return np.frombuffer(raw, np.uint8).reshape(height, width, 3)


def back_ends(pid: int) -> list[int]:
    """Return the pids of the back ends of a program."""
    found = []
    for child in (Path("/proc") / str(pid) / "task").glob("*/children"):
        with suppress(OSError):
            for each in map(int, child.read_text().split()):
                command = Path(f"/proc/{each}/cmdline").read_bytes()
                found += [each] if b"camgraph.client.backend" in command else back_ends(each)
    return found
