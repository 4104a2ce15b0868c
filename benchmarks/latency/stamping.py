"""What programs that decode one camera share: they say, when asked, when they had which frame."""

import json
import sys
import threading
import time
from collections.abc import Callable

import av
import numpy as np

from camgraph.testing.pattern import decode


class Stamps:
    """When (CLOCK_MONOTONIC) frames of which number were decoded."""

    def __init__(self) -> None:
        self._stamps: list[tuple[int, int]] = []

    def note(self, frame: av.VideoFrame) -> None:
        """Take a frame that was decoded just now."""
        now_ns = time.monotonic_ns()
        found = decode(np.asarray(frame.to_ndarray(), np.uint8))
        if found.ok and found.number is not None:
            self._stamps.append((found.number, now_ns))

    def serve(self, work: Callable[[], None]) -> None:
        """Run `work` in a thread; answer each line on standard input with ``[[number, ns], …]``, what came
        since the last one; return at its end.
        """
        threading.Thread(target=work, daemon=True).start()
        for _ in sys.stdin:
            count = len(self._stamps)
            print(json.dumps(self._stamps[:count]), flush=True)
            del self._stamps[:count]
