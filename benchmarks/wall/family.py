"""The wall family: CPU time a shown frame costs beyond decoding, and how late a timer of the GUI is."""

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from benchmarks.harness.rounds import Calm, Contender, Measured, Run, Value, key
from benchmarks.harness.rows import Goal, Row
from benchmarks.harness.session import Session
from benchmarks.present.players import FFPLAY, MPV
from benchmarks.wall import gstreamer as gstreamer_peer
from benchmarks.wall.runs import (
    FPS,
    Start,
    Tiles,
    embedded,
    gstreamer,
    qt_program,
    run_decoding,
    run_moving,
    run_reading,
    run_wall,
)
from camgraph.testing.cameras import Cameras

_SMALL = (640, 360)
GOAL_TILES, MANY_TILES = Tiles(4, 640, 360), Tiles(16, 320, 180)
WALL_TILES, MOST_TILES = Tiles(36, 212, 120, _SMALL), Tiles(64, 160, 90, _SMALL)
TILES = (GOAL_TILES, MANY_TILES, WALL_TILES, MOST_TILES)
QUICK_TILES = (GOAL_TILES, WALL_TILES, MOST_TILES)
WITH_CORES_GOAL = (MANY_TILES, WALL_TILES)
WITH_LATE_GOAL = (MANY_TILES, MOST_TILES)
MOST_PLAYERS = 16
"""More processes of a player than that would measure how the kernel shares two cores."""

BEYOND_GOAL = Goal(1.2)
LATE_GOAL = Goal(5.0)
CORES_GOAL = Goal(1.2)
FPS_GOAL = Goal(24.5, ">=")

_OURS, _LIMIT, _GSTREAMER = "camgraph", "PyAV decode", "GStreamer"
_NATIVE, _CONVERTED = "read natively", "read converted"
_PEERS = {
    "QVideoWidget": ("benchmarks.wall.qt_video", "PySide6.QtMultimedia", "pip install PySide6-Addons"),
    "QLabel + OpenCV": ("benchmarks.wall.opencv_labels", "cv2", "pip install opencv-python-headless"),
    "RawImageWidget + OpenCV": ("benchmarks.wall.raw_images", "pyqtgraph", "pip install pyqtgraph"),
}
_PLAYERS = {"mpv, embedded": MPV, "ffplay, embedded": FFPLAY}

_RESIZED = {"QVideoWidget": "qt_video", "QLabel + OpenCV": "labels"}
_MOTIONS = {"resize": "one tile resized each 16 ms", "zoom": "one tile zoomed each 16 ms"}
_MOVED = (
    "no goal is named; 720p in 480×270 to 960×540, zoomed up to 3.7 times; a picture that is read anew in "
    "another size counts once more"
)

_BEYOND = (
    "all processes and the X server, less what PyAV takes to receive and decode a frame that nobody shows; "
    "the cameras are left out"
)
_ALL = "the goal is on what is beyond decoding; the limit is receiving and decoding alone"
_PART = "no goal is named: a part of the CPU time in all"
_CONVERSION = (
    "no goal is named: media processes that serve each stream natively and in the tile's size, less such "
    "that serve it natively only"
)
_LATE = "a precise QTimer of 10 ms in the GUI's thread, started anew each time; GStreamer has no such thread"
_SHOWN = "frames a second of the slowest tile"


def measure_rows(session: Session) -> list[Row]:
    """Measure 4, 16, 36 and 64 tiles; with `session.quick` not 16, of the peers GStreamer with 4, and not the
    conversion by itself.
    """
    configurations = QUICK_TILES if session.quick else TILES
    missing = {name: remedy for name, (_, module, remedy) in _PEERS.items() if not _found(module)}
    missing |= {name: kind.remedy for name, kind in _PLAYERS.items() if not kind.available}
    if not gstreamer_peer.available():
        missing[_GSTREAMER] = gstreamer_peer.REMEDY
    rows: list[Row] = []
    planned = 0
    for source in dict.fromkeys(tiles.source for tiles in configurations):
        session.say("starting the cameras")
        alike = [tiles for tiles in configurations if tiles.source == source]
        with Cameras(count=max(tiles.count for tiles in alike), size=source, fps=FPS) as cameras:
            for tiles in alike:
                contenders = _contenders(tiles, cameras, missing, quick=session.quick)
                planned += len(contenders)
                session.plan(planned)
                measured = session.measure(
                    contenders,
                    calm=Calm(limit=(_LIMIT, "frame_ms")),
                    what=tiles.label,
                    missing={} if session.quick else missing,
                )
                rows += _rows(measured, tiles)
    return rows + _moving_rows(session, planned, missing)


def _moving_rows(session: Session, planned: int, missing: Mapping[str, str]) -> list[Row]:
    kinds = {_OURS: "ours"}
    if not session.quick:
        kinds |= {name: kind for name, kind in _RESIZED.items() if name not in missing}
    rows: list[Row] = []
    with Cameras(count=1, fps=FPS) as cameras:
        for motion, words in _MOTIONS.items():
            contenders = [
                Contender(
                    name,
                    "ours" if name == _OURS else "peer",
                    partial(run_moving, kind, motion, cameras.urls[0], cameras.pid),
                )
                for name, kind in kinds.items()
                if name == _OURS or motion == "resize"
            ]
            planned += len(contenders)
            session.plan(planned)
            measured = session.measure(contenders, calm=Calm(), what=words)
            rows += [
                measured.row(f"shown of {FPS} fps, {words}", "fps", key("shown_fps"), note=_MOVED),
                measured.row(f"painted, {words}", "1/s", key("painted_fps"), note=_MOVED),
                measured.row(f"timer of 10 ms late p99, {words}", "ms", key("late_p99_ms"), note=_MOVED),
            ]
    return rows


