"""Watches a tile of a screen: when which frame was there.

``python -m benchmarks.latency.watcher directory width height``: the X server's framebuffer, and the size in
px of the tile in its upper left corner. Answers lines on standard input with ``[[number, ns], …]``, what came
since the last.
"""

import json
import os
import select
import sys
import time
from pathlib import Path

from benchmarks.latency.framebuffer import open_framebuffer
from camgraph.testing.pattern import decode

STEP_S = 0.0005
"""How often it looks: a stamp is late by this at most, by half of it on average, and by its own wake-up."""


def main(directory: Path, width: int, height: int) -> None:
    """Watch until standard input ends."""
    tile = open_framebuffer(directory)[:height, :width]
    last_row = tile[-2]
    known = last_row.tobytes()
    number = -1
    seen: list[tuple[int, int]] = []
    while True:
        readable, _, _ = select.select([0], [], [], STEP_S)
        if readable:
            if not os.read(0, 4096):
                return
            print(json.dumps(seen), flush=True)
            seen = []
        # The X server copies rows from top to bottom: the last strip of the pattern comes last.
        row = last_row.tobytes()
        if row == known:
            continue
        now_ns = time.monotonic_ns()
        found = decode(tile)
        if not found.ok:
            # It is being drawn: look again.
            continue
        known = row
        if found.number is not None and found.number != number:
            number = found.number
            seen.append((number, now_ns))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
