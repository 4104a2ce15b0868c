"""The ingest family: CPU-seconds per second of each stream; ours, the peers', and bare decoding."""

import importlib.util
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Protocol

from benchmarks.harness.asking import wait_until
from benchmarks.harness.machine import Meter
from benchmarks.harness.rounds import Calm, Contender, Measured, Role, Run, RunFailed, key, ratio
from benchmarks.harness.rows import Goal, Row, make_row
from benchmarks.harness.session import Session
from benchmarks.ingest import ffmpeg
from benchmarks.ingest.counting import CountingProcess
from benchmarks.ingest.media import Media
from benchmarks.ingest.works import FPS, Work
from camgraph.testing.cameras import Cameras

INGEST_GOAL = Goal(1.0)
RECEIVE_GOAL = Goal(0.6)
SOCKETS_GOAL = Goal(0.1)
TORN_GOAL = Goal(0)

SOCKETS = Work(64, "receive")
WORKS = (
    *map(Work, (1, 4, 8, 16)),
    Work(4, size=(1920, 1080)),
    Work(8, codec="h265"),
    Work(8, transport="udp"),
    Work(16, "keyframes"),
    Work(16, "receive"),
    SOCKETS,
)
QUICK_WORKS = (Work(8), Work(16, "receive"), SOCKETS)
_ALL_PEERS = WORKS[:3]

_FIRST_FRAMES_S = 40.0
_SETTLED_S = 0.5
_LEAST_SHARE = 0.95
_ONE_MORE = 1.0

_OURS, _LIMIT = "camgraph", "PyAV"
_ONE_PROCESS, _PROCESS_A_STREAM, _OPENCV = "ffmpeg, one process", "ffmpeg, one a stream", "OpenCV"
_APART = "the camera server and the readers are left out"
_WHAT = {
    "decode": "receive, decode and publish with one native reader; peers and the limit publish nothing, "
    f"OpenCV converts to BGR; {_APART}",
    "keyframes": "receive all, decode and publish a keyframe a second; ffmpeg with -skip_frame nokey; peers "
    f"and the limit publish nothing; {_APART}",
    "receive": "nobody reads, so nothing is decoded, and a new reader's first picture can still come at "
    "once; ffmpeg with -c copy -f null; the camera server is left out",
}


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
    """Measure all configurations; with `session.quick` three, without the peers that are less like ours."""
    works = QUICK_WORKS if session.quick else WORKS
    missing = {}
    if not ffmpeg.available():
        missing["ffmpeg"] = ffmpeg.REMEDY
    if importlib.util.find_spec("cv2") is None:
        missing[_OPENCV] = "pip install opencv-python-headless"
    names = {work: _names(work, missing, quick=session.quick) for work in works}
    session.plan(sum(map(len, names.values())))
    rows: list[Row] = []
    measurements: list[Measured] = []
    for work in works:
        session.say(f"starting {work.label}")
        with Cameras(count=work.streams, size=work.size, fps=FPS, codec=work.codec) as cameras:
            measured = session.measure(
                [_contender(name, work, cameras) for name in names[work]],
                calm=Calm(limit=(_LIMIT, "cpu")),
                what=work.label,
                missing=missing,
            )
        rows += _rows(measured, work)
        if work.kind != "receive":
            measurements.append(measured)
    return [*rows, _torn_row(measurements)]


def _names(work: Work, missing: Mapping[str, str], *, quick: bool) -> list[str]:
    if work == SOCKETS:  # So many inputs of one ffmpeg hold each other up.
        return [_OURS] if quick else [_OURS, _LIMIT]
    names = [_OURS] if "ffmpeg" in missing else [_OURS, _ONE_PROCESS]
    if work.kind == "decode" or not quick:
        names.append(_LIMIT)
    if work in _ALL_PEERS and not quick:
        names += [_PROCESS_A_STREAM] if "ffmpeg" not in missing else []
        names += [_OPENCV] if _OPENCV not in missing else []
    return names


def _rows(measured: Measured, work: Work) -> list[Row]:
    what, note = work.label, _WHAT[work.kind]
    cost = measured.row(
        f"ingest, {what}", "CPU-s/stream-s", key("cpu"), note=f"the goal is on the other row; {note}"
    )
    if work == SOCKETS:
        said = f"streams of 2.2 Mbit/s; {note}"
        together = measured.row(f"{what}, together", "cores", key("cores"), goal=SOCKETS_GOAL, note=said)
        return [together, cost]
    against_ffmpeg = measured.row(
        f"ingest against ffmpeg in one process, {what}",
        "×",
        ratio("cpu", _ONE_PROCESS),
        goal=RECEIVE_GOAL if work.kind == "receive" else INGEST_GOAL,
        note=note,
    )
    rows = [against_ffmpeg, cost]
    if work.kind != "receive":
        rows.append(
            measured.row(
                f"readers, {what}",
                "CPU-s/stream-s",
                key("reader_cpu"),
                note="no goal is named: CPU time of the readers' process, which also decodes test patterns",
            )
        )
    return rows


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


def _contender(name: str, work: Work, cameras: Cameras) -> Contender:
    urls = cameras.urls

    def start() -> Running:
        match name:
            case "camgraph":
                return Media(urls, work)
            case "PyAV":
                options = (f"--kind={work.kind}", f"--transport={work.transport}")
                return CountingProcess("benchmarks.ingest.pyav_threads", [*options, *urls])
            case "OpenCV":
                return CountingProcess("benchmarks.ingest.opencv_threads", urls)
            case _:
                return ffmpeg.Ffmpeg(urls, work, process_a_stream=name == _PROCESS_A_STREAM)

    roles: dict[str, Role] = {_OURS: "ours", _LIMIT: "limit"}
    return Contender(name, roles.get(name, "peer"), partial(_run, start, work, cameras.pid))


def _run(start: Callable[[], Running], work: Work, camera_pid: int, window_s: float) -> Run:
    running = start()
    try:
        return _measure(running, work, camera_pid, window_s)
    finally:
        running.close()


def _measure(running: Running, work: Work, camera_pid: int, window_s: float) -> Run:
    wait_until(_FIRST_FRAMES_S, "frames of every stream", lambda: min(running.counts()) > 0)
    time.sleep(_SETTLED_S)
    readers = list(running.apart) if isinstance(running, Media) else []
    before = running.counts()
    meter = Meter(running.pids, [camera_pid, *readers])
    reader_meter = Meter(readers)
    time.sleep(window_s)
    usage, reader_usage = meter.stop(), reader_meter.stop()
    after = running.counts()
    expected = work.fps * (usage.wall_s - running.count_age_s)
    least = min(b - a for a, b in zip(before, after, strict=True))
    if least < _LEAST_SHARE * expected - _ONE_MORE:
        raise RunFailed(f"it got {least} of {expected:.0f} frames of a stream")
    cores = usage.cpu_s / usage.wall_s
    values = {"cpu": cores / work.streams, "cores": cores}
    if readers:
        assert isinstance(running, Media)
        values["reader_cpu"] = reader_usage.cpu_s / (reader_usage.wall_s * work.streams)
        values["checked"], values["torn"] = float(running.checked), float(running.torn)
    return Run(values, usage.other_cores)