def _contenders(
    tiles: Tiles, cameras: Cameras, missing: Mapping[str, str], *, quick: bool
) -> list[Contender]:
    urls, camera_pid = cameras.urls[: tiles.count], cameras.pid

    def wall(start: Start) -> Callable[[float], Run]:
        return partial(run_wall, start, urls, tiles, camera_pid)

    contenders = [
        Contender(_OURS, "ours", wall(qt_program("benchmarks.wall.camgraph_wall"))),
        Contender(_LIMIT, "limit", partial(run_decoding, urls, camera_pid)),
    ]
    if _GSTREAMER not in missing and not (quick and tiles != GOAL_TILES):
        contenders.append(Contender(_GSTREAMER, "peer", wall(gstreamer)))
    if not quick:
        extra = {"bgra": f"{tiles.width}x{tiles.height}"}
        contenders += [
            Contender(_NATIVE, "limit", partial(run_reading, urls, {}, camera_pid)),
            Contender(_CONVERTED, "limit", partial(run_reading, urls, extra, camera_pid)),
            *(
                Contender(name, "peer", wall(qt_program(module)))
                for name, (module, _, _) in _PEERS.items()
                if name not in missing
            ),
        ]
        if tiles.count <= MOST_PLAYERS:
            contenders += [
                Contender(name, "peer", wall(embedded(kind.command[0])))
                for name, kind in _PLAYERS.items()
                if name not in missing
            ]
    return contenders


def _rows(measured: Measured, tiles: Tiles) -> list[Row]:
    what = tiles.label
    has_late, has_cores = tiles in WITH_LATE_GOAL, tiles in WITH_CORES_GOAL
    rows = [
        measured.row(
            f"CPU a shown frame beyond decode, {what}",
            "ms",
            _beyond("frame_ms"),
            goal=BEYOND_GOAL if tiles == GOAL_TILES else None,
            note=_BEYOND if tiles == GOAL_TILES else f"the goal is on {GOAL_TILES.label}; {_BEYOND}",
        ),
        measured.row(f"CPU a shown frame in all, {what}", "ms", _of_walls("frame_ms", _LIMIT), note=_ALL),
        measured.row(f"of it the X server, {what}", "ms", key("x_ms"), note=_PART),
        measured.row(f"of it the program itself, {what}", "ms", key("program_ms"), note=_PART),
        measured.row(
            f"of it media processes beyond decode, {what}",
            "ms",
            _of_walls(_beyond("media_ms")),
            note=f"{_PART}; conversion, ring and receiving",
        ),
        measured.row(
            f"timer of 10 ms late p99, {what}",
            "ms",
            key("late_p99_ms"),
            goal=LATE_GOAL if has_late else None,
            note=_LATE if has_late else f"the goal is on {_labels(WITH_LATE_GOAL)}; {_LATE}",
        ),
        measured.row(
            f"timer of 10 ms late p50, {what}", "ms", key("late_p50_ms"), note=f"the goal is on p99; {_LATE}"
        ),
        measured.row(
            f"shown of {FPS} fps, {what}",
            "fps",
            key("fps"),
            goal=FPS_GOAL if has_cores else None,
            note=_SHOWN if has_cores else f"the goal is on {_labels(WITH_CORES_GOAL)}; {_SHOWN}",
        ),
        measured.row(
            f"receive, decode and show, {what}",
            "cores",
            _of_walls("cores", _LIMIT),
            goal=CORES_GOAL if has_cores else None,
            note="the X server included" if has_cores else f"the goal is on {_labels(WITH_CORES_GOAL)}",
        ),
    ]
    if any(contender.name == _CONVERTED for contender in measured.contenders):
        rows.insert(
            5,
            measured.row(f"of it the conversion, {what}", "ms", _conversion, note=_CONVERSION),
        )
    return rows


def _labels(configurations: Sequence[Tiles]) -> str:
    return " and ".join(tiles.label for tiles in configurations)


def _of_walls(value: str | Value, *others: str) -> Value:
    """Return a value of walls, and of the others named."""
    inner = key(value) if isinstance(value, str) else value
    apart = {_LIMIT, _NATIVE, _CONVERTED} - set(others)
    return lambda runs, name: None if name in apart else inner(runs, name)


def _beyond(name: str) -> Value:
    """Return a value per frame, less what decoding takes per frame in the same round."""

    def value(runs: Mapping[str, Run], contender: str) -> float | None:
        if contender == _LIMIT or _LIMIT not in runs or name not in runs[contender].values:
            return None
        return runs[contender].values[name] - runs[_LIMIT].values["frame_ms"]

    return value


def _conversion(runs: Mapping[str, Run], contender: str) -> float | None:
    if contender != _OURS or _NATIVE not in runs or _CONVERTED not in runs:
        return None
    return runs[_CONVERTED].values["media_ms"] - runs[_NATIVE].values["media_ms"]


def _found(module: str) -> bool:
    """Return whether a module, or one in a package that is there, can be imported."""
    package, _, _ = module.partition(".")
    return importlib.util.find_spec(package) is not None and importlib.util.find_spec(module) is not None
