"""One run: a program that shows a camera, watched on its screen, or bare decoding."""

import shutil
import subprocess
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
from benchmarks.harness.rounds import Run, RunFailed
from benchmarks.harness.xserver import XServer, xserver
from benchmarks.latency.matching import Stamp, ages_ms
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

FFPLAY_OPTIONS = (
    *("-loglevel", "quiet", "-rtsp_transport", "tcp", "-probesize", "32", "-fflags", "nobuffer"),
    *("-flags", "low_delay", "-framedrop", "-noborder", "-left", "0", "-top", "0"),
)


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


class FFplay:
    """A running ffplay. Owns it."""

    def __init__(self, url: str, x: XServer) -> None:
        size = ("-x", str(TILE_PX[0]), "-y", str(TILE_PX[1]))
        self._process = subprocess.Popen(
            ["ffplay", *FFPLAY_OPTIONS, *size, url],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=x.environment | {"SDL_AUDIODRIVER": "dummy"},
        )
        self.pid = self._process.pid

    def ask(self) -> None:
        """Raise RunFailed if it has ended."""
        if self._process.poll() is not None:
            raise RunFailed(f"ffplay ended with exit code {self._process.returncode}")

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()


def has_ffplay() -> bool:
    """Return whether there is an ffplay to measure."""
    return shutil.which("ffplay") is not None


def start_camgraph(url: str, x: XServer) -> Shows:
    """Start ours."""
    command = [sys.executable, "-m", "benchmarks.latency.program", *map(str, TILE_PX), url]
    return AskedProcess(command, environment=x.environment)


def start_gstreamer(url: str, x: XServer) -> Shows:
    """Start the camera in GStreamer."""
    return GStreamer([url], *TILE_PX, x.environment)


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


def run_decoding(cameras: Cameras, window_s: float) -> Run:
    """Measure from sending to the decoded frame; given as both, since nothing further is done with it."""
    command = [sys.executable, "-m", "benchmarks.latency.decoding", cameras.urls[0]]
    with closing(AskedProcess(command)) as decoding:
        wait_until(_FIRST_FRAME_S, "a frame", lambda: bool(decoding.ask()))
        time.sleep(_SETTLED_S)
        begin_ns = time.monotonic_ns()
        meter = Meter([decoding.pid], [cameras.pid])
        time.sleep(window_s)
        other_cores = meter.stop().other_cores
        stamps, end_ns = decoding.ask(), time.monotonic_ns()
    frame = _figures("frame", cameras, stamps, begin_ns, end_ns)
    return Run(frame | {f"pixel{name.removeprefix('frame')}": ms for name, ms in frame.items()}, other_cores)


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
