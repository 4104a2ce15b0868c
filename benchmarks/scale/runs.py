"""One run: a site of some streams that are read, or bare decoding; what it takes, and what it holds."""

import sys
import time
from collections.abc import Sequence
from contextlib import closing

from benchmarks.harness.asking import AskedProcess, wait_until
from benchmarks.harness.machine import Meter, tree_of
from benchmarks.harness.processes import take_census
from benchmarks.harness.rounds import Run, RunFailed
from benchmarks.ingest.counting import CountingProcess

FPS = 25
_FIRST_FRAMES_S = 60.0
_SETTLED_S = 0.5


def run_site(urls: Sequence[str], camera_pid: int, window_s: float) -> Run:
    """Measure a site whose streams are read natively by the program that has started it.

    Values: `cpu` in CPU-s per second; `read`, the frames read, in % of those sent; at the end `rss_mb`,
    `pss_mb`, `descriptors`, `threads`, `processes`.
    """
    with closing(AskedProcess([sys.executable, "-m", "benchmarks.scale.readers", *urls])) as process:
        return _measure(process, len(urls), camera_pid, window_s)


def run_decoding(urls: Sequence[str], camera_pid: int, window_s: float) -> Run:
    """Measure PyAV receiving and decoding, a thread a stream; values as of `run_site`."""
    with closing(CountingProcess("benchmarks.ingest.pyav_threads", urls)) as process:
        return _measure(process, len(urls), camera_pid, window_s)


def _measure(process: AskedProcess, streams: int, camera_pid: int, window_s: float) -> Run:
    wait_until(_FIRST_FRAMES_S, "frames of every stream", lambda: min(process.ask()) > 0)
    time.sleep(_SETTLED_S)
    tree = tree_of(process.pid)
    before = process.ask()
    meter = Meter(tree, [camera_pid])
    time.sleep(window_s)
    try:
        usage, census = meter.stop(), take_census(tree)
    except ProcessLookupError as error:
        raise RunFailed(str(error)) from None
    frames = sum(process.ask()) - sum(before)
    share = frames / (FPS * streams * usage.wall_s)
    held = {name: float(value) for name, value in census._asdict().items()}
    return Run({"cpu": usage.cpu_s / usage.wall_s, "read": share * 100, **held}, usage.other_cores)
