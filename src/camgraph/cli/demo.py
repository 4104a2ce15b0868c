"""``camgraph demo``: the main job on built-in cameras, with what was found as a report."""

import json
import os
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

import camgraph as cg
from camgraph.base.children import start_module
from camgraph.cli.camera_child import CameraChild, CameraOptions
from camgraph.cli.camera_progress import wait_ready
from camgraph.cli.exits import JOB_FAILED, fail_with
from camgraph.cli.interrupts import held, interrupting
from camgraph.cli.leftovers import Leftovers
from camgraph.cli.movement import MovementDetector
from camgraph.cli.report import AnalyzerReport, DemoReport, StreamReport

if TYPE_CHECKING:
    from camgraph.qt.application import Application
    from camgraph.qt.wall.window import WallWindow

WALL_SIZE_PX = (1280, 720)
SECONDS_WITHOUT_DISPLAY = 10.0
SNAPSHOT_WITHOUT_DISPLAY = Path("camgraph-demo.png")
SNAPSHOT_AFTER_S = 3.0
"""From the moment all streams play: by then every analyzer has found something."""


def demo(
    cameras: Annotated[int, typer.Option(min=1, max=64, help="How many built-in cameras.")] = 4,
    seconds: Annotated[
        float | None,
        typer.Option(min=1, help="End by itself after so long (default: when the window is closed)."),
    ] = None,
    snapshot: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Write a picture of the wall (PNG) once all play.")
    ] = None,
    report: Annotated[Path | None, typer.Option(dir_okay=False, help="Write what was found as JSON.")] = None,
) -> None:
    """Show live cameras in a window, with an analyzer process each that marks what moves.

    Without a display it runs offscreen for some seconds and leaves a picture.
    """
    console = Console(stderr=True)
    with fail_with(console):
        for path in (snapshot, report):
            if path is not None and not path.absolute().parent.is_dir():
                raise typer.BadParameter(f"the folder of {path} does not exist; make it first")
        running = Demo(cameras, console)
        found = running.run(seconds, snapshot)
        _print(console, found)
        failures = [*found.failures, *running.unwritten]
        for failure in failures:
            console.print(failure, style="red", markup=False)
        if report is not None:
            found.write(report)
        if failures:
            raise typer.Exit(JOB_FAILED)


class Demo:
    """One run: cameras, site, window, analyzers, and an extra reader that looks for torn frames."""

    def __init__(self, cameras: int, console: Console) -> None:
        self._cameras = cameras
        self._console = console
        self._snapshot: Path | None = None
        self._snapshot_due_ns = 0
        self._playing_after_s: float | None = None
        self.unwritten: list[str] = []
        """A sentence for the snapshot, if it could not be written."""

    def run(self, seconds: float | None, snapshot: Path | None) -> DemoReport:
        """Run until the window is closed, or for `seconds`; return what was found."""
        leftovers = Leftovers()
        with CameraChild(CameraOptions(count=self._cameras, port=0)) as child:
            # Qt is loaded while the cameras start.
            with held():
                from camgraph.qt.application import Application

            app = Application("camgraph demo")
            try:
                if app.offscreen:
                    seconds = seconds or SECONDS_WITHOUT_DISPLAY
                    snapshot = snapshot or SNAPSHOT_WITHOUT_DISPLAY
                    self._console.print(
                        f"There is no display: running offscreen for {seconds:g} s, picture in {snapshot}."
                    )
                with interrupting():
                    ready = wait_ready(child, self._console)
                urls = [ready.url(f"/{number}") for number in range(1, self._cameras + 1)]
                self._console.print(f"{len(urls)} cameras at {urls[0]} …")
                self._snapshot = snapshot
                streams, analyzers, checked = self._show(app, urls, seconds)
            finally:
                app.close()
        return DemoReport(
            streams=streams,
            analyzers=analyzers,
            torn=sum(check["torn"] for check in checked.values()),
            unreadable=sum(check["unreadable"] for check in checked.values()),
            checked=sum(check["frames"] for check in checked.values()),
            playing_after_s=self._playing_after_s,
            leftover_processes=len(leftovers.find()),
        )

    def _show(
        self, app: "Application", urls: list[str], seconds: float | None
    ) -> tuple[dict[str, StreamReport], dict[str, AnalyzerReport], dict[str, dict[str, int]]]:
        from camgraph.qt.wall.window import WallWindow

        graph = cg.Graph()
        for number, url in enumerate(urls, 1):
            graph.rtsp(f"camera-{number}", url)
        streams: dict[str, StreamReport] = {}
        checked: dict[str, dict[str, int]] = {}
        with graph.start() as site:
            window = WallWindow(site.streams, f"camgraph: {len(urls)} cameras", WALL_SIZE_PX)
            detectors = {name: _mark_movement(site, name, window) for name in site.streams}
            check = _PatternCheck(site)

            def gather() -> None:
                self._take_snapshot(window)
                streams.update(_stream_reports(site, window))
                checked.update(check.finish())

            window.closing.connect(gather)
            window.closing.connect(site.close)
            ticking = app.every(0.05, lambda: self._look(window))
            if seconds is not None:
                app.after(seconds, window.close)
            window.show()
            app.run()
            ticking.stop()
            window.close()
        return streams, {name: _analyzer_report(front) for name, front in detectors.items()}, checked

    def _look(self, window: "WallWindow") -> None:
        if self._playing_after_s is None:
            if all(tile.statistics().shown > 1 for tile in window.wall):
                self._playing_after_s = _seconds_since_exec()
                self._snapshot_due_ns = time.monotonic_ns() + int(SNAPSHOT_AFTER_S * 1e9)
                self._console.print(f"All play, {self._playing_after_s:.1f} s after the start.")
        elif self._snapshot_due_ns and time.monotonic_ns() >= self._snapshot_due_ns:
            self._take_snapshot(window)

    def _take_snapshot(self, window: "WallWindow") -> None:
        self._snapshot_due_ns = 0
        path, self._snapshot = self._snapshot, None
        if path is not None and not window.wall.grab().save(str(path), "PNG"):
            self.unwritten.append(f"{path} could not be written: is the folder yours, the disk full?")


