"""The limit: receives and decodes with PyAV, in one thread, and shows nothing.

``python -m benchmarks.latency.decoding url`` answers lines on standard input with ``[[number, ns], …]``:
when each frame since the last line was decoded.
"""

import json
import sys
import threading
import time

import av
import numpy as np

from camgraph.testing.pattern import decode

_OPTIONS = {"rtsp_transport": "tcp", "timeout": "2500000", "probesize": "32", "fpsprobesize": "0"}


def _decode(url: str, stamps: list[tuple[int, int]]) -> None:
    with av.open(url, options=_OPTIONS, timeout=(10, None)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "NONE"
        stream.codec_context.thread_count = 1
        for frame in container.decode(stream):
            now_ns = time.monotonic_ns()
            found = decode(np.asarray(frame.to_ndarray(), np.uint8))
            if found.ok and found.number is not None:
                stamps.append((found.number, now_ns))


def main(url: str) -> None:
    """Decode until standard input ends."""
    stamps: list[tuple[int, int]] = []
    threading.Thread(target=_decode, args=(url, stamps), daemon=True).start()
    for _ in sys.stdin:
        count = len(stamps)
        print(json.dumps(stamps[:count]), flush=True)
        del stamps[:count]


if __name__ == "__main__":
    main(sys.argv[1])
