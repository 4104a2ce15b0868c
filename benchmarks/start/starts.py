"""Starts again and again: ``python -m benchmarks.start.starts <site|process> <window in s> url…``.

``site`` is ours: `Graph.start` and the site's end; ``process`` the limit: a Python process that does nothing.
Prints how long starting took, in ms, and the machine's other load, as one line of JSON.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

import camgraph as cg
from benchmarks.harness.machine import FamilyMeter

_WARM_UP = 2


def _start_site(urls: Sequence[str]) -> float:
    graph = cg.Graph()
    for index, url in enumerate(urls):
        graph.rtsp(f"camera{index}", url)
    begin_ns = time.monotonic_ns()
    site = graph.start()
    took_ns = time.monotonic_ns() - begin_ns
    site.close()
    return took_ns / 1e6


def _start_process(urls: Sequence[str]) -> float:
    begin_ns = time.monotonic_ns()
    process = subprocess.Popen([sys.executable, "-S", "-c", ""])
    took_ns = time.monotonic_ns() - begin_ns
    process.wait()
    return took_ns / 1e6


def main(what: str, window_s: float, urls: Sequence[str]) -> None:
    """Start for as long as the window is; print the times in ms."""
    start = {"site": _start_site, "process": _start_process}[what]
    for _ in range(_WARM_UP):
        start(urls)
    meter = FamilyMeter([os.getppid()])
    end = time.monotonic() + window_s
    took_ms = []
    while time.monotonic() < end:
        took_ms.append(start(urls))
    values = {"took_p50_ms": statistics.median(took_ms), "took_max_ms": max(took_ms)}
    print(json.dumps(values | {"other_cores": meter.stop().other_cores}))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), sys.argv[3:])
