"""One run: windows drawn into on an X server of their own, or a site that is only read."""

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing

from benchmarks.harness.asking import AskedProcess, wait_until
from benchmarks.harness.machine import Meter, tree_of
from benchmarks.harness.players import Kind
from benchmarks.harness.processes import module_of
from benchmarks.harness.rounds import Run, RunFailed
from benchmarks.harness.xserver import XServer, xserver
from benchmarks.ingest.counting import CountingProcess
from benchmarks.present.players import Players
from benchmarks.present.windows import Layout, Shows, windows

_FIRST_FRAMES_S = 60.0
_SETTLED_S = 0.5
_BACK_END = "camgraph.client.backend"

Start = Callable[[Sequence[str], Sequence[int], Layout, XServer], Shows]


class Program(AskedProcess):
    """A program of this family that is asked for its counts. Owns it."""

    def __init__(self, module: str, arguments: Sequence[str], environment: dict[str, str]) -> None:
        super().__init__([sys.executable, "-m", module, *arguments], environment=environment)
        self.pids = [self.pid]

    def counts(self) -> list[int]:
        """Return the frames of each window."""
        counts: list[int] = self.ask()
        return counts


def program(module: str) -> Start:
    """Return what starts a program that shows streams."""

    def start(urls: Sequence[str], ids: Sequence[int], layout: Layout, x: XServer) -> Shows:
        arguments = (*map(str, layout.size), ",".join(map(str, ids)), *urls)
        return Program(module, arguments, x.environment)

    return start


def bare(urls: Sequence[str], ids: Sequence[int], layout: Layout, x: XServer) -> Shows:
    """Start the bare loop, which needs only the number of streams."""
    arguments = (*map(str, layout.size), ",".join(map(str, ids)), str(len(urls)))
    return Program("benchmarks.present.bare", arguments, x.environment)


def player(kind: Kind) -> Start:
    """Return what starts players."""
    return lambda urls, ids, layout, x: Players(kind, urls, ids, layout, x)


def run_windows(start: Start, urls: Sequence[str], layout: Layout, camera_pid: int, window_s: float) -> Run:
    """Measure windows that are drawn into.

    Values: CPU time per shown frame in ms, of all (`frame_ms`), of the X server (`x_ms`), of what draws
    (`client_ms`: of ours the presenter, else the program), of both (`window_ms`); `cores` in all; `fps` of
    the slowest window.
    """
    with (
        xserver(size_px=layout.screen_px) as x,
        windows(x, layout) as ids,
        closing(start(urls, ids, layout, x)) as shows,
    ):
        wait_until(_FIRST_FRAMES_S, "a picture in every window", lambda: min(shows.counts()) > 0)
        time.sleep(_SETTLED_S)
        before = shows.counts()
        tree = [pid for root in shows.pids for pid in tree_of(root)]
        clients = [pid for pid in tree if module_of(pid) == _BACK_END] or shows.pids
        meters = {"all": Meter([*tree, x.pid], [camera_pid]), "x": Meter([x.pid]), "client": Meter(clients)}
        time.sleep(window_s)
        try:
            usage = {name: meter.stop() for name, meter in meters.items()}
        except ProcessLookupError as error:
            raise RunFailed(str(error)) from None
        shown = [after - earlier for earlier, after in zip(before, shows.counts(), strict=True)]
    whole, frames = usage["all"], max(1, sum(shown))
    each_ms = {name: used.cpu_s * 1000 / frames for name, used in usage.items()}
    values = {
        "frame_ms": each_ms["all"],
        "x_ms": each_ms["x"],
        "client_ms": each_ms["client"],
        "window_ms": each_ms["x"] + each_ms["client"],
        "cores": whole.cpu_s / whole.wall_s,
        "fps": min(shown) / whole.wall_s,
    }
    return Run(values, whole.other_cores)


def run_reading(urls: Sequence[str], layout: Layout, camera_pid: int, window_s: float) -> Run:
    """Measure a site whose streams are read in the windows' size: `frame_ms` of all its processes."""
    arguments = (*map(str, layout.size), "", *urls)
    with closing(CountingProcess("benchmarks.present.program", arguments)) as reading:
        reading.patience_s = AskedProcess.patience_s
        return _run_headless(reading, camera_pid, window_s)


def run_decoding(urls: Sequence[str], camera_pid: int, window_s: float) -> Run:
    """Measure PyAV receiving and decoding the streams, a thread a stream: `frame_ms`."""
    with closing(CountingProcess("benchmarks.ingest.pyav_threads", urls)) as decoding:
        return _run_headless(decoding, camera_pid, window_s)


def _run_headless(process: CountingProcess, camera_pid: int, window_s: float) -> Run:
    wait_until(_FIRST_FRAMES_S, "frames of every stream", lambda: min(process.counts()) > 0)
    time.sleep(_SETTLED_S)
    before = process.counts()
    meter = Meter(tree_of(process.pid), [camera_pid])
    time.sleep(window_s)
    try:
        usage = meter.stop()
    except ProcessLookupError as error:
        raise RunFailed(str(error)) from None
    frames = max(1, sum(process.counts()) - sum(before))
    return Run({"frame_ms": usage.cpu_s * 1000 / frames}, usage.other_cores)
