"""Watching a stream of the built-in cameras from outside: every frame, and the number that it shows."""

import threading
import time
from itertools import pairwise
from typing import NamedTuple

from camgraph.base.errors import BrokenError, ClosedError
from camgraph.client.requests import open_reader
from camgraph.graph.stream import Stream
from camgraph.testing.pattern import decode

CLIP_FRAMES = 250
"""The numbers of the built-in cameras begin again after so many."""


class Seen(NamedTuple):
    """A frame that an extra reader got."""

    at: float
    epoch: int
    seq: int
    number: int
    ok: bool


class Watcher:
    """Reads every frame of a stream in a thread, and decodes the number that it shows.

    With more `leases` it misses none even where this process gets no processor for so many frames.
    """

    def __init__(self, site: str, stream: str, *, leases: int = 3) -> None:
        self.stream = stream
        self.seen: list[Seen] = []
        self.broken = ""
        self._reader = open_reader(site, Stream(stream).frames(policy="every", leases=leases))
        self._thread = threading.Thread(target=self._read, name=f"watch-{stream}")
        self._thread.start()

    def close(self) -> None:
        """End the reader and its thread; what was seen stays."""
        self._reader.close()
        self._thread.join()

    def since(self, at: float) -> list[Seen]:
        """Return the frames received from a time of CLOCK_MONOTONIC on."""
        return [seen for seen in list(self.seen) if seen.at >= at]

    def lost_since(self, at: float) -> list[tuple[Seen, Seen]]:
        """Neighbours that don't follow one another, by ring sequence and by the number in the picture."""
        return [
            (one, two)
            for one, two in pairwise(self.since(at))
            if (two.seq, two.number) != (one.seq + 1, (one.number + 1) % CLIP_FRAMES)
        ]

    def verified_after(self, at: float, count: int = 10) -> Seen | None:
        """The last of `count` consecutive readable frames received after `at`, one number after the other."""
        run: list[Seen] = []
        for seen in self.since(at):
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
