"""The compat family: a graph of the documented API beside the same one in camgraph's own words."""

from collections.abc import Mapping
from functools import partial

from benchmarks.compat.runs import run_program
from benchmarks.harness.rounds import Calm, Contender, Measured, Run, Value, key, ratio
from benchmarks.harness.rows import Goal, Row
from benchmarks.harness.session import Session
from benchmarks.present.windows import Layout
from camgraph.testing.cameras import Cameras

FPS = 25
SIZE = (1280, 720)
CAMERAS = 4
LAYOUT = Layout(2, 640, 360)
DOCUMENTED, OWN = "documented API", "own words"
CPU_GOAL = Goal(1.1)
SAME_GOAL = Goal(0.0)

COUNTS = {
    "decoded": "pictures decoded",
    "converted": "pictures scaled, converted or copied for rings",
    "bgra": "pictures published for windows",
    "rgb24": "RGB pictures published by name",
    "fmp4": "boxes of MP4 published by name",
}
_TOLERATED = 0.02
_WHAT = (
    f"{CAMERAS} cameras of 720p{FPS}, decoded, each as RGB of 480×270 at 5 fps in a ring by name that the "
    "program reads, 2 in windows of 640×360, one as fragmented MP4 in a ring"
)
_LIMIT = "the limit is the same graph in camgraph's own words"
_SAME = (
    "decodes, conversions, what is published and rings: how many are not the same within 2 %, or one a "
    "stream where they are few; rings must be as many exactly"
)
_COUNT = "the goal is on counts that differ; a second, all streams together"


def measure_rows(session: Session) -> list[Row]:
    """Measure both programs; `session.quick` changes nothing: there is but one configuration."""
    session.plan(2)
    session.say("starting the cameras")
    with Cameras(count=CAMERAS, size=SIZE, fps=FPS) as cameras:
        contenders = [
            Contender(
                DOCUMENTED, "ours", partial(run_program, "benchmarks.compat.documented", cameras, LAYOUT)
            ),
            Contender(OWN, "limit", partial(run_program, "benchmarks.compat.own", cameras, LAYOUT)),
        ]
        return make_rows(session.measure(contenders, calm=Calm(limit=(OWN, "cores")), what="one graph"))


def make_rows(measured: Measured) -> list[Row]:
    """Return the rows."""
    return [
        measured.row(
            "CPU of the documented API's graph, against own words",
            "×",
            ratio("cores", OWN),
            goal=CPU_GOAL,
            note=f"all processes and the X server; {_WHAT}; {_LIMIT}",
        ),
        measured.row("counts that differ from own words'", "count", _differing, goal=SAME_GOAL, note=_SAME),
        measured.row("CPU in all", "cores", key("cores"), note=f"the goal is on their ratio; {_LIMIT}"),
        measured.row(
            "of it the program itself, its readers too",
            "cores",
            key("program_cores"),
            note=f"the goal is on all processes; {_LIMIT}",
        ),
        *(
            measured.row(title, "1/s", _a_second(name), note=f"{_COUNT}; {_LIMIT}")
            for name, title in COUNTS.items()
        ),
        measured.row("rings", "count", key("rings"), note=f"the goal is on counts that differ; {_LIMIT}"),
    ]


def _a_second(name: str) -> Value:
    return lambda runs, contender: runs[contender].values[name] / runs[contender].values["seconds"]


def _differing(runs: Mapping[str, Run], contender: str) -> float | None:
    if contender == OWN or OWN not in runs:
        return None
    return differing(runs[contender].values, runs[OWN].values)


def differing(values: Mapping[str, float], others: Mapping[str, float]) -> int:
    """Return how many counts are not the same."""
    return (values["rings"] != others["rings"]) + sum(
        abs(values[name] - others[name]) > max(_TOLERATED * others[name], CAMERAS) for name in COUNTS
    )
