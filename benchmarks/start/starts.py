"""Starts again and again: ``python -m benchmarks.start.starts <what> <window in s> url…``.

``site`` is ours: `Graph.start` and the site's end; ``process`` the limit: a Python process that does nothing;
``playing``: `Graph.start` until each stream has shown a picture, of cameras that others watch already.
Prints how long that took, in ms, and the machine's other load, as one line of JSON.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext

import camgraph as cg
from benchmarks.harness.machine import FamilyMeter

_WARM_UP = 2
_PATIENCE_S = 30.0


def _graph(urls: Sequence[str]) -> cg.Graph:
    graph = cg.Graph()
    for index, url in enumerate(urls):
        graph.rtsp(f"camera{index}", url)
    return graph


def _start_site(urls: Sequence[str]) -> float:
    graph = _graph(urls)
    begin_ns = time.monotonic_ns()
    site = graph.start()
    took_ns = time.monotonic_ns() - begin_ns
    site.close()
    return took_ns / 1e6


def _start_playing(urls: Sequence[str]) -> float:
    graph = _graph(urls)
    begin_ns = time.monotonic_ns()
    with graph.start() as site:
        readers = [site.read(stream.frames()) for stream in site.streams.values()]
        for reader in readers:
            reader.read(_PATIENCE_S)
        took_ns = time.monotonic_ns() - begin_ns
    return took_ns / 1e6


def _start_process(urls: Sequence[str]) -> float:
    begin_ns = time.monotonic_ns()
    process = subprocess.Popen([sys.executable, "-S", "-c", ""])
    took_ns = time.monotonic_ns() - begin_ns
    process.wait()
    return took_ns / 1e6


@contextmanager
def _watching(urls: Sequence[str]) -> Iterator[None]:
    """Watch the cameras: only a camera's first viewer has its stream begin, and gets a key frame at once."""
    with _graph(urls).start() as site:
        for stream in site.streams.values():
            site.read(stream.frames()).read(_PATIENCE_S)
        yield


def main(what: str, window_s: float, urls: Sequence[str]) -> None:
    """Start for as long as the window is; print the times in ms."""
    start = {"site": _start_site, "playing": _start_playing, "process": _start_process}[what]
    with _watching(urls) if what == "playing" else nullcontext():
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
