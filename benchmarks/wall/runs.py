"""One run: a wall on an X server of its own, bare decoding, or a site that is only read."""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Protocol

from benchmarks.harness.asking import AskedProcess, wait_until
from benchmarks.harness.figures import percentile
from benchmarks.harness.machine import Meter, tree_of
from benchmarks.harness.processes import module_of
from benchmarks.harness.rounds import Run, RunFailed
from benchmarks.harness.xserver import XServer, xserver
from benchmarks.ingest.counting import CountingProcess
from benchmarks.wall.gstreamer import GStreamer

FPS = 25
_FIRST_FRAMES_S = 60.0
_SETTLED_S = 0.5
_WATCHED_S = 3.0
_MEDIA = "camgraph.media"


@dataclass(frozen=True)
class Tiles:
    """A configuration: how many tiles of which size in px; a camera each, with pictures of `source` px."""

    count: int
    width: int
    height: int
    source: tuple[int, int] = (1280, 720)

    @property
    def label(self) -> str:
        """How rows call it."""
        return f"{self.count} tiles of {self.width}×{self.height} from {self.source[1]}p"


class Wall(Protocol):
    """A running program that shows streams."""

    pid: int

    def ask(self, question: str = "") -> Any:
        """Return ``{"shown": frames of each tile so far, "late_ms": …}``; raise RunFailed if it has ended.

        From the question ``watch`` to the next one a timer runs, whose lateness that one is told; None for
        ever: there is no GUI.
        """
        ...

    def close(self) -> None:
        """End and release all."""
        ...


Start = Callable[[Sequence[str], Tiles, XServer], Wall]


def qt_program(module: str) -> Start:
    """Return what starts a Qt program of this family."""

    def start(urls: Sequence[str], tiles: Tiles, x: XServer) -> Wall:
        arguments = (str(tiles.width), str(tiles.height), *urls)
        return AskedProcess([sys.executable, "-m", module, *arguments], environment=x.environment)

    return start


def embedded(player: str) -> Start:
    """Return what starts a player a stream, embedded in a Qt program."""

    def start(urls: Sequence[str], tiles: Tiles, x: XServer) -> Wall:
        arguments = (player, str(tiles.width), str(tiles.height), *urls)
        command = [sys.executable, "-m", "benchmarks.wall.embedded", *arguments]
        return AskedProcess(command, environment=x.environment)

    return start


def gstreamer(urls: Sequence[str], tiles: Tiles, x: XServer) -> Wall:
    """Start the streams in GStreamer."""
    return GStreamer(urls, tiles.width, tiles.height, x.environment)


def run_wall(start: Start, urls: Sequence[str], tiles: Tiles, camera_pid: int, window_s: float) -> Run:
    """Measure a wall.

    Values: CPU time per shown frame in ms, of all (`frame_ms`), of the X server (`x_ms`), of the program
    itself (`program_ms`), of media processes where it has some (`media_ms`); `cores`; `fps` of the slowest
    tile; `late_p50_ms` and `late_p99_ms` of the timer, where there is one, which runs after the rest.
    """
    with xserver() as x, closing(start(urls, tiles, x)) as wall:
        wait_until(_FIRST_FRAMES_S, "a picture in every tile", lambda: min(wall.ask()["shown"]) > 0)
        time.sleep(_SETTLED_S)
        before = wall.ask()["shown"]
        tree = tree_of(wall.pid)
        media = [pid for pid in tree if module_of(pid) == _MEDIA]
        meter = Meter([*tree, x.pid], [camera_pid])
        parts = {"x_ms": Meter([x.pid]), "program_ms": Meter([wall.pid])}
        if media:
            parts["media_ms"] = Meter(media)
        time.sleep(window_s)
        try:
            usage, costs_s = meter.stop(), {name: part.stop().cpu_s for name, part in parts.items()}
        except ProcessLookupError as error:
            raise RunFailed(str(error)) from None
        answer = wall.ask("watch")
        if answer["late_ms"] is not None:
            time.sleep(_WATCHED_S)
        late_ms = wall.ask()["late_ms"]
    shown = [after - earlier for earlier, after in zip(before, answer["shown"], strict=True)]
    frames = max(1, sum(shown))
    values = {"frame_ms": usage.cpu_s * 1000 / frames, "cores": usage.cpu_s / usage.wall_s}
    values["fps"] = min(shown) / usage.wall_s
    values |= {name: cost_s * 1000 / frames for name, cost_s in costs_s.items()}
    if late_ms:
        values |= {f"late_p{percent}_ms": percentile(late_ms, percent) for percent in (50, 99)}
    return Run(values, usage.other_cores)


