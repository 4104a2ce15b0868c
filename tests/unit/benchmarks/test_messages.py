import os

import pytest

from benchmarks.harness.child import run_child
from benchmarks.harness.rounds import Attempt, Contender, Measured, Run
from benchmarks.messages import family
from benchmarks.messages.placing import apart
from benchmarks.messages.speaking import serve


def never(window_s: float) -> Run:
    raise AssertionError


def measured(**runs: dict[str, float]) -> Measured:
    names = {"notifier": family.NOTIFIER, "thread": family.THREAD, "limit": family.LIMIT, "queue": "Queue"}
    roles = {"notifier": "ours", "thread": "ours", "limit": "limit", "queue": "peer"}
    contenders = [Contender(names[each], roles[each], never) for each in runs]  # type: ignore[arg-type]
    attempt = Attempt({names[each]: Run(values) for each, values in runs.items()})
    return Measured(contenders, [attempt] * 3, [], 0)


def test_a_row_tells_of_one_of_our_ways_and_of_all_peers() -> None:
    trips = measured(
        notifier={"trip_p50_us": 60.0, "trip_p99_us": 90.0},
        thread={"trip_p50_us": 84.0, "trip_p99_us": 120.0},
        queue={"trip_p50_us": 100.0, "trip_p99_us": 200.0},
        limit={"trip_p50_us": 40.0, "trip_p99_us": 70.0},
    )
    rows = {row.metric: row for row in family.make_rows(trips, 8, "trips")}
    assert len(rows) == 6
    notified = rows["round trip p50 against bare Pipe, notifiers, 8 processes"]
    assert (notified.ours, notified.goal, notified.ok) == (1.5, 1.6, True)
    assert (notified.peers, notified.limit) == ({"Queue": 2.5}, 1.0)
    threaded = rows["round trip p50 against bare Pipe, QThread, 8 processes"]
    assert (threaded.ours, threaded.goal, threaded.ok) == (2.1, 2.0, False)
    assert rows["round trip p99, QThread, 8 processes"].ours == 120


def test_a_peer_that_tells_no_death_is_left_out() -> None:
    lives = {"start_ms": 90.0, "death_max_ms": 3.0}
    told = measured(
        notifier=lives, thread=lives | {"death_max_ms": 21.0}, queue={"start_ms": 40.0}, limit=lives
    )
    rows = {row.metric: row for row in family.make_rows(told, 1, "live")}
    assert rows["start until the first message, notifiers"].peers == {"Queue": 40}
    death = rows["death → notice, QThread"]
    assert (death.peers, death.limit, death.ok) == ({}, 3, False)


def test_the_goal_of_the_timer_is_on_the_most_processes() -> None:
    chatter = {"chatter_cpu_us": 60.0, "late_p99_ms": 4.0}
    runs = measured(notifier=chatter, thread=chatter)
    assert [row.ok for row in family.make_rows(runs, family.MOST, "chatter")] == [None, None, True, True]
    assert [row.ok for row in family.make_rows(runs, 8, "chatter")] == [None] * 4


def test_a_back_end_answers_and_speaks_as_it_is_asked() -> None:
    asked = iter([7, (3, 0.0), (2, 1000.0), 8, None])
    sent: list[int] = []
    serve(lambda: next(asked), sent.append)
    assert sent == [7, 0, 1, 2, 0, 1, 8]


def test_both_sides_are_kept_apart_and_let_go_again() -> None:
    before = os.sched_getaffinity(0)
    with apart([]):
        assert len(os.sched_getaffinity(0)) == 1
    assert os.sched_getaffinity(0) == before


PHASES = {
    "live": {"start_ms"},
    "trips": {"trip_p50_us", "trip_p99_us", "other_cores"},
    "flood": {"per_s", "flood_cpu_us", "other_cores"},
    "chatter": {"late_p50_ms", "late_p99_ms", "chatter_cpu_us", "other_cores"},
}


@pytest.mark.parametrize(
    ("transport", "phases", "told"),
    [
        ("camgraph_notifier", "live,trips", {"death_p50_ms", "death_max_ms"}),
        ("camgraph_thread", "flood,chatter", set()),
        ("mp_queue", "live,chatter", set()),
        ("pipe_thread", "trips,flood", set()),
    ],
)
def test_every_phase_of_a_run_gives_its_values(transport: str, phases: str, told: set[str]) -> None:
    arguments = [transport, "2", phases, "0.4"]
    values = run_child("benchmarks.messages.program", arguments, 0.4, patience_s=40)
    assert set(values) == {"other_cores"}.union(told, *(PHASES[phase] for phase in phases.split(",")))
    assert all(value > 0 for name, value in values.items() if name != "other_cores")


def test_the_limit_is_measured_with_the_same_names() -> None:
    values = run_child("benchmarks.messages.bare", ["1", "0.2"], 0.2)
    assert {"start_ms", "death_max_ms", "trip_p50_us", "trip_p99_us", "other_cores"} <= set(values)
