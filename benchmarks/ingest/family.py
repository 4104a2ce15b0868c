"""The ingest family: CPU-seconds per second of each stream; ours, the peers', and bare decoding."""

import importlib.util
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from benchmarks.harness.asking import wait_until
from benchmarks.harness.machine import Meter
from benchmarks.harness.rounds import Calm, Contender, Measured, Run, RunFailed, key, ratio
from benchmarks.harness.rows import Goal, Row, make_row
from benchmarks.harness.session import Session
from benchmarks.ingest import ffmpeg
from benchmarks.ingest.counting import CountingProcess
from benchmarks.ingest.media import Media
from camgraph.testing.cameras import Cameras

STREAMS = (1, 4, 8)
QUICK_STREAMS = (8,)
SIZE, FPS = (1280, 720), 25
INGEST_GOAL = Goal(1.05)
TORN_GOAL = Goal(0)

_FIRST_FRAMES_S = 40.0
_SETTLED_S = 0.5
_LEAST_SHARE = 0.95

_ONE_PROCESS = "ffmpeg, one process"
_LIMIT = "PyAV decode"
_WHAT = (
    "receive, decode and publish with one native reader; peers and the limit publish nothing, OpenCV "
    "converts to BGR; the camera server and the readers are left out"
)


class Running(Protocol):
    """Processes under measurement. `count_age_s` is how old counts may be."""

    count_age_s: float

    @property
    def pids(self) -> Sequence[int]:
        """The processes whose CPU time counts."""
        ...

    def counts(self) -> list[int]:
        """Return frames so far, of each stream or of some; raise RunFailed if it has ended."""
        ...

    def close(self) -> None:
        """End and release all."""
        ...


def measure_rows(session: Session) -> list[Row]:
    """Measure with 1, 4 and 8 streams; with `session.quick` with 8 only."""
    streams = QUICK_STREAMS if session.quick else STREAMS
    missing = {}
    if not ffmpeg.available():
        missing["ffmpeg"] = ffmpeg.REMEDY
    if importlib.util.find_spec("cv2") is None:
        missing["OpenCV"] = "pip install opencv-python-headless"
    session.say("starting the cameras")
    rows: list[Row] = []
    measurements: list[Measured] = []
    with Cameras(count=max(streams), size=SIZE, fps=FPS) as cameras:
        for count in streams:
            contenders = _contenders(cameras.urls[:count], cameras.pid, missing)
            session.plan(len(contenders), len(streams))
            what = f"{count} × {SIZE[1]}p{FPS}"
            measured = session.measure(
                contenders, calm=Calm(limit=(_LIMIT, "cpu")), what=what, missing=missing
            )
            rows += _rows(measured, what)
            measurements.append(measured)
    return [*rows, _torn_row(measurements)]


def _rows(measured: Measured, what: str) -> list[Row]:
    return [
        measured.row(
            f"ingest against ffmpeg in one process, {what}",
            "×",
            ratio("cpu", _ONE_PROCESS),
            goal=INGEST_GOAL,
            note=_WHAT,
        ),
        measured.row(
            f"ingest, {what}", "CPU-s/stream-s", key("cpu"), note=f"the goal is on the ratio; {_WHAT}"
        ),
        measured.row(
            f"readers, {what}",
            "CPU-s/stream-s",
            key("reader_cpu"),
            note="no goal is named: CPU time of the readers' process, which also decodes test patterns",
        ),
    ]


def _torn_row(measurements: Sequence[Measured]) -> Row:
    runs = [
        attempt.runs["camgraph"]
        for measured in measurements
        for attempt in measured.all_attempts
        if "camgraph" in attempt.runs
    ]
    return make_row(
        "torn frames",
        "frames",
        ours=sum(run.values["torn"] for run in runs) if runs else None,
        goal=TORN_GOAL,
        note=f"the sum of all runs; {sum(run.values['checked'] for run in runs):.0f} test patterns were read",
        rounds=min(len(measured.attempts) for measured in measurements),
        repeated=sum(measured.repeated for measured in measurements),
    )


def _contenders(urls: Sequence[str], camera_pid: int, missing: dict[str, str]) -> list[Contender]:
    contenders = [
        Contender("camgraph", "ours", _measuring(lambda: Media(urls), len(urls), camera_pid)),
        Contender(
            _LIMIT,
            "limit",
            _measuring(
                lambda: CountingProcess("benchmarks.ingest.pyav_threads", urls), len(urls), camera_pid
            ),
        ),
    ]
    if "ffmpeg" not in missing:
        contenders += [
            Contender(
                _ONE_PROCESS,
                "peer",
                _measuring(lambda: ffmpeg.Ffmpeg(urls, process_a_stream=False), len(urls), camera_pid),
            ),
            Contender(
                "ffmpeg, one a stream",
                "peer",
                _measuring(lambda: ffmpeg.Ffmpeg(urls, process_a_stream=True), len(urls), camera_pid),
            ),
        ]
    if "OpenCV" not in missing:
        contenders.append(
            Contender(
                "OpenCV",
                "peer",
                _measuring(
                    lambda: CountingProcess("benchmarks.ingest.opencv_threads", urls), len(urls), camera_pid
                ),
            )
        )
    return contenders


def _measuring(start: Callable[[], Running], streams: int, camera_pid: int) -> Callable[[float], Run]:
    def run(window_s: float) -> Run:
        running = start()
        try:
            return _measure(running, streams, camera_pid, window_s)
        finally:
            running.close()

    return run


def _measure(running: Running, streams: int, camera_pid: int, window_s: float) -> Run:
    wait_until(_FIRST_FRAMES_S, "frames of every stream", lambda: min(running.counts()) > 0)
    time.sleep(_SETTLED_S)
    readers = list(running.apart) if isinstance(running, Media) else []
    before = running.counts()
    meter = Meter(running.pids, [camera_pid, *readers])
    reader_meter = Meter(readers)
    time.sleep(window_s)
    usage, reader_usage = meter.stop(), reader_meter.stop()
    after = running.counts()
    expected = FPS * (usage.wall_s - running.count_age_s)
    least = min(b - a for a, b in zip(before, after, strict=True))
    if least < _LEAST_SHARE * expected:
        raise RunFailed(f"it got {least} of {expected:.0f} frames of a stream")
    values = {"cpu": usage.cpu_s / (usage.wall_s * streams)}
    if isinstance(running, Media):
        values["reader_cpu"] = reader_usage.cpu_s / (reader_usage.wall_s * streams)
        values["checked"], values["torn"] = float(running.checked), float(running.torn)
    return Run(values, usage.other_cores)
