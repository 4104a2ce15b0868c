import io
import itertools
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from benchmarks.harness.child import run_child
from benchmarks.harness.machine import FamilyMeter, Meter, busy_ns, children_of, cpu_ns, tree_of
from benchmarks.harness.rounds import (
    MAX_REPEATS,
    Calm,
    Contender,
    Role,
    Run,
    RunFailed,
    key,
    measure,
    ratio,
)
from benchmarks.harness.rows import Goal, Row, make_row, read_rows, write_rows
from benchmarks.harness.screen import print_rows, progress_bar
from benchmarks.harness.session import Session

CALM = Calm(other_cores=0.2, limit=("limit", "cost"), limit_ratio=1.2)


def scripted(name: str, role: Role, runs: Sequence[Run | RunFailed], log: list[str]) -> Contender:
    remaining = list(runs)

    def run(window_s: float) -> Run:
        assert window_s >= 5
        log.append(name)
        step = remaining.pop(0)
        if isinstance(step, RunFailed):
            raise step
        return step

    return Contender(name, role, run)


def costs(*values: float) -> list[Run]:
    return [Run({"cost": value}) for value in values]


def three(log: list[str], **runs: Sequence[Run | RunFailed]) -> list[Contender]:
    roles: dict[str, Role] = {"ours": "ours", "peer": "peer", "limit": "limit"}
    return [scripted(name, roles[name], steps, log) for name, steps in runs.items()]


def test_all_contenders_run_once_a_round_in_changing_order() -> None:
    log: list[str] = []
    contenders = three(log, ours=costs(1, 2, 3), peer=costs(4, 5, 6), limit=costs(1, 1, 1))
    measure(contenders, calm=CALM)
    assert [log[0:3], log[3:6], log[6:9]] == [
        ["ours", "peer", "limit"],
        ["peer", "limit", "ours"],
        ["limit", "ours", "peer"],
    ]


def test_a_row_holds_medians_and_ratios_are_taken_within_a_round() -> None:
    contenders = three([], ours=costs(1, 9, 2), peer=costs(2, 9, 1), limit=costs(1, 1, 1.1))
    measured = measure(contenders, calm=CALM)
    row = measured.row("cost", "s", key("cost"), note="no goal is named")
    assert (row.ours, row.peers, row.limit) == (2, {"peer": 2}, 1)
    assert (row.goal, row.ok, row.rounds, row.repeated) == (None, None, 3, 0)
    row = measured.row("cost against peer", "×", ratio("cost", "peer"), goal=Goal(1.0))
    assert (row.ours, row.peers, row.ok) == (1, {"peer": 1}, True)


def test_a_round_with_other_load_is_repeated_and_the_calm_attempt_counts() -> None:
    log: list[str] = []
    busy = Run({"cost": 50}, other_cores=0.9)
    contenders = three(log, ours=[Run({"cost": 1}), busy, *costs(2, 3)], limit=costs(1, 1, 1, 1))
    measured = measure(contenders, calm=CALM)
    assert measured.repeated == 1
    assert log.count("ours") == 4
    assert sorted(attempt.runs["ours"].values["cost"] for attempt in measured.attempts) == [1, 2, 3]
    assert measured.remarks == []


def test_a_round_is_repeated_twice_at_most_and_never_dropped() -> None:
    loads = (0.9, 0.5, 0.7, 0.8, 0.6, 0.3, 0.4, 0.5, 0.6)
    ours = [Run({"cost": load}, other_cores=load) for load in loads]
    measured = measure(three([], ours=ours, limit=costs(*[1] * 9)), calm=CALM)
    assert measured.repeated == 3 * MAX_REPEATS
    assert [attempt.runs["ours"].values["cost"] for attempt in measured.attempts] == [0.5, 0.3, 0.4]
    row = measured.row("cost", "s", key("cost"), goal=Goal(1))
    assert (row.rounds, row.repeated, row.ours) == (3, 6, 0.4)
    assert "3 of 3 rounds were disturbed" in row.note


