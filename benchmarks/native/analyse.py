"""What ``examples/analyse.cpp`` does, in Python.

``python -m benchmarks.native.analyse <site> <stream>… --seconds <n>``: a thread a stream takes the difference
of each frame and the one before it, and tells once a second what came, in the lines of the C++ program.
"""

import sys
import threading
import time
from collections.abc import Sequence

import numpy as np

import camgraph as cg

_POLL_S = 0.2


def analyse(site: cg.Site, stream: str, end_s: float) -> None:
    """Read a stream until `end_s` on the monotonic clock."""
    request = cg.FrameRequest(stream=stream, format="gray8", size=(320, 180), policy="every")
    next_line_s = time.monotonic() + 1
    previous: cg.Frame | None = None
    change = 0.0
    with site.read(request) as reader:
        while (now_s := time.monotonic()) < end_s:
            if now_s >= next_line_s:
                next_line_s += 1
                tell(stream, reader, change)
            try:
                frame = reader.read(_POLL_S)
            except TimeoutError:
                continue
            if previous is not None:
                change = float(np.abs(frame.array.astype(np.int16) - previous.array).mean())
                previous.release()
            previous = frame
        tell(stream, reader, change)
        if previous is not None:
            previous.release()


def tell(stream: str, reader: cg.Reader, change: float) -> None:
    """Print a line."""
    counts = reader.statistics()
    lost = counts.late + counts.behind + counts.skipped
    line = f"{stream}: received {counts.received}, lost {lost}, epoch {counts.epoch}, change {change:.2f}"
    sys.stdout.write(f"{line}, CPU {time.thread_time():.3f} s\n")
    sys.stdout.flush()


def main(name: str, streams: Sequence[str], seconds: float) -> None:
    """Analyse the streams of a running site."""
    end_s = time.monotonic() + seconds
    with cg.attach(name) as site:
        threads = [threading.Thread(target=analyse, args=(site, stream, end_s)) for stream in streams]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


if __name__ == "__main__":
    option = sys.argv.index("--seconds")
    main(sys.argv[1], sys.argv[2:option], float(sys.argv[option + 1]))
