"""The start family: `Graph.start`, and ``make demo`` from the command to four moving pictures."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.harness.child import ROOT, last_words, run_child
from benchmarks.harness.machine import FamilyMeter, tree_of
from benchmarks.harness.rounds import Calm, Contender, Run, RunFailed, key
from benchmarks.harness.rows import Goal, Row
from benchmarks.harness.session import Session
from camgraph.testing.cameras import Cameras

START_GOAL = Goal(100, "<")
MANY_GOAL = Goal(5000)
DEMO_GOAL = Goal(5.0)

_CAMERAS = 4
_MANY, _MANY_SIZE = 32, (640, 360)
_FIRST_DEMO_S = 300.0
_DEMO_S = 60.0
_POLL_S = 0.01
_LIMIT = "bare process"
_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")


def measure_rows(session: Session) -> list[Row]:
    """Measure both, with `session.quick` too: there is one configuration of each."""
    session.plan(4)
    with Cameras(count=_CAMERAS) as cameras:
        started = session.measure(
            [
                Contender("camgraph", "ours", lambda s: _start("site", s, cameras.urls)),
                Contender(_LIMIT, "limit", lambda s: _start("process", s, ())),
            ],
            calm=Calm(limit=(_LIMIT, "took_p50_ms")),
            what="Graph.start",
        )
    with Cameras(count=_MANY, size=_MANY_SIZE) as many:
        playing = session.measure(
            [Contender("camgraph", "ours", lambda s: _start("playing", s, many.urls))],
            calm=Calm(),
            what=f"{_MANY} cameras",
        )
    session.say("a first make demo, which does its set-up")
    _first_demo()
    shown = session.measure([Contender("camgraph", "ours", _second_demo)], calm=Calm(), what="make demo")
    return [
        started.row(
            f"Graph.start() returns, slowest of a run, {_CAMERAS} streams",
            "ms",
            key("took_max_ms"),
            goal=START_GOAL,
            note="the limit is the start of a process that does nothing",
        ),
        started.row(
            f"Graph.start() returns, median, {_CAMERAS} streams",
            "ms",
            key("took_p50_ms"),
            note="the goal is on the slowest; the limit is the start of a process that does nothing",
        ),
        playing.row(
            f"{_MANY} cameras of 360p25 play, slowest of a run",
            "ms",
            key("took_max_ms"),
            goal=MANY_GOAL,
            note="from Graph.start() until each has shown a picture; each is watched already, and its next "
            "key frame waited for, a second at most",
        ),
        shown.row(
            f"second make demo: {_CAMERAS} moving pictures",
            "s",
            key("moving_s"),
            goal=DEMO_GOAL,
            note="from the command, its set-up check included, until each tile has shown its second picture; "
            "without a display",
        ),
    ]


def _start(what: str, window_s: float, urls: Sequence[str]) -> Run:
    values = run_child("benchmarks.start.starts", [what, str(window_s), *urls], window_s)
    return Run(values, values.pop("other_cores"))


def _first_demo() -> None:
    """Let the set-up and the clips be made, as a first ``make demo`` does."""
    with contextlib.suppress(RunFailed):
        _demo(1.0, _FIRST_DEMO_S)


def _second_demo(window_s: float) -> Run:
    return _demo(window_s, _DEMO_S)


def _demo(seconds: float, patience_s: float) -> Run:
    """Run ``make demo``, without a display, for `seconds`."""
    if shutil.which("make") is None:
        raise RunFailed("there is no make: apt-get install make")
    with tempfile.TemporaryDirectory(prefix="camgraph-bench-") as directory:
        report, log = Path(directory, "report.json"), Path(directory, "log")
        options = (
            f"--cameras {_CAMERAS} --seconds {seconds:g} --report {report} --snapshot {directory}/wall.png"
        )
        meter = FamilyMeter()
        begin_s = time.clock_gettime(time.CLOCK_BOOTTIME)
        with log.open("wb") as errors:
            process = subprocess.Popen(
                ["make", "demo", f"ARGS={options}"],
                cwd=ROOT,
                env={name: value for name, value in os.environ.items() if name not in _DISPLAYS},
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
                start_new_session=True,
            )
        try:
            started_s = _wait_for_demo(process, begin_s + patience_s)
            process.wait(patience_s)
        except subprocess.TimeoutExpired:
            raise RunFailed(f"make demo did not end within {patience_s:g} s") from None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
                process.wait()
        if process.returncode or not report.exists():
            raise RunFailed(last_words(log.read_text(errors="replace"), process.returncode))
        playing_after_s = json.loads(report.read_bytes())["playing_after_s"]
        if playing_after_s is None:
            raise RunFailed(f"not all tiles moved within {seconds:g} s")
        return Run({"moving_s": started_s - begin_s + playing_after_s}, meter.stop().other_cores)


def _wait_for_demo(make: "subprocess.Popen[bytes]", deadline_s: float) -> float:
    """Return when ``camgraph demo`` was started, in s since boot: the set-up is behind it then."""
    while time.clock_gettime(time.CLOCK_BOOTTIME) < deadline_s and make.poll() is None:
        for pid in tree_of(make.pid):
            with contextlib.suppress(OSError):
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                if b"demo" in words and any(word.endswith(b"/camgraph") for word in words):
                    return _started_s(pid)
        time.sleep(_POLL_S)
    raise RunFailed("make demo did not come to start the demo")


def _started_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return int(fields[19]) / os.sysconf("SC_CLK_TCK")
