"""The limit: prepared pictures in one memory file, put into windows by MIT-SHM 25 times a second, no more.

``python -m benchmarks.present.bare width height ids streams``; answers lines as `benchmarks.present.program`
does. With as many streams as windows these are drawn in turn, evenly over the time, as frames of cameras
come; with one stream all at once.
"""

import json
import os
import selectors
import sys
import time
from collections.abc import Sequence

import numpy as np

from camgraph.present.display import Display
from camgraph.x11 import xcb

_FPS = 25
_PICTURES = 4
_DEPTH = 24


def main(size: tuple[int, int], windows: Sequence[int], streams: int) -> None:
    """Draw until standard input ends."""
    width, height = size
    display = Display(os.environ["DISPLAY"])
    shm = display.libraries.shm
    if shm is None or not display.shares_memory:
        raise SystemExit(f"the X server maps no memory; on Debian and Ubuntu: {xcb.APT}")
    memory = os.memfd_create("bare")
    picture_bytes = width * height * 4
    os.write(memory, np.random.default_rng(1).bytes(picture_bytes * _PICTURES))
    segment = display.share(memory)
    pen = display.new_id()
    display.c.xcb_create_gc(display.connection, pen, windows[0], 0, None)
    shown = 0
    next_s = time.monotonic()
    step_s = 1 / (_FPS * streams)
    together = len(windows) // streams
    with selectors.DefaultSelector() as selector, open(0, "rb", buffering=0) as questions:
        selector.register(questions, selectors.EVENT_READ)
        while True:
            for _ in selector.select(max(0.0, next_s - time.monotonic())):
                if not questions.read(1):
                    return
                counts = [
                    shown // len(windows) + (index < shown % len(windows)) for index in range(len(windows))
                ]
                print(json.dumps(counts), flush=True)
            if time.monotonic() < next_s:
                continue
            for _ in range(together):
                shm.xcb_shm_put_image(
                    display.connection,
                    windows[shown % len(windows)],
                    pen,
                    *size,
                    *(0, 0),
                    *size,
                    *(0, 0),
                    _DEPTH,
                    xcb.Z_PIXMAP,
                    shown % together == 0,
                    segment,
                    shown // len(windows) % _PICTURES * picture_bytes,
                )
                shown += 1
            display.flush()
            for _ in display.events():
                pass
            next_s += step_s


if __name__ == "__main__":
    main(
        (int(sys.argv[1]), int(sys.argv[2])), [int(word) for word in sys.argv[3].split(",")], int(sys.argv[4])
    )
