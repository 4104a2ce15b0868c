"""What both programs do, and how they tell of it.

Each camera is decoded and scaled to RGB for a ring by name, every 200 ms, in which the program reads it in a
thread; the first ones are shown in windows, and the first one's packets are in a ring as fragmented MP4.
"""

import json
import os
import sys
import threading
from collections.abc import Callable

import camgraph as cg

RGB_SIZE = (480, 270)
INTERVAL_MS = 180
"""Frames 40 ms apart: each fifth passes, however their times wander."""
DELAY_MS = 300
CELLS = 10
MP4_BYTES = 1 << 20
_ANSWERS_S = 5.0


def arguments() -> tuple[list[int], list[str]]:
    """Return the windows' ids and the cameras' addresses, of ``python -m module id,id… url…``."""
    return [int(word) for word in sys.argv[1].split(",")], sys.argv[2:]


def rgb_name(number: int) -> str:
    """Return what the ring of a camera is called."""
    return f"compat-{os.getpid()}-rgb-{number}"


def mp4_name() -> str:
    """Return what the ring of fragmented MP4 is called."""
    return f"compat-{os.getpid()}-mp4"


class Pulls:
    """Reads rings, a thread each, and counts what it has got."""

    def __init__(self) -> None:
        self._counts: list[int] = []
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []

    def add(self, pull: Callable[[], bool]) -> None:
        """Call `pull` again and again, which waits for the next item and tells whether one came."""
        index = len(self._counts)
        self._counts.append(0)

        def run() -> None:
            while not self._ended.is_set():
                self._counts[index] += pull()

        thread = threading.Thread(target=run)
        self._threads.append(thread)
        thread.start()

    def serve(self, site: cg.Site) -> None:
        """Answer each line on standard input with the counts of the site, and of the ring read least."""
        for _ in sys.stdin:
            print(json.dumps(counts_of(site) | {"read": min(self._counts)}), flush=True)

    def end(self) -> None:
        """Read no more."""
        self._ended.set()
        for thread in self._threads:
            thread.join()


def counts_of(site: cg.Site) -> dict[str, int]:
    """Return what was received, decoded, converted or copied, and published: sums over all streams."""
    numbers = site.statistics(_ANSWERS_S)
    streams = list(numbers.streams.values())
    rings = [ring for stream in streams for ring in stream.rings]
    counts = {
        "received": sum(it.received for it in streams),
        "decoded": sum(it.decoded for it in streams),
        "converted": sum(it.conversions for it in streams),
        "rings": len(rings),
    }
    for format_ in ("bgra", "rgb24", "fmp4"):
        counts[format_] = sum(it.published for it in rings if it.format == format_)
    return counts