class _PatternCheck:
    """The extra reader: a process of its own, as any other program on this machine could be one."""

    def __init__(self, site: cg.Site) -> None:
        self._popen = start_module(
            "camgraph.testing.verify",
            [site.name, *site.streams],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def finish(self) -> dict[str, dict[str, int]]:
        """End it; return its counts by stream."""
        try:
            output, _ = self._popen.communicate(timeout=5)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            output, _ = self._popen.communicate()
        return json.loads(output) if output else {}


def _mark_movement(site: cg.Site, name: str, window: "WallWindow") -> cg.FrontEnd:
    from camgraph.qt import Box, signals

    camera, tile = site.streams[name], window.wall[name]

    def mark(stream: str, x: float, y: float, width: float, height: float) -> None:
        across, down = camera.status.width, camera.status.height
        tile.set_boxes([Box(x * across, y * down, width * across, height * down, label="movement")])

    detector: cg.FrontEnd = site.spawn(MovementDetector)
    detector.watch(camera.frames(size=(160, 90), format="gray8", fps=10))
    found = signals(detector)
    found.moved.connect(mark)
    found.still.connect(lambda stream: tile.set_boxes([]))
    return detector


def _stream_reports(site: cg.Site, window: "WallWindow") -> dict[str, StreamReport]:
    counts: dict[str, cg.StreamStatistics] = {}
    with suppress(TimeoutError):  # a media process that is being replaced answers nothing
        counts = site.statistics().streams
    reports = {}
    for name, stream in site.streams.items():
        shown = window.wall[name].statistics()
        counted = counts.get(name)
        reports[name] = StreamReport(
            state=stream.status.state,
            width=stream.status.width,
            height=stream.status.height,
            received=counted.received if counted else 0,
            decoded=counted.decoded if counted else 0,
            shown=shown.shown,
            lost=shown.lost,
            fps=round(shown.fps, 2),
            age_ms_p50=round(shown.age_ms_p50, 2),
            age_ms_p99=round(shown.age_ms_p99, 2),
        )
    return reports


def _analyzer_report(front: cg.FrontEnd) -> AnalyzerReport:
    counted = front.statistics()
    return AnalyzerReport(
        pid=front.pid or 0, frames=counted.frames, messages=counted.messages, exit=front.exit
    )


def _seconds_since_exec() -> float:
    started_ticks = int(Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started_ticks / os.sysconf("SC_CLK_TCK")


def _print(console: Console, report: DemoReport) -> None:
    table = Table(
        *("stream", "state", "picture", "received", "decoded", "shown", "lost", "fps", "ms p50", "p99"),
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    for name, stream in report.streams.items():
        table.add_row(
            name,
            stream.state,
            f"{stream.width}×{stream.height}",
            *map(str, (stream.received, stream.decoded, stream.shown, stream.lost, stream.fps)),
            f"{stream.age_ms_p50:.1f}",
            f"{stream.age_ms_p99:.1f}",
        )
    console.print(table)
    table = Table(
        "analyzer", "pid", "frames", "messages", "ended with", box=SIMPLE_HEAD, padding=(0, 1, 0, 0)
    )
    for name, analyzer in report.analyzers.items():
        table.add_row(name, str(analyzer.pid), str(analyzer.frames), str(analyzer.messages), analyzer.exit)
    console.print(table)
    console.print(
        "ms: from a packet's arrival to its picture. "
        f"{report.checked} frames checked by an extra reader: {report.torn} torn. "
        f"{report.leftover_processes} processes left behind."
    )