def test_a_slow_limit_repeats_a_round_even_if_a_later_one_shows_it() -> None:
    log: list[str] = []
    contenders = three(log, ours=costs(9, 1, 2, 3), limit=costs(2, 1, 1, 1))
    measured = measure(contenders, calm=CALM)
    assert measured.repeated == 1
    assert [attempt.runs["ours"].values["cost"] for attempt in measured.attempts] == [2, 1, 3]


def test_without_time_a_disturbed_round_stays_and_the_row_says_so() -> None:
    busy = Run({"cost": 5}, other_cores=0.9)
    contenders = three([], ours=[busy, *costs(1, 1)], limit=costs(1, 1, 1))
    measured = measure(contenders, calm=CALM, may_repeat=lambda: False)
    assert measured.repeated == 0
    assert "no time to repeat" in measured.row("cost", "s", key("cost"), note="none").note


def test_a_peer_that_always_fails_is_named_and_the_others_go_on() -> None:
    log: list[str] = []
    peer = [RunFailed("no ffmpeg: apt-get install ffmpeg")] * 9
    contenders = three(log, ours=costs(*range(1, 10)), peer=peer, limit=costs(*[1] * 9))
    measured = measure(contenders, calm=CALM, missing={"zmq": "pip install pyzmq"})
    row = measured.row("cost", "s", key("cost"), goal=Goal(5))
    assert row.peers == {}
    assert row.ok is True
    assert "peer failed: no ffmpeg: apt-get install ffmpeg" in row.note
    assert "zmq is missing: pip install pyzmq" in row.note
    assert log.count("peer") == 1 + MAX_REPEATS
    assert (log.count("ours"), row.repeated) == (3 + MAX_REPEATS, MAX_REPEATS)


def test_a_run_that_failed_once_is_made_up_for() -> None:
    peer: list[Run | RunFailed] = [Run({"cost": 1}), RunFailed("it fell behind"), *costs(1, 1)]
    contenders = three([], ours=costs(1, 1, 1, 1), peer=peer, limit=costs(1, 1, 1, 1))
    row = measure(contenders, calm=CALM).row("cost", "s", key("cost"), goal=Goal(1))
    assert (row.peers, row.repeated) == ({"peer": 1}, 1)
    assert row.note == ""


def test_what_ours_can_not_do_is_a_missed_goal() -> None:
    contenders = three([], ours=[RunFailed("it broke")] * 9, limit=costs(*[1] * 9))
    row = measure(contenders, calm=CALM).row("cost", "s", key("cost"), goal=Goal(1))
    assert (row.ours, row.ok) == (None, False)
    assert "it broke" in row.note


@pytest.mark.parametrize(
    ("goal", "ours", "ok"),
    [
        (Goal(1.05), 1.05, True),
        (Goal(1.05), 1.0500001, True),
        (Goal(1.05), 1.051, False),
        (Goal(100, "<"), 100, False),
        (Goal(100, "<"), 99.9, True),
        (Goal(25, ">="), 24.9, False),
        (Goal(0), 0, True),
        (Goal(0), 1, False),
    ],
)
def test_ok_is_computed_from_the_printed_value(goal: Goal, ours: float, ok: bool) -> None:
    row = make_row("m", "u", ours=ours, goal=goal, rounds=3)
    assert (row.goal, row.ok) == (goal.value, ok)


def test_only_a_row_with_a_reason_may_lack_a_goal() -> None:
    with pytest.raises(ValueError, match="says why"):
        make_row("m", "u", ours=1, rounds=3)
    with pytest.raises(ValueError, match="together"):
        Row(
            metric="m", unit="u", ours=1, peers={}, limit=None, goal=1, ok=None, note="", rounds=3, repeated=0
        )


def test_rows_survive_the_file_and_strangers_are_refused(tmp_path: Path) -> None:
    rows = [
        make_row(
            "a", "ms", ours=0.1234567, peers={"zmq": 2}, limit=0.1, goal=Goal(0.2), rounds=3, repeated=1
        ),
        make_row("b", "µs", ours=None, note="nothing to compare", rounds=3),
    ]
    path = tmp_path / "bench" / "ring.json"
    write_rows(path, rows)
    assert read_rows(path) == rows
    first = msgspec.json.decode(path.read_bytes())[0]
    assert list(first) == [
        *("metric", "unit", "ours", "peers", "limit", "goal", "ok", "note", "rounds", "repeated")
    ]
    assert first["ours"] == 0.12346
    path.write_bytes(msgspec.json.encode([first | {"surprise": 1}]))
    with pytest.raises(msgspec.ValidationError):
        read_rows(path)


