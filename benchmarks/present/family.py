"""The present family: CPU time of a frame drawn into a window by its id; one stream in many windows."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from benchmarks.harness.players import Kind
from benchmarks.harness.rounds import Calm, Contender, Measured, Run, Value, key
from benchmarks.harness.rows import Goal, Row
from benchmarks.harness.session import Session
from benchmarks.present import sdl_windows
from benchmarks.present.players import FFPLAY, FPS, MPV
from benchmarks.present.runs import (
    Start,
    bare,
    player,
    program,
    run_decoding,
    run_reading,
    run_windows,
)
from benchmarks.present.windows import Layout
from camgraph.testing.cameras import Cameras

SIZE = (1280, 720)
GOAL_LAYOUT, MANY_LAYOUT = Layout(4, 640, 360), Layout(24, 320, 180)
WINDOW_GOAL = Goal(0.4)
SHARE_GOAL = Goal(25.0)

OURS, BARE, READ, DECODED = "camgraph", "bare loop", "only read", "PyAV decode"
SDL = "SDL2, foreign window"
EACH = "a stream a window"
_PLAYERS: Mapping[str, Kind] = {"mpv --wid": MPV, "ffplay": FFPLAY}
_OURS_MODULE, _SDL_MODULE = "benchmarks.present.program", "benchmarks.present.sdl_windows"

_WINDOW = (
    "ours: the presenter and the X server; SDL2: the program that reads the same rings, and the X server; "
    "the limit puts prepared pictures from one memory file, by ctypes; the conversion is left out"
)
_BEYOND_READING = (
    "the goal is on client and server by themselves; here all processes, less those of a site whose rings of "
    "that size are read by a program that does nothing with them"
)
_ALL = (
    "the goal is on client and server; all processes, decoding and conversion too; a player counts as "
    "showing what the camera sends; the limit is receiving and decoding alone"
)
_PART = "no goal is named: a part of client and server"
_SHARE = (
    "of what such a stream in each window costs, X server included; the limit draws prepared pictures into "
    "as many windows, and decodes nothing"
)
_CORES = "the goal is on their ratio"
_SHOWN = "no goal is named: frames a second of the slowest window"


def measure_rows(session: Session) -> list[Row]:
    """Measure 4 windows of a stream each, and 24 of one stream; with `session.quick` ours only."""
    missing = {name: kind.remedy for name, kind in _PLAYERS.items() if not kind.available}
    if not sdl_windows.available():
        missing[SDL] = sdl_windows.REMEDY
    session.say("starting the cameras")
    with Cameras(count=MANY_LAYOUT.count, size=SIZE, fps=FPS) as cameras:
        each = _each_contenders(cameras, missing, quick=session.quick)
        many = _many_contenders(cameras, quick=session.quick)
        session.plan(len(each) + len(many))
        measured = session.measure(
            each,
            calm=Calm(limit=(BARE, "window_ms")),
            what=GOAL_LAYOUT.label,
            missing={} if session.quick else missing,
        )
        shared = session.measure(many, calm=Calm(limit=(BARE, "window_ms")), what=MANY_LAYOUT.label)
    return [*each_rows(measured), *many_rows(shared)]


def each_rows(measured: Measured) -> list[Row]:
    """Return the rows of a stream a window."""
    what = GOAL_LAYOUT.label
    draws = _of((OURS, SDL, BARE))
    rows = [
        measured.row(
            f"CPU a shown frame, client and X server, {what}",
            "ms",
            draws("window_ms"),
            goal=WINDOW_GOAL,
            note=_WINDOW,
        ),
        measured.row(f"of it the client, {what}", "ms", draws("client_ms"), note=_PART),
        measured.row(f"of it the X server, {what}", "ms", draws("x_ms"), note=_PART),
    ]
    if any(contender.name == READ for contender in measured.contenders):
        rows += [
            measured.row(
                f"CPU a shown frame beyond reading, {what}", "ms", _beyond_reading, note=_BEYOND_READING
            ),
            measured.row(
                f"CPU a shown frame in all, {what}",
                "ms",
                _of((OURS, SDL, *_PLAYERS, DECODED))("frame_ms"),
                note=_ALL,
            ),
        ]
    rows.append(
        measured.row(f"shown of {FPS} fps, {what}", "fps", _of((OURS, SDL))("fps"), note=_SHOWN),
    )
    return rows


def many_rows(measured: Measured) -> list[Row]:
    """Return the rows of one stream in many windows, beside as many streams."""
    what = MANY_LAYOUT.label

    def share(runs: Mapping[str, Run], name: str) -> float | None:
        if name == EACH or EACH not in runs:
            return None
        return 100 * runs[name].values["cores"] / runs[EACH].values["cores"]

    return [
        measured.row(f"one stream in {what}", "%", share, goal=SHARE_GOAL, note=_SHARE),
        measured.row(f"one stream in {what}: all processes", "cores", key("cores"), note=_CORES),
        measured.row(
            f"one stream in {what}: CPU a shown frame, client and X server",
            "ms",
            key("window_ms"),
            note=f"the goal is on {GOAL_LAYOUT.label}; {_WINDOW}",
        ),
        measured.row(
            f"one stream in {what}: shown of {FPS} fps", "fps", _of((OURS, EACH))("fps"), note=_SHOWN
        ),
    ]


def _each_contenders(cameras: Cameras, missing: Mapping[str, str], *, quick: bool) -> list[Contender]:
    layout = GOAL_LAYOUT
    urls, camera_pid = cameras.urls[: layout.count], cameras.pid

    def drawn(start: Start) -> Callable[[float], Run]:
        return partial(run_windows, start, urls, layout, camera_pid)

    contenders = [Contender(OURS, "ours", drawn(program(_OURS_MODULE)))]
    if quick:
        return contenders
    peers = {SDL: program(_SDL_MODULE), **{name: player(kind) for name, kind in _PLAYERS.items()}}
    return [
        *contenders,
        Contender(BARE, "limit", drawn(bare)),
        Contender(READ, "limit", partial(run_reading, urls, layout, camera_pid)),
        Contender(DECODED, "limit", partial(run_decoding, urls, camera_pid)),
        *(Contender(name, "peer", drawn(start)) for name, start in peers.items() if name not in missing),
    ]


def _many_contenders(cameras: Cameras, *, quick: bool) -> list[Contender]:
    layout, ours = MANY_LAYOUT, program(_OURS_MODULE)

    def drawn(start: Start, streams: int) -> Callable[[float], Run]:
        return partial(run_windows, start, cameras.urls[:streams], layout, cameras.pid)

    contenders = [
        Contender(OURS, "ours", drawn(ours, 1)),
        Contender(EACH, "peer", drawn(ours, layout.count)),
    ]
    return contenders if quick else [*contenders, Contender(BARE, "limit", drawn(bare, 1))]


def _of(names: Sequence[str]) -> Callable[[str], Value]:
    """Return what gives a value of those contenders only."""
    return lambda value: lambda runs, name: runs[name].values.get(value) if name in names else None


def _beyond_reading(runs: Mapping[str, Run], name: str) -> float | None:
    if name not in (OURS, SDL) or READ not in runs:
        return None
    return runs[name].values["frame_ms"] - runs[READ].values["frame_ms"]
