"""The ring family: wake-up, the writer's cost, and losses; ours, the peers', and what can't be undercut."""

import importlib.util
from collections.abc import Mapping, Sequence

import msgspec

from benchmarks.harness.child import run_child
from benchmarks.harness.rounds import Calm, Contender, Measured, Role, Run, key
from benchmarks.harness.rows import Goal, Row, make_row
from benchmarks.harness.session import Session
from benchmarks.ring.pictures import prepare
from benchmarks.ring.setup import Setup

_PACKAGE = "benchmarks.ring.transports"
_LIMIT = "bare copy"
_PEERS = {
    "Queue": ("mp_queue", None),
    "pyzmq": ("zmq_ipc", ("zmq", "pip install pyzmq")),
    "iceoryx2": ("iceoryx", ("iceoryx2", "pip install 'iceoryx2>=0.10'")),
}

DECODED = Setup(1280, 720, readers=1, fps=25, source="decoded")
SETUPS = (
    DECODED,
    *(Setup(1280, 720, readers, fps=100) for readers in (1, 2, 4, 8)),
    *(Setup(1920, 1080, readers, fps=100) for readers in (1, 8)),
    *(Setup(1280, 720, readers, fps=400) for readers in (1, 8)),
)

WAKE_UP_GOAL = Goal(0.2)
TORN_GOAL = Goal(0)

_WAKE = (
    "from the frame lying in the ring (the peers': from their copy being done) to the reader having it; "
    "the limit is a datagram a reader, without protection"
)
_HAND = "no goal is named: as the wake-up, but from the writer having the frame, so with the copy"
_NO_GOAL = "the issue names one figure for the wake-up; this row shows how it grows"
_BEYOND = (
    "no goal is named; median CPU time of the thread in publish, less the bare copy of the same planes; the "
    "limit is the datagrams alone; Queue and pyzmq return before their threads have sent the frame"
)
_CPU = (
    "no goal is named; CPU time of the writing process, all threads; the limit is the bare copy and datagrams"
)
_LOST = "no goal is named; frames handed to the writer that a reader never got"


def measure_rows(session: Session) -> list[Row]:
    """Measure each configuration; with `session.quick` only that of the goal."""
    setups = SETUPS[:1] if session.quick else SETUPS
    peers = {name: module for name, (module, needs) in _PEERS.items() if not _missing(needs)}
    missing = {name: remedy for name, (_, needs) in _PEERS.items() if (remedy := _missing(needs))}
    session.plan(len(peers) + 2, len(setups))
    session.say("encoding the clip, the first time only")
    for setup in setups:
        prepare(setup)
    rows: list[Row] = []
    measurements: list[Measured] = []
    for setup in setups:
        contenders = [
            _contender("camgraph", "ours", "camgraph_ring", setup),
            *(_contender(name, "peer", module, setup) for name, module in peers.items()),
            _contender(_LIMIT, "limit", "bare", setup),
        ]
        measured = session.measure(
            contenders, calm=Calm(limit=(_LIMIT, "copy_us")), what=setup.label, missing=missing
        )
        measurements.append(measured)
        rows += _rows(setup, measured)
    return [*rows, _torn_row(measurements)]


def _rows(setup: Setup, measured: Measured) -> list[Row]:
    is_goal = setup == DECODED
    rows = [
        measured.row(
            f"{'decode → ring → reader ' if is_goal else ''}wake-up p50, {setup.label}",
            "ms",
            key("wake_p50_ms"),
            goal=WAKE_UP_GOAL if is_goal else None,
            note=_WAKE if is_goal else f"{_NO_GOAL}; {_WAKE}",
        ),
        measured.row(f"wake-up p99, {setup.label}", "ms", key("wake_p99_ms"), note=f"{_NO_GOAL}; {_WAKE}"),
        measured.row(f"hand to hand p50, {setup.label}", "ms", key("hand_p50_ms"), note=_HAND),
        measured.row(f"writer beyond the copy, {setup.label}", "µs", _beyond_copy, note=_BEYOND),
        measured.row(f"frames lost, {setup.label}", "%", key("lost_percent"), note=_LOST),
    ]
    if setup.source != "decoded":
        rows.append(measured.row(f"writer CPU a frame, {setup.label}", "µs", key("writer_cpu_us"), note=_CPU))
    return rows


def _beyond_copy(runs: Mapping[str, Run], name: str) -> float | None:
    if _LIMIT not in runs:
        return None
    return runs[name].values["publish_us"] - runs[_LIMIT].values["copy_us"]


def _torn_row(measurements: Sequence[Measured]) -> Row:
    """Return the row of all payload checks of all runs, those of repeated rounds too: a sum, no median."""
    torn: dict[str, float] = {}
    checked = 0.0
    for measured in measurements:
        for attempt in measured.all_attempts:
            for name, run in attempt.runs.items():
                torn[name] = torn.get(name, 0) + run.values["torn"]
                checked += run.values["checked"] if name == "camgraph" else 0
    return make_row(
        "torn frames",
        "frames",
        ours=torn.pop("camgraph") if checked else None,
        limit=torn.pop(_LIMIT, None),
        peers=torn,
        goal=TORN_GOAL,
        note=f"the sum of all runs; of ours {checked:.0f} payloads were checked, each after being held",
        rounds=min(len(measured.attempts) for measured in measurements),
        repeated=sum(measured.repeated for measured in measurements),
    )


def _contender(name: str, role: Role, module: str, setup: Setup) -> Contender:
    def run(window_s: float) -> Run:
        return _run(module, setup, window_s)

    return Contender(name, role, run)


def _missing(needs: tuple[str, str] | None) -> str:
    return needs[1] if needs is not None and importlib.util.find_spec(needs[0]) is None else ""


def _run(module: str, setup: Setup, window_s: float) -> Run:
    arguments = (f"{_PACKAGE}.{module}", msgspec.json.encode(setup).decode(), str(window_s))
    values = run_child("benchmarks.ring.writer", arguments, window_s)
    return Run(values, values.pop("other_cores"))
