"""Looking at a site from outside: an extra reader a stream, and the telling programs of this folder."""

import json
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from camgraph.base.errors import BrokenError, ClosedError
from camgraph.client.requests import open_reader
from camgraph.graph.stream import Stream
from camgraph.testing.pattern import decode
from camgraph.testing.waiting import wait_until

CLIP_FRAMES = 250
ENDS_WITHIN_S = 5.0
"""What a killed program owns has ended by then."""
_HERE = Path(__file__).parent


class Seen(NamedTuple):
    """A frame that an extra reader got."""

    at: float
    epoch: int
    seq: int
    number: int
    ok: bool


class Change(NamedTuple):
    """A stream came into a state, at a time of CLOCK_MONOTONIC."""

    stream: str
    state: str
    reason: str
    since_ns: int


class Watcher:
    """Reads every frame of a stream in a thread, and decodes the number that it shows."""

    def __init__(self, site: str, stream: str) -> None:
        self.stream = stream
        self.seen: list[Seen] = []
        self.broken = ""
        self._reader = open_reader(site, Stream(stream).frames(policy="every"))
        self._thread = threading.Thread(target=self._read, name=f"watch-{stream}")
        self._thread.start()

    def close(self) -> None:
        self._reader.close()
        self._thread.join()

    def lost_since(self, at: float) -> list[tuple[Seen, Seen]]:
        """Neighbours that don't follow one another, by ring sequence and by the number in the picture."""
        frames = [seen for seen in self.seen if seen.at >= at]
        return [
            (one, two)
            for one, two in pairwise(frames)
            if (two.seq, two.number) != (one.seq + 1, (one.number + 1) % CLIP_FRAMES)
        ]

    def verified_after(self, at: float, count: int = 10) -> Seen | None:
        """The last of `count` consecutive readable frames received after `at`, one number after the other."""
        run: list[Seen] = []
        for seen in list(self.seen):
            if seen.at < at:
                continue
            follows = run and seen.ok and seen.number == (run[-1].number + 1) % CLIP_FRAMES
            run = [*run, seen] if follows else [seen] if seen.ok else []
            if len(run) == count:
                return seen
        return None

    def _read(self) -> None:
        try:
            for frame in self._reader:
                found = decode(frame.planes[0])
                self.seen.append(
                    Seen(
                        time.monotonic(),
                        frame.epoch,
                        frame.seq,
                        -1 if found.number is None else found.number,
                        found.ok,
                    )
                )
        except (BrokenError, ClosedError) as error:
            self.broken = str(error)


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
