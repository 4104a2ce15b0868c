"""One run: a site of some cameras, and a program that joins it and analyses each frame."""

import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import IO

from benchmarks.harness.asking import AskedProcess, wait_until
from benchmarks.harness.child import ROOT, last_words
from benchmarks.harness.machine import Meter, tree_of
from benchmarks.harness.rounds import Run, RunFailed

FPS = 25
_LINE = re.compile(r"(?P<stream>[\w-]+): received (?P<received>\d+), lost (?P<lost>\d+), ")
_PLAYING_S = 30.0
_BEYOND_S = 3
"""How much longer than the window a program runs: it takes so long until each of its threads has frames."""
_ENDING_S = 15.0
_COMPILE_S = 120.0
_LEAST_LINES = 4


def compile_example(into: Path) -> Path:
    """Return the program ``examples/analyse.cpp``; raise RunFailed, with the remedy, if there is none."""
    if shutil.which("c++") is None:
        raise RunFailed("there is no c++: apt-get install g++")
    program = into / "analyse"
    command = ["c++", "-std=c++17", "-O2", "-pthread", "examples/analyse.cpp", "-o", str(program)]
    command += ["-I", "src/camgraph/ring/include"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=_COMPILE_S)
    if done.returncode:
        raise RunFailed(last_words(done.stderr, done.returncode))
    return program


def run_analysis(command: Sequence[str], urls: Sequence[str], camera_pid: int, window_s: float) -> Run:
    """Measure a program that is told ``<site> <stream>… --seconds <n>`` and tells what came each second.

    Values: `cpu_percent`, of a core, in the window; `lost`, frames, from its first to its end; `fps`, how
    many a second it had of each stream.
    """
    name = f"bench-{uuid.uuid4().hex[:12]}"
    streams = [f"camera-{number}" for number in range(1, len(urls) + 1)]
    options = ["--seconds", str(int(window_s) + _BEYOND_S)]
    with closing(AskedProcess([sys.executable, "-m", "benchmarks.native.site", name, *urls])) as site:
        wait_until(_PLAYING_S, "live streams", lambda: site.ask() == len(urls))
        with closing(_Program([*command, name, *streams, *options])) as program:
            wait_until(_PLAYING_S, "frames of every stream", lambda: program.has_frames(streams))
            meter = Meter([program.pid], [camera_pid, *tree_of(site.pid)])
            time.sleep(window_s)
            try:
                usage = meter.stop()
            except ProcessLookupError:
                raise RunFailed(program.last_words()) from None
            told = program.wait()
    values = figures_of(told, streams) | {"cpu_percent": 100 * usage.cpu_s / usage.wall_s}
    return Run(values, usage.other_cores)


def figures_of(told: str, streams: Sequence[str]) -> dict[str, float]:
    """Return what became of the frames, by the lines of a program that has ended in order."""
    counts: dict[str, list[tuple[int, int]]] = {stream: [] for stream in streams}
    for line in _LINE.finditer(told):
        counts[line["stream"]].append((int(line["received"]), int(line["lost"])))
    if min(map(len, counts.values())) < _LEAST_LINES:
        raise RunFailed("the program told too little")
    # The last line stands for the whole, and was no second after the one before it.
    rates = [(lines[-2][0] - lines[0][0]) / (len(lines) - 2) for lines in counts.values()]
    lost = sum(lines[-1][1] for lines in counts.values())
    return {"fps": statistics.mean(rates), "lost": float(lost)}


class _Program:
    """A running program, and what it prints. Owns both."""

    def __init__(self, command: Sequence[str]) -> None:
        self._told, self._errors = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=self._told, stderr=self._errors
        )
        self.pid = self._process.pid

    def told(self) -> str:
        return _text(self._told)

    def has_frames(self, streams: Sequence[str]) -> bool:
        """Tell whether it has had frames of all streams; raise RunFailed if it has ended."""
        if self._process.poll() is not None:
            raise RunFailed(self.last_words())
        having = {line["stream"] for line in _LINE.finditer(self.told()) if int(line["received"])}
        return having == set(streams)

    def wait(self) -> str:
        """Wait for its end; return what it has told."""
        try:
            returncode = self._process.wait(_ENDING_S)
        except subprocess.TimeoutExpired:
            raise RunFailed("the program did not end") from None
        if returncode:
            raise RunFailed(self.last_words())
        return self.told()

    def last_words(self) -> str:
        return last_words(_text(self._errors), self._process.wait())

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._told.close()
        self._errors.close()


def _text(file: IO[bytes]) -> str:
    # At its own place: the program goes on writing where the common one is.
    return os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0).decode(errors="replace")
