"""The messages family: round trips, floods, starts and deaths; ours, the peers', and a bare pipe."""

import importlib.util
from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

from benchmarks.harness.child import run_child
from benchmarks.harness.rounds import Calm, Contender, Measured, Run, Value, key, ratio
from benchmarks.harness.rows import Goal, Row
from benchmarks.harness.session import Session

NOTIFIER, THREAD = "camgraph, notifiers", "camgraph, QThread"
LIMIT = "bare Pipe"
VARIANTS = {NOTIFIER: "notifiers", THREAD: "QThread"}

TRIP_GOALS = {NOTIFIER: Goal(1.6), THREAD: Goal(2.0)}
DEATH_GOAL = Goal(20.0)
LATE_GOAL = Goal(5.0)

MOST = 32
_ONE = "live,trips,flood"
PLAN = {1: _ONE, 8: "trips,chatter", MOST: "trips,chatter"}
QUICK_PLAN = {1: _ONE, MOST: "chatter"}
"""The phases of a run, by the number of processes; see `benchmarks.messages.program`."""
_BESIDE_PEERS = (1, MOST)


class _Peer(NamedTuple):
    module: str
    needs: tuple[str, str] | None = None
    """What must be importable, and the remedy."""


_OURS = {NOTIFIER: "camgraph_notifier", THREAD: "camgraph_thread"}
_PEERS = {
    "Pipe + QThread": _Peer("pipe_thread"),
    "Queue": _Peer("mp_queue"),
    "pyzmq": _Peer("zmq_pair", ("zmq", "pip install pyzmq")),
    "QtProcess": _Peer("pyqtgraph_process", ("pyqtgraph", "pip install pyqtgraph")),
}
_PATIENCE_S = 90.0
"""Thirty-two processes of pyqtgraph take 25 s to start."""

_TRIP = (
    "one value at a time, to each process in turn and back into a slot of the GUI, which sends the next; the "
    "program on one core, the processes on the others; the limit is a Pipe that is read where it is written, "
    "without Qt"
)
_FLOW = (
    "no goal is named; one process sends bursts of 256 into a slot of the GUI, two under way; the CPU time "
    "is the program's, all threads"
)
_CHATTER = (
    "every process sends 100 messages a second into a slot of the GUI, whose precise timer of 10 ms is "
    "started anew each time"
)
_START = "no goal is named; from the call until the process's first answer is in the slot; median of five"
_DEATH = (
    "from SIGKILL until a slot of the GUI is told, the slowest of five; Queue, pyzmq and QtProcess tell "
    "nothing; the limit is a Pipe's end of file"
)


def measure_rows(session: Session) -> list[Row]:
    """Measure 1, 8 and 32 processes, 8 without peers; with `session.quick` all without, and no round trips of
    many.
    """
    plan = QUICK_PLAN if session.quick else PLAN
    all_peers = {} if session.quick else {name: peer for name, peer in _PEERS.items() if not _missing(peer)}
    missing = {} if session.quick else {n: remedy for n, peer in _PEERS.items() if (remedy := _missing(peer))}
    peers_of = {count: all_peers if count in _BESIDE_PEERS else {} for count in plan}
    session.plan(sum(len(_OURS) + len(peers) + 1 for peers in peers_of.values()))
    rows: list[Row] = []
    for count, phases in plan.items():
        peers = peers_of[count]
        contenders = [
            *(Contender(n, "ours", partial(_measure, module, count, phases)) for n, module in _OURS.items()),
            *(Contender(n, "peer", partial(_measure, p.module, count, phases)) for n, p in peers.items()),
        ]
        if "trips" in phases:
            contenders.append(Contender(LIMIT, "limit", partial(_run, "bare", [str(count)])))
        measured = session.measure(
            contenders, calm=Calm(limit=(LIMIT, "trip_p50_us")), what=label(count), missing=missing
        )
        rows += make_rows(measured, count, phases)
    return rows


def make_rows(measured: Measured, count: int, phases: str) -> list[Row]:
    """Return the rows of so many processes."""
    rows: list[Row] = []
    if "trips" in phases:
        rows += _trip_rows(measured, count)
    if "flood" in phases:
        rows += _rows(measured, "per_s", "messages/s, one process", "1/s", note=_FLOW)
        rows += _rows(measured, "flood_cpu_us", "GUI's CPU a message, in bursts", "µs", note=_FLOW)
    if "live" in phases:
        rows += _rows(measured, "start_ms", "start until the first message", "ms", note=_START)
        rows += _rows(measured, "death_max_ms", "death → notice", "ms", goal=DEATH_GOAL, note=_DEATH)
    if "chatter" in phases:
        cpu, late = (
            f"{what}, {label(count)} at 100/s" for what in ("GUI's CPU a message", "10 ms timer late, p99")
        )
        goal = LATE_GOAL if count == MOST else None
        note = _CHATTER if goal else f"the goal is on {label(MOST)}; {_CHATTER}"
        rows += _rows(measured, "chatter_cpu_us", cpu, "µs", note=f"no goal is named; {_CHATTER}")
        rows += _rows(measured, "late_p99_ms", late, "ms", goal=goal, note=note)
    return rows


def label(count: int) -> str:
    """Return the words for a table."""
    return "1 process" if count == 1 else f"{count} processes"


def _trip_rows(measured: Measured, count: int) -> list[Row]:
    rows: list[Row] = []
    for ours, words in VARIANTS.items():
        rows.append(
            measured.row(
                f"round trip p50 against bare Pipe, {words}, {label(count)}",
                "×",
                _of(ours, ratio("trip_p50_us", LIMIT)),
                goal=TRIP_GOALS[ours],
                note=_TRIP,
            )
        )
        rows += [
            measured.row(
                f"round trip {figure}, {words}, {label(count)}",
                "µs",
                _of(ours, key(f"trip_{figure}_us")),
                note=f"the goal is on the p50 as a multiple of the limit's; {_TRIP}",
            )
            for figure in ("p50", "p99")
        ]
    return rows


def _rows(
    measured: Measured, value: str, metric: str, unit: str, *, goal: Goal | None = None, note: str
) -> list[Row]:
    """Return a row for each variant of ours."""
    return [
        measured.row(f"{metric}, {words}", unit, _of(ours, key(value)), goal=goal, note=note)
        for ours, words in VARIANTS.items()
    ]


def _of(ours: str, value: Value) -> Value:
    """Return a value that the other variant of ours does not have: a row tells of one."""

    def of_one(runs: Mapping[str, Run], contender: str) -> float | None:
        return None if contender in VARIANTS and contender != ours else value(runs, contender)

    return of_one


def _missing(peer: _Peer) -> str:
    needs = peer.needs
    return needs[1] if needs is not None and importlib.util.find_spec(needs[0]) is None else ""


def _measure(transport: str, count: int, phases: str, window_s: float) -> Run:
    return _run("program", [transport, str(count), phases], window_s)


def _run(module: str, arguments: list[str], window_s: float) -> Run:
    values = run_child(
        f"benchmarks.messages.{module}", [*arguments, str(window_s)], window_s, patience_s=_PATIENCE_S
    )
    return Run(values, values.pop("other_cores"))
