"""``python -m reliability [--row NAME …] [--jobs N] [--write]``: measure the fault table.

Prints it and writes ``build/faults.json``; with ``--write`` it goes into ``docs/reliability.md``, too. The
exit code is 1 if a row is not ok.
"""

import argparse
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from camgraph.testing.cameras import Cameras
from reliability.harms import Camera
from reliability.judging import Measured, was_disturbed
from reliability.report import Result, print_results, write_json, write_page
from reliability.rows import FPS, Row
from reliability.scene import SIZE
from reliability.table import OTHER_FPS, OTHER_SIZE, ROWS

ROOT = Path(__file__).resolve().parents[1]
RESULTS, PAGE = ROOT / "build" / "faults.json", ROOT / "docs" / "reliability.md"
JOBS = 4
ROW_WITHIN_S = 150.0
_WIDTH = 132


class Runner:
    """Measures rows, each in a process of its own; `stop` ends those that run."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def measure(self, row: Row) -> Result:
        """Measure a row."""
        with self._lock:
            if self._stopped:
                return Result(row, Measured(error="interrupted"))
            process = subprocess.Popen(
                [sys.executable, "-m", "reliability.measuring", row.fault],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            self._running.add(process)
        try:
            output, errors = process.communicate(timeout=ROW_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return Result(row, Measured(error=f"not done within {ROW_WITHIN_S:g} s"))
        finally:
            self._running.discard(process)
        try:
            return Result(row, msgspec.json.decode(output, type=Measured))
        except msgspec.DecodeError:
            said = errors.decode(errors="replace").strip().splitlines()
            return Result(row, Measured(error=said[-1] if said else f"exit code {process.returncode}"))

    def stop(self) -> None:
        """End what runs, and begin nothing more."""
        with self._lock:
            self._stopped = True
            for process in list(self._running):
                process.terminate()


def measure_rows(rows: Sequence[Row], jobs: int, console: Console) -> list[Result]:
    """Measure rows, so many at a time; the longest begin first."""
    runner = Runner()
    progress = Progress(
        TextColumn("faults"),
        BarColumn(),
        TextColumn("{task.completed:.0f} of {task.total:.0f} rows"),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
        console=console,
        refresh_per_second=1,
        transient=True,
    )
    _encode_clips(rows, console)
    with progress, ThreadPoolExecutor(jobs) as pool:
        task = progress.add_task("", total=len(rows))

        def measured(row: Row) -> Result:
            result = runner.measure(row)
            progress.update(
                task, advance=1, description=f"{row.fault}: {'not ok' if result.against else 'ok'}"
            )
            return result

        futures = {
            row.fault: pool.submit(measured, row) for row in sorted(rows, key=lambda row: -row.lasts_s)
        }
        try:
            results = [futures[row.fault].result() for row in rows]
            return [_again_if_disturbed(runner, result, progress) for result in results]
        except BaseException:
            runner.stop()
            raise


def _encode_clips(rows: Sequence[Row], console: Console) -> None:
    """Have what the cameras play in the cache: else each of them would encode it at the same time."""
    console.print("Encoding what the cameras play, unless it is in the cache …")
    Cameras(1, size=SIZE, fps=FPS).close()
    if any(isinstance(row.harm, Camera) and row.harm.kind.startswith("other_") for row in rows):
        Cameras(1, size=OTHER_SIZE, fps=FPS).close()
        Cameras(1, size=SIZE, fps=OTHER_FPS).close()
        Cameras(1, size=SIZE, fps=FPS, codec="h265").close()


def _again_if_disturbed(runner: Runner, result: Result, progress: Progress) -> Result:
    """Measure a row once more, by itself, that was not ok while the machine was too busy."""
    if not result.against or not was_disturbed(result.measured):
        return result
    progress.console.print(
        f"{result.row.fault}: not ok while the machine was busy; once more", highlight=False
    )
    return runner.measure(result.row)._replace(repeated=True)


def main(arguments: list[str]) -> int:
    """Measure the rows asked for; 0 if all are ok."""
    known = {row.fault: row for row in ROWS}
    parser = argparse.ArgumentParser(
        prog="python -m reliability", description="Measure what a stream does in every fault."
    )
    parser.add_argument("--row", action="append", metavar="NAME", help="this row only; can be repeated")
    parser.add_argument("--jobs", type=int, default=JOBS, help=f"rows at the same time (default: {JOBS})")
    parser.add_argument("--write", action="store_true", help=f"write the table to {PAGE.name}, too")
    options = parser.parse_args(arguments)
    names = options.row or list(known)
    if unknown := [name for name in names if name not in known]:
        parser.error(f"no row is called {', '.join(unknown)}; choose from {', '.join(known)}")
    if options.write and options.row:
        parser.error("--write takes all rows")
    console = Console(width=None if sys.stdout.isatty() else _WIDTH)
    begin = time.monotonic()
    results = measure_rows([known[name] for name in names], options.jobs, console)
    print_results(console, results)
    write_json(RESULTS, results)
    if options.write:
        write_page(PAGE, results)
    good = sum(not result.against for result in results)
    took_s = time.monotonic() - begin
    told = f"{good} of {len(results)} rows ok in {took_s:.0f} s; written to {RESULTS.relative_to(ROOT)}"
    console.print(told, highlight=False)
    return 0 if good == len(results) else 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
