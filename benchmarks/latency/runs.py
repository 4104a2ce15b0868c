"""One run: a program that shows a camera, watched on its screen, or bare decoding."""

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from benchmarks.harness.asking import AskedProcess, wait_until
from benchmarks.harness.figures import percentile
from benchmarks.harness.machine import Meter, tree_of
from benchmarks.harness.players import Kind
from benchmarks.harness.rounds import Run, RunFailed
from benchmarks.harness.xserver import XServer, xserver
from benchmarks.latency.matching import Stamp, ages_ms
from benchmarks.latency.players import Player
from benchmarks.latency.rhythm import intervals_off_ms, taken
from benchmarks.wall.gstreamer import GStreamer
from camgraph.testing.cameras import Cameras

TILE_PX = (640, 360)
_FIRST_FRAME_S = 30.0
_SETTLED_S = 1.0
_TOLD_S = 1.0
_LEAST_SEEN = 0.9
_FPS = 25
_PERIOD_NS = 1_000_000_000 // _FPS
_STEADY_S = 6.0
"""Until a jitter buffer has seen what there is."""
_BEFORE_NS = 2_000_000_000
BUFFER_MS = 100
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


def start_paced(presentation: str, others: Sequence[str], url: str, x: XServer) -> Shows:
    """Start ours with a presentation, beside other cameras."""
    arguments = [*map(str, TILE_PX), presentation, url, *others]
    return AskedProcess(
        [sys.executable, "-m", "benchmarks.latency.paced", *arguments], environment=x.environment
    )


def start_buffering_gstreamer(url: str, x: XServer) -> Shows:
    """Start the camera in GStreamer, which shows by its clock, `BUFFER_MS` late."""
    return GStreamer([url], *TILE_PX, x.environment, latency_ms=BUFFER_MS)


def run_paced(start: Start, cameras: Cameras, jitter_ms: float, window_s: float) -> Run:
    """Measure from when a frame is due to be sent to the screen, `pixel_p50_ms` and `pixel_p99_ms`, and how
    far the time from one picture to the next is from the camera's, `off_p95_ms`; the cameras send each frame
    late by up to `jitter_ms`.
    """
    numbers = range(1, len(cameras.urls) + 1)
    for number in numbers:
        cameras.fault(number, "jitter", ms=jitter_ms)
    try:
        pixels, _, begin_ns, end_ns, other_cores = _watch(start, cameras, window_s, _STEADY_S)
    finally:
        for number in numbers:
            cameras.heal(number)
    seen = [Stamp(*stamp) for stamp in pixels if begin_ns <= stamp[1] < end_ns]
    values = _ages("pixel", taken(_sent(cameras, begin_ns), _PERIOD_NS), seen, begin_ns, end_ns)
    return Run(values | {"off_p95_ms": percentile(intervals_off_ms(seen, _PERIOD_NS), 95)}, other_cores)


def run_shown(start: Start, cameras: Cameras, window_s: float) -> Run:
    """Measure from sending to the screen, `pixel_p50_ms` and `pixel_p99_ms`, and to the analyzer where there
    is one, `frame_p50_ms` and `frame_p99_ms`.
    """
    pixels, told, begin_ns, end_ns, other_cores = _watch(start, cameras, window_s, _SETTLED_S)
    values = _figures("pixel", cameras, pixels, begin_ns, end_ns)
    if isinstance(told, list):
        values |= _figures("frame", cameras, told, begin_ns, end_ns)
    return Run(values, other_cores)


class _Watched(NamedTuple):
    pixels: Sequence[Sequence[int]]
    """Stamps of what was on the screen."""
    told: Any
    """What the program said in the end."""
    begin_ns: int
    end_ns: int
    other_cores: float


def _watch(start: Start, cameras: Cameras, window_s: float, settled_s: float) -> _Watched:
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
        time.sleep(settled_s)
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
    return _Watched(pixels, told, begin_ns, end_ns, other_cores)


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
    seen = [Stamp(*stamp) for stamp in stamps if begin_ns <= stamp[1] < end_ns]
    return _ages(what, _sent(cameras), seen, begin_ns, end_ns)


def _sent(cameras: Cameras, since_ns: int = 0) -> list[Stamp]:
    """Return what the first camera has sent; with `since_ns` from somewhat before that on."""
    stamps = [Stamp(sent.number, sent.monotonic_ns) for sent in cameras.read_sent() if sent.camera == 1]
    return [stamp for stamp in stamps if stamp.monotonic_ns >= since_ns - _BEFORE_NS]


def _ages(
    what: str, sent: Sequence[Stamp], seen: Sequence[Stamp], begin_ns: int, end_ns: int
) -> dict[str, float]:
    ages = ages_ms(sent, seen)
    expected = _FPS * (end_ns - begin_ns) / 1e9
    if len(ages) < _LEAST_SEEN * expected:
        raise RunFailed(f"{len(ages)} of {expected:.0f} frames were seen")
    return {f"{what}_p{percent}_ms": percentile(ages, percent) for percent in (50, 99)}