def test_the_table_shows_every_figure_and_note() -> None:
    rows = [
        make_row("wake-up p50", "ms", ours=0.05, peers={"zmq": 2.5}, limit=0.03, goal=Goal(0.2), rounds=3),
        make_row("writer", "µs", ours=None, note="why not", rounds=3, repeated=2),
    ]
    out = io.StringIO()
    print_rows(Console(file=out, width=120), "ring", rows)
    text = out.getvalue()
    for part in ("wake-up p50", "0.05", "zmq", "2.5", "0.03", "0.2", "ok", "why not", "repeated", "2 a row"):
        assert part in text


def repetitions(*, quick: bool, run_s: float) -> int:
    now = itertools.count(0.0, run_s)
    with progress_bar(Console(file=io.StringIO())) as progress:
        session = Session("ring", quick=quick, progress=progress, clock=lambda: next(now))
        session.plan(2)
        contenders = three([], ours=[Run({"cost": 1}, other_cores=0.9)] * 9, limit=costs(*[1] * 9))
        return session.measure(contenders, calm=CALM, what="720p").repeated


def test_rounds_are_repeated_only_while_time_is_left() -> None:
    assert repetitions(quick=True, run_s=0.1) == 6
    assert repetitions(quick=True, run_s=40.0) == 0
    assert repetitions(quick=False, run_s=40.0) == 6
    assert repetitions(quick=False, run_s=400.0) == 0


SPIN = """
import sys, time
while time.process_time() < 0.4:
    pass
print(flush=True)
sys.stdin.read()
"""


@pytest.fixture
def spinner() -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", SPIN], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def test_the_meter_tells_measured_from_other_load(spinner: "subprocess.Popen[bytes]") -> None:
    with spinner:
        meter = Meter([spinner.pid])
        assert spinner.stdout is not None
        spinner.stdout.readline()
        usage = meter.stop()
        assert 0.35 < usage.cpu_s < 2
        assert usage.wall_s >= usage.cpu_s * 0.9
        assert usage.other_cores * usage.wall_s < (os.cpu_count() or 1) * usage.wall_s
    with pytest.raises(ProcessLookupError):
        cpu_ns(spinner.pid)


def test_other_load_is_seen(spinner: "subprocess.Popen[bytes]") -> None:
    with spinner:
        meter = Meter([])
        assert spinner.stdout is not None
        spinner.stdout.readline()
        usage = meter.stop()
        assert usage.other_cores * usage.wall_s > 0.3


def test_a_tree_holds_a_process_and_its_children(spinner: "subprocess.Popen[bytes]") -> None:
    with spinner:
        assert spinner.pid in children_of(os.getpid())
        assert set(tree_of(os.getpid())) >= {os.getpid(), spinner.pid}
        assert busy_ns() > 0


def test_the_family_meter_counts_children_that_have_ended(spinner: "subprocess.Popen[bytes]") -> None:
    meter = FamilyMeter()
    with subprocess.Popen([sys.executable, "-c", SPIN], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL):
        pass
    with spinner:
        assert 0.35 < meter.stop().cpu_s < 3


def test_a_run_in_a_child_gives_its_values_or_its_last_words(tmp_path: Path) -> None:
    (tmp_path / "values.py").write_text("print('{\"cost\": 1.5}')")
    (tmp_path / "fails.py").write_text("raise SystemExit('no camera')")
    (tmp_path / "hangs.py").write_text("import time\nwhile True: time.sleep(1)")
    assert run_child("values", [], 1, directory=tmp_path) == {"cost": 1.5}
    with pytest.raises(RunFailed, match="no camera"):
        run_child("fails", [], 1, directory=tmp_path)
    with pytest.raises(RunFailed, match="did not end"):
        run_child("hangs", [], 0.2, directory=tmp_path, patience_s=0)