def run_moving(kind: str, motion: str, url: str, camera_pid: int, window_s: float) -> Run:
    """Measure a tile whose window is resized, or that is zoomed, each 16 ms: `shown_fps`, `painted_fps` and
    `late_p99_ms` of the timer meanwhile; `cores` of all.
    """
    with xserver() as x:
        command = [sys.executable, "-m", "benchmarks.wall.one_tile", kind, url]
        with closing(AskedProcess(command, environment=x.environment)) as tile:
            wait_until(_FIRST_FRAMES_S, "a picture", lambda: min(tile.ask("rest")["shown"]) > 0)
            time.sleep(_SETTLED_S)
            before = tile.ask(motion)
            meter = Meter([*tree_of(tile.pid), x.pid], [camera_pid])
            time.sleep(window_s)
            try:
                usage = meter.stop()
            except ProcessLookupError as error:
                raise RunFailed(str(error)) from None
            after = tile.ask("rest")
    values = {
        "shown_fps": (after["shown"][0] - before["shown"][0]) / usage.wall_s,
        "painted_fps": (after["painted"] - before["painted"]) / usage.wall_s,
        "late_p99_ms": percentile(after["late_ms"], 99),
        "cores": usage.cpu_s / usage.wall_s,
    }
    return Run(values, usage.other_cores)


def run_decoding(urls: Sequence[str], camera_pid: int, window_s: float) -> Run:
    """Measure PyAV receiving and decoding the streams, a thread a stream: `frame_ms` and `cores`."""
    with closing(CountingProcess("benchmarks.ingest.pyav_threads", urls)) as decoding:
        return _run_headless(decoding, lambda: [decoding.pid], camera_pid, window_s, "frame_ms")


def run_reading(urls: Sequence[str], extra: Mapping[str, str], camera_pid: int, window_s: float) -> Run:
    """Measure media processes whose streams are read natively, and as `extra` says: `media_ms` a frame."""
    options = [f"--{name}={value}" for name, value in extra.items()]
    command = [sys.executable, "-m", "benchmarks.scale.readers", *options, *urls]
    with closing(AskedProcess(command)) as reading:

        def media() -> list[int]:
            return [pid for pid in tree_of(reading.pid) if module_of(pid) == _MEDIA]

        return _run_headless(reading, media, camera_pid, window_s, "media_ms")


def _run_headless(
    process: AskedProcess,
    measured: Callable[[], Sequence[int]],
    camera_pid: int,
    window_s: float,
    name: str,
) -> Run:
    wait_until(_FIRST_FRAMES_S, "frames of every stream", lambda: min(process.ask()) > 0)
    time.sleep(_SETTLED_S)
    before = process.ask()
    pids = measured()
    meter = Meter(pids, [camera_pid, *(pid for pid in tree_of(process.pid) if pid not in pids)])
    time.sleep(window_s)
    try:
        usage = meter.stop()
    except ProcessLookupError as error:
        raise RunFailed(str(error)) from None
    frames = max(1, sum(process.ask()) - sum(before))
    return Run({name: usage.cpu_s * 1000 / frames, "cores": usage.cpu_s / usage.wall_s}, usage.other_cores)
