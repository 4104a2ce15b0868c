"""The scale family: what a site holds and takes with more and more streams, and whether it grows in line."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from benchmarks.harness.figures import bend, slope
from benchmarks.harness.rounds import Calm, Contender, Measured, Role, Run, Value
from benchmarks.harness.rows import Goal, Row
from benchmarks.harness.session import Session
from benchmarks.scale.runs import FPS, run_decoding, run_site
from camgraph.testing.cameras import Cameras


class Series(NamedTuple):
    """Streams of one size, more and more of them."""

    size: tuple[int, int]
    counts: tuple[int, ...]

    @property
    def label(self) -> str:
        """How rows call its streams."""
        return f"{self.size[1]}p{FPS}"


GOAL_SERIES = Series((1280, 720), (1, 4, 16))
SERIES = (GOAL_SERIES, Series((640, 360), (1, 4, 16, 64)))
RSS_GOAL = Goal(35.0)

_FIGURES = {
    "cpu": ("CPU", "CPU-s/stream-s"),
    "rss_mb": ("RSS", "MB"),
    "pss_mb": ("PSS", "MB"),
    "descriptors": ("descriptors", "count"),
    "threads": ("threads", "count"),
}
_WHAT = (
    "the program, which reads every frame of each stream natively, its supervisor and its media processes; "
    "RSS counts what they share in each of them, PSS once"
)
_LIMIT_WHAT = "the limit is PyAV decoding in one process, a thread a stream, shared with nobody"


def measure_rows(session: Session) -> list[Row]:
    """Measure 720p and 360p; with `session.quick` 720p only, and not the limit."""
    series = SERIES[:1] if session.quick else SERIES
    session.plan(sum(len(each.counts) for each in series) * (1 if session.quick else 2))
    rows: list[Row] = []
    for each in series:
        session.say("starting the cameras")
        with Cameras(count=max(each.counts), size=each.size, fps=FPS) as cameras:
            contenders = [_contender(_ours(count), run_site, cameras, count) for count in each.counts]
            if not session.quick:
                contenders += [
                    _contender(_limit(count), run_decoding, cameras, count) for count in each.counts
                ]
            measured = session.measure(contenders, calm=Calm(), what=each.label)
        rows += _rows(measured, each, with_limit=not session.quick)
    return rows


def _rows(measured: Measured, series: Series, *, with_limit: bool) -> list[Row]:
    what = f"{_WHAT}; {_LIMIT_WHAT}" if with_limit else _WHAT
    counts = ", ".join(map(str, series.counts))
    rows = []
    for name, (title, unit) in _FIGURES.items():
        is_goal = name == "rss_mb" and series == GOAL_SERIES
        rows.append(
            measured.row(
                f"{title} per added stream, {series.label}",
                unit,
                _over(series.counts, name, slope),
                goal=RSS_GOAL if is_goal else None,
                note=f"a line through {counts} streams; {what}"
                if is_goal
                else f"the goal is on RSS and 720p; a line through {counts} streams; {what}",
            )
        )
        rows.append(
            measured.row(
                f"{title}, furthest from a line, {series.label}",
                "%",
                _over(series.counts, name, lambda points: bend(points) * 100),
                note="no goal is named: the largest distance from that line, of the largest value",
            )
        )
        rows += [
            measured.row(
                f"{title}, {count} streams of {series.label}",
                unit.removesuffix("/stream-s") + ("/s" if name == "cpu" else ""),
                _at(count, name),
                note=f"the goal is on what a stream adds; {what}",
            )
            for count in series.counts
        ]
    rows += [
        measured.row(
            f"frames read, {count} streams of {series.label}",
            "%",
            _at(count, "read"),
            note="no goal is named: of the frames sent; with fewer, the CPU time is that of fewer",
        )
        for count in series.counts
    ]
    return rows


def _ours(count: int) -> str:
    return f"camgraph, {count}"


def _limit(count: int) -> str:
    return f"PyAV decode, {count}"


def _contender(
    name: str, run: Callable[[Sequence[str], int, float], Run], cameras: Cameras, count: int
) -> Contender:
    role: Role = "ours" if name == _ours(count) else "limit"
    return Contender(name, role, partial(run, cameras.urls[:count], cameras.pid))


def _over(counts: Sequence[int], name: str, figure: Callable[[Mapping[float, float]], float]) -> Value:
    """Return a figure of the values of all counts in a round, told once for ours and once for the limit."""

    def value(runs: Mapping[str, Run], contender: str) -> float | None:
        for names in ([_ours(count) for count in counts], [_limit(count) for count in counts]):
            if contender == names[0] and all(one in runs for one in names):
                return figure(
                    {float(count): runs[one].values[name] for count, one in zip(counts, names, strict=True)}
                )
        return None

    return value


def _at(count: int, name: str) -> Value:
    """Return the value with so many streams."""

    def value(runs: Mapping[str, Run], contender: str) -> float | None:
        return runs[contender].values[name] if contender in (_ours(count), _limit(count)) else None

    return value
