"""The native family: a C++ program that analyses the streams of a site, and Python that does so."""

import sys
import tempfile
from functools import partial
from pathlib import Path

from benchmarks.harness.rounds import Calm, Contender, Measured, RunFailed, key
from benchmarks.harness.rows import Goal, Row, make_row
from benchmarks.harness.session import Session
from benchmarks.native.runs import FPS, compile_example, run_analysis
from camgraph.testing.cameras import Cameras

LOST_GOAL = Goal(0)

_OURS, _PYTHON = "C++", "Python"
_STREAMS = 4
_LABEL = f"{_STREAMS} × 720p{FPS}"
_LOST = f"frames lost, {_LABEL}"
_WHAT = (
    "examples/analyse.cpp by camgraph_ring.h, a std::thread a stream: the difference of each frame and the "
    "one before it, in grey, 320×180; Python's is the same with threads and numpy"
)


def measure_rows(session: Session) -> list[Row]:
    """Measure both, with `session.quick` too: there is one configuration."""
    session.plan(2)
    with tempfile.TemporaryDirectory(prefix="camgraph-bench-") as directory:
        session.say("compiling")
        python = [sys.executable, "-m", "benchmarks.native.analyse"]
        try:
            commands = {_OURS: [str(compile_example(Path(directory)))], _PYTHON: python}
        except RunFailed as error:
            return [_not_compiled(str(error))]
        with Cameras(count=_STREAMS, size=(1280, 720), fps=FPS) as cameras:
            contenders = [
                Contender(
                    name,
                    "ours" if name == _OURS else "peer",
                    partial(run_analysis, command, cameras.urls, cameras.pid),
                )
                for name, command in commands.items()
            ]
            measured = session.measure(contenders, calm=Calm(), what=_LABEL)
    return make_rows(measured)


def make_rows(measured: Measured) -> list[Row]:
    """Return the rows of both."""
    return [
        _lost_row(measured),
        measured.row(
            f"CPU of the analysing program, {_LABEL}",
            "% of a core",
            key("cpu_percent"),
            note=f"no goal is named; {_WHAT}",
        ),
        measured.row(
            f"frames analysed a stream, {_LABEL}", "1/s", key("fps"), note=f"no goal is named; {_WHAT}"
        ),
    ]


def _lost_row(measured: Measured) -> Row:
    """Return the row of all runs, those of repeated rounds too: a sum, no median."""
    lost: dict[str, float] = {}
    for attempt in measured.all_attempts:
        for name, run in attempt.runs.items():
            lost[name] = lost.get(name, 0) + run.values["lost"]
    return make_row(
        _LOST,
        "frames",
        ours=lost.pop(_OURS, None),
        peers=lost,
        goal=LOST_GOAL,
        note="; ".join(["the sum of all runs", _WHAT, *measured.remarks]),
        rounds=len(measured.attempts),
        repeated=measured.repeated,
    )


def _not_compiled(why: str) -> Row:
    return make_row(_LOST, "frames", ours=None, goal=LOST_GOAL, note=why, rounds=0)
