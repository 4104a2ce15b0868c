"""The latency family: from the camera sending a frame to an analyzer having it, and to the screen."""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.harness.rounds import Calm, Contender, Role, Run, key
from benchmarks.harness.rows import Goal, Row
from benchmarks.harness.session import Session
from benchmarks.latency.runs import (
    FFplay,
    Start,
    has_ffplay,
    run_decoding,
    run_shown,
    start_camgraph,
    start_gstreamer,
)
from benchmarks.latency.watcher import STEP_S
from benchmarks.wall import gstreamer
from camgraph.testing.cameras import Cameras

PIXEL_P50_GOAL, PIXEL_P99_GOAL = Goal(55.0), Goal(70.0)

_OURS, _LIMIT = "camgraph", "PyAV decode"
_LONGER_S = 15.0
_SINCE = "since the camera began to send the frame; one camera of 720p25, a tile of 640×360"
_PIXEL = (
    f"the screen is looked at every {STEP_S * 1000:g} ms, so a stamp is up to that late; the limit is PyAV's "
    f"decoded frame, shown by nobody; {_SINCE}"
)
_FRAME = (
    "the goals are on the pixel; until on_frame of an analyzer process is entered, which has 320×180 in grey "
    f"beside the tile; the limit is PyAV's decoded frame; {_SINCE}"
)


def measure_rows(session: Session) -> list[Row]:
    """Measure a camera that is shown and analyzed; with `session.quick` without peers, and shorter."""
    longer_s = 0.0 if session.quick else _LONGER_S
    missing = {}
    with tempfile.TemporaryDirectory(prefix="camgraph-bench-") as directory:
        session.say("starting the camera")
        with Cameras(count=1, size=(1280, 720), fps=25, sent_log=Path(directory, "sent")) as cameras:
            starts: dict[str, Start] = {_OURS: start_camgraph}
            if not session.quick:
                if gstreamer.available():
                    starts["GStreamer"] = start_gstreamer
                else:
                    missing["GStreamer"] = gstreamer.REMEDY
                if has_ffplay():
                    starts["ffplay"] = FFplay
            contenders = [
                _contender(name, partial(run_shown, start), cameras, longer_s)
                for name, start in starts.items()
            ]
            contenders.append(_contender(_LIMIT, run_decoding, cameras, longer_s))
            session.plan(len(contenders))
            measured = session.measure(
                contenders, calm=Calm(limit=(_LIMIT, "frame_p50_ms")), what="latency", missing=missing
            )
    return [
        measured.row("send → pixel p50", "ms", key("pixel_p50_ms"), goal=PIXEL_P50_GOAL, note=_PIXEL),
        measured.row("send → pixel p99", "ms", key("pixel_p99_ms"), goal=PIXEL_P99_GOAL, note=_PIXEL),
        measured.row("send → on_frame p50", "ms", key("frame_p50_ms"), note=_FRAME),
        measured.row("send → on_frame p99", "ms", key("frame_p99_ms"), note=_FRAME),
    ]


def _contender(
    name: str, run: Callable[[Cameras, float], Run], cameras: Cameras, longer_s: float
) -> Contender:
    roles: dict[str, Role] = {_OURS: "ours", _LIMIT: "limit"}
    return Contender(name, roles.get(name, "peer"), lambda window_s: run(cameras, max(window_s, longer_s)))
