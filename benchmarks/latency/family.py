"""The latency family: from the camera sending a frame to an analyzer having it, and to the screen."""

import importlib.util
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.harness.rounds import Calm, Contender, Role, Run, Value, key
from benchmarks.harness.rows import Goal, Row
from benchmarks.harness.session import Session
from benchmarks.latency.players import FFPLAY, MPV
from benchmarks.latency.runs import (
    BUFFER_MS,
    Start,
    run_decoding,
    run_paced,
    run_shown,
    start_buffering_gstreamer,
    start_camgraph,
    start_gstreamer,
    start_labels,
    start_paced,
    start_player,
)
from benchmarks.latency.watcher import STEP_S
from benchmarks.wall import gstreamer
from camgraph.testing.cameras import Cameras

JITTER_MS = 40.0
OFF_GOAL, PACED_GOAL = Goal(8.0), Goal(120.0)
FRAME_P50_GOAL, PIXEL_P50_GOAL, PIXEL_P99_GOAL = Goal(6.0), Goal(12.0), Goal(25.0)

_OURS, _LIMIT = "camgraph", "bare socket"
_GSTREAMER, _LABEL = "GStreamer", "OpenCV + QLabel"
_PLAYERS = {"ffplay": FFPLAY, "mpv": MPV}
_LONGER_S = 15.0
_SINCE = (
    "since the camera began to send the frame; one camera of 720p25, a tile of 640×360; the limit is a "
    "program that does nothing but read one socket, to the decoded frame"
)
_PIXEL = f"the screen is looked at every {STEP_S * 1000:g} ms, so a stamp is up to that late; {_SINCE}"
_FRAME = (
    "until on_frame of an analyzer process is entered, which has 320×180 in grey beside the tile; PyAV to "
    f"the decoded frame; {_SINCE}"
)


_SMOOTH, _NOW, _FIXED, _IN_STEP = "camgraph, smooth", "camgraph, now", "camgraph, fixed", "camgraph, in step"
_BUFFERING = f"GStreamer, {BUFFER_MS} ms"
_PRESENTATIONS = {_SMOOTH: "smooth", _NOW: "now", _FIXED: "fixed", _IN_STEP: "in step"}
_JITTERED = (
    f"one camera of 720p25 that sends each frame late by 0 to {JITTER_MS:g} ms, each delay as likely as "
    "another; in step: two of them; fixed: 80 ms after capture"
)
_SINCE_DUE = f"since the frame was due to be sent; {_JITTERED}"


def measure_rows(session: Session) -> list[Row]:
    """Measure a camera that is shown and analyzed, and one whose network jitters; with `session.quick`
    without peers, and shorter.
    """
    return [*_prompt_rows(session), *_paced_rows(session)]


def _paced_rows(session: Session) -> list[Row]:
    longer_s = 0.0 if session.quick else _LONGER_S
    presentations = [_SMOOTH, _NOW] if session.quick else list(_PRESENTATIONS)
    with tempfile.TemporaryDirectory(prefix="camgraph-bench-") as directory:
        session.say("starting the cameras")
        with Cameras(count=2, size=(1280, 720), fps=25, sent_log=Path(directory, "sent")) as cameras:
            starts: dict[str, Start] = {}
            for name in presentations:
                others = cameras.urls[1:] if name == _IN_STEP else []
                starts[name] = partial(start_paced, _PRESENTATIONS[name], others)
            if not session.quick and gstreamer.available():
                starts[_BUFFERING] = start_buffering_gstreamer
            contenders = [
                _contender(name, partial(run_paced, start, jitter_ms=JITTER_MS), cameras, longer_s)
                for name, start in starts.items()
            ]
            session.plan(len(contenders))
            measured = session.measure(contenders, calm=Calm(), what="jitter")
    return [
        measured.row(
            f"interval off the camera's p95, {JITTER_MS:g} ms of jitter",
            "ms",
            key("off_p95_ms"),
            goal=OFF_GOAL,
            note=f"the goal is on smooth; {_JITTERED}",
        ),
        measured.row(
            f"due → pixel p99, {JITTER_MS:g} ms of jitter",
            "ms",
            key("pixel_p99_ms"),
            goal=PACED_GOAL,
            note=f"the goal is on smooth; {_SINCE_DUE}",
        ),
        measured.row(
            f"due → pixel p50, {JITTER_MS:g} ms of jitter",
            "ms",
            key("pixel_p50_ms"),
            note=f"the goal is on the p99; {_SINCE_DUE}",
        ),
    ]


def _prompt_rows(session: Session) -> list[Row]:
    longer_s = 0.0 if session.quick else _LONGER_S
    shown: dict[str, Start] = {_OURS: start_camgraph}
    decoded = {_LIMIT: "benchmarks.latency.bare"}
    missing: dict[str, str] = {}
    if not session.quick:
        peers, missing = _peers()
        shown |= peers
        decoded["PyAV"] = "benchmarks.latency.decoding"
    with tempfile.TemporaryDirectory(prefix="camgraph-bench-") as directory:
        session.say("starting the camera")
        with Cameras(count=1, size=(1280, 720), fps=25, sent_log=Path(directory, "sent")) as cameras:
            contenders = [
                *(_contender(n, partial(run_shown, start), cameras, longer_s) for n, start in shown.items()),
                *(_contender(n, partial(run_decoding, m), cameras, longer_s) for n, m in decoded.items()),
            ]
            session.plan(len(contenders))
            measured = session.measure(
                contenders, calm=Calm(limit=(_LIMIT, "frame_p50_ms")), what="latency", missing=missing
            )
    p50, p99 = key("frame_p50_ms"), key("frame_p99_ms")
    return [
        measured.row("send → pixel p50", "ms", _shown("pixel_p50_ms", p50), goal=PIXEL_P50_GOAL, note=_PIXEL),
        measured.row("send → pixel p99", "ms", _shown("pixel_p99_ms", p99), goal=PIXEL_P99_GOAL, note=_PIXEL),
        measured.row("send → on_frame p50", "ms", p50, goal=FRAME_P50_GOAL, note=_FRAME),
        measured.row("send → on_frame p99", "ms", p99, note=f"the goal is on the p50; {_FRAME}"),
    ]


def _peers() -> tuple[dict[str, Start], dict[str, str]]:
    """Return those that show the camera, and what is missing with its remedy."""
    peers: dict[str, Start] = {}
    missing: dict[str, str] = {}
    if gstreamer.available():
        peers[_GSTREAMER] = start_gstreamer
    else:
        missing[_GSTREAMER] = gstreamer.REMEDY
    for name, kind in _PLAYERS.items():
        if kind.available:
            peers[name] = partial(start_player, kind)
        else:
            missing[name] = kind.remedy
    if importlib.util.find_spec("cv2") is not None:
        peers[_LABEL] = start_labels
    else:
        missing[_LABEL] = "pip install opencv-python-headless"
    return peers, missing


def _shown(name: str, of_limit: Value) -> Value:
    """Return the value of that name, beside what the limit has of another; it shows nothing."""
    return lambda runs, contender: (
        of_limit(runs, contender) if contender == _LIMIT else key(name)(runs, contender)
    )


def _contender(name: str, run: Callable[..., Run], cameras: Cameras, longer_s: float) -> Contender:
    roles: dict[str, Role] = {_OURS: "ours", _SMOOTH: "ours", _LIMIT: "limit"}
    return Contender(
        name, roles.get(name, "peer"), lambda window_s: run(cameras, window_s=max(window_s, longer_s))
    )
