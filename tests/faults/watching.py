"""Looking at a site from outside: an extra reader a stream, and the telling program of this folder."""

import json
import subprocess
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from camgraph.base.errors import BrokenError, ClosedError
from camgraph.client.requests import open_reader
from camgraph.graph.builder import Stream
from camgraph.testing.pattern import decode
from camgraph.testing.waiting import wait_until

CLIP_FRAMES = 250


class Seen(NamedTuple):
    """A frame that an extra reader got."""

    at: float
    epoch: int
    seq: int
    number: int
    ok: bool


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


class WallProgram:
    """The program, what it told last, and every status it told."""

    def __init__(self, name: str, urls: list[str], environment: dict[str, str]) -> None:
        self.site = name
        self.lines: list[dict[str, Any]] = []
        self._popen = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("wall_program.py")), name, *urls],
            stdout=subprocess.PIPE,
            env=environment,
        )
        self._thread = threading.Thread(target=self._listen, name="listen-to-wall")
        self._thread.start()

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def now(self) -> dict[str, Any]:
        wait_until(lambda: self.lines, 20, "the program's first line")
        return self.lines[-1]

    def streams(self) -> list[dict[str, Any]]:
        return list(self.now["streams"].values())

    def kill(self) -> None:
        self._popen.kill()
        self._popen.wait()
        self._thread.join()

    def close(self) -> None:
        if self._popen.poll() is None:
            self._popen.terminate()
            try:
                self._popen.wait(10)
            except subprocess.TimeoutExpired:
                self._popen.kill()
                self._popen.wait()
        self._thread.join()

    def _listen(self) -> None:
        assert self._popen.stdout is not None
        with self._popen.stdout as lines:
            for line in lines:
                self.lines.append(json.loads(line))
