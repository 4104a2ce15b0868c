"""One run: a program that shows a camera, watched on its screen, or bare decoding."""

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Protocol

from benchmarks.harness.asking import AskedProcess, wait_until
from benchmarks.harness.figures import percentile
from benchmarks.harness.machine import Meter, tree_of
from benchmarks.harness.players import Kind
from benchmarks.harness.rounds import Run, RunFailed
from benchmarks.harness.xserver import XServer, xserver
from benchmarks.latency.matching import Stamp, ages_ms
from benchmarks.latency.players import Player
from benchmarks.wall.gstreamer import GStreamer
from camgraph.testing.cameras import Cameras

TILE_PX = (640, 360)
_FIRST_FRAME_S = 30.0
_SETTLED_S = 1.0
_TOLD_S = 1.0
_LEAST_SEEN = 0.9
_FPS = 25
_FRAMEBUFFERS = "/dev/shm"
"""Where nothing is written back to a disk."""


class Shows(Protocol):
    """A program that shows the camera in the upper left corner."""

    pid: int

    def ask(self) -> Any:
        """Return what it has to say; raise RunFailed if it has ended."""
        ...

    def close(self) -> None:
        """End and release all."""
        ...


Start = Callable[[str, XServer], Shows]


def start_camgraph(url: str, x: XServer) -> Shows:
    """Start ours."""
    command = [sys.executable, "-m", "benchmarks.latency.program", *map(str, TILE_PX), url]
    return AskedProcess(command, environment=x.environment)


def start_gstreamer(url: str, x: XServer) -> Shows:
    """Start the camera in GStreamer."""
    return GStreamer([url], *TILE_PX, x.environment)


def start_labels(url: str, x: XServer) -> Shows:
    """Start the camera in OpenCV, and a QLabel."""
    command = [sys.executable, "-m", "benchmarks.wall.opencv_labels", *map(str, TILE_PX), url]
    return AskedProcess(command, environment=x.environment)


def start_player(kind: Kind, url: str, x: XServer) -> Shows:
    """Start the camera in a player."""
    return Player(kind, url, TILE_PX, x)


def run_shown(start: Start, cameras: Cameras, window_s: float) -> Run:
    """Measure from sending to the screen, `pixel_p50_ms` and `pixel_p99_ms`, and to the analyzer where there
    is one, `frame_p50_ms` and `frame_p99_ms`.
    """
    with ExitStack() as running:
        directory = running.enter_context(tempfile.TemporaryDirectory(dir=_FRAMEBUFFERS, prefix="bench-"))
        x = running.enter_context(xserver(framebuffer_in=Path(directory)))
        command = [sys.executable, "-m", "benchmarks.latency.watcher", directory, *map(str, TILE_PX)]
        watcher = running.enter_context(closing(AskedProcess(command)))
        shows = running.enter_context(closing(start(cameras.urls[0], x)))

        def shown() -> bool:
            shows.ask()
            return bool(watcher.ask())

        wait_until(_FIRST_FRAME_S, "the camera on the screen", shown)
        time.sleep(_SETTLED_S)
        begin_ns = time.monotonic_ns()
        meter = Meter([*tree_of(shows.pid), x.pid, watcher.pid], [cameras.pid])
        time.sleep(window_s)
        try:
            other_cores = meter.stop().other_cores
        except ProcessLookupError as error:
            raise RunFailed(str(error)) from None
        end_ns = time.monotonic_ns()
        pixels = watcher.ask()
        time.sleep(_TOLD_S)
        told = shows.ask()
    values = _figures("pixel", cameras, pixels, begin_ns, end_ns)
    if isinstance(told, list):
        values |= _figures("frame", cameras, told, begin_ns, end_ns)
    return Run(values, other_cores)


def run_decoding(module: str, cameras: Cameras, window_s: float) -> Run:
    """Measure from sending to the decoded frame in a program that does nothing further with it."""
    command = [sys.executable, "-m", module, cameras.urls[0]]
    with closing(AskedProcess(command)) as decoding:
        wait_until(_FIRST_FRAME_S, "a frame", lambda: bool(decoding.ask()))
        time.sleep(_SETTLED_S)
        begin_ns = time.monotonic_ns()
        meter = Meter([decoding.pid], [cameras.pid])
        time.sleep(window_s)
        other_cores = meter.stop().other_cores
        stamps, end_ns = decoding.ask(), time.monotonic_ns()
    return Run(_figures("frame", cameras, stamps, begin_ns, end_ns), other_cores)


def _figures(
    what: str, cameras: Cameras, stamps: Sequence[Sequence[int]], begin_ns: int, end_ns: int
) -> dict[str, float]:
    sent = [Stamp(sent.number, sent.monotonic_ns) for sent in cameras.read_sent() if sent.camera == 1]
    seen = [Stamp(*stamp) for stamp in stamps if begin_ns <= stamp[1] < end_ns]
    ages = ages_ms(sent, seen)
    expected = _FPS * (end_ns - begin_ns) / 1e9
    if len(ages) < _LEAST_SEEN * expected:
        raise RunFailed(f"{len(ages)} of {expected:.0f} frames were seen")
    return {f"{what}_p{percent}_ms": percentile(ages, percent) for percent in (50, 99)}
