"""The telling programs of this folder."""

import json
import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from camgraph.testing.waiting import wait_until

ENDS_WITHIN_S = 5.0
"""What a killed program owns has ended by then."""
_HERE = Path(__file__).parent


class Change(NamedTuple):
    """A stream came into a state, at a time of CLOCK_MONOTONIC."""

    stream: str
    state: str
    reason: str
    since_ns: int


class TellingProgram:
    """A program that tells of itself in lines of JSON; its errors, and its children's, go to a file."""

    def __init__(self, command: list[str], environment: dict[str, str], errors: Path) -> None:
        self.lines: list[dict[str, Any]] = []
        self.errors = errors
        self.name = Path(command[0]).name
        with errors.open("ab") as file:
            self._popen = subprocess.Popen(
                [sys.executable, *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                env=environment,
            )
        self._thread = threading.Thread(target=self._listen, name=f"listen-to-{self.name}")
        self._thread.start()

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def alive(self) -> bool:
        return self._popen.poll() is None

    @property
    def now(self) -> dict[str, Any]:
        """What it told last."""
        wait_until(lambda: self.lines or not self.alive, 20, "the program's first line")
        assert self.lines, self.errors.read_text(encoding="utf-8")
        return self.lines[-1]

    def say(self, line: str) -> None:
        """Write a line to its standard input."""
        assert self._popen.stdin is not None
        self._popen.stdin.write(f"{line}\n".encode())
        self._popen.stdin.flush()

    def kill(self) -> None:
        """SIGKILL, and wait for the end."""
        self._popen.kill()
        self._end()

    def close(self) -> int:
        """SIGTERM, and after ten seconds SIGKILL; return the exit code."""
        if self.alive:
            self._popen.terminate()
            try:
                self._popen.wait(10)
            except subprocess.TimeoutExpired:
                self._popen.kill()
        self._end()
        return self._popen.returncode

    def _end(self) -> None:
        self._popen.wait()
        assert self._popen.stdin is not None
        with suppress(BrokenPipeError):
            self._popen.stdin.close()
        # Its children have the other end of the pipe.
        self._thread.join(ENDS_WITHIN_S)
        assert not self._thread.is_alive(), f"something of {self.name} is left"

    def _listen(self) -> None:
        assert self._popen.stdout is not None
        with self._popen.stdout as lines:
            for line in lines:
                self.lines.append(json.loads(line))


class WallProgram(TellingProgram):
    """``wall_program.py`` on a screen."""

    def __init__(
        self,
        site: str,
        urls: list[str],
        display: str,
        errors: Path,
        *,
        size: tuple[int, int] = (640, 360),
        analyzers: int = 4,
        own: tuple[str, ...] = (),
    ) -> None:
        self.site = site
        options = {"site": site, "urls": urls, "size": size, "analyzers": analyzers, "own": own}
        environment = {**os.environ, "DISPLAY": display, "QT_QPA_PLATFORM": "xcb"}
        super().__init__([str(_HERE / "wall_program.py"), json.dumps(options)], environment, errors)

    @property
    def streams(self) -> dict[str, dict[str, Any]]:
        streams: dict[str, dict[str, Any]] = self.now["streams"]
        return streams

    @property
    def analyzers(self) -> dict[str, dict[str, Any]]:
        analyzers: dict[str, dict[str, Any]] = self.now["analyzers"]
        return analyzers

    @property
    def changes(self) -> list[Change]:
        """Every change of a stream's state that it told."""
        return [Change(*change) for line in list(self.lines) for change in line["changes"]]


class OutsideProgram(TellingProgram):
    """``outside_program.py``, which joins a site."""

    def __init__(self, site: str, streams: list[str], errors: Path) -> None:
        super().__init__([str(_HERE / "outside_program.py"), site, *streams], dict(os.environ), errors)
