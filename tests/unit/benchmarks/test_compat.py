import pytest

from benchmarks.compat import family
from benchmarks.compat.runs import run_program
from benchmarks.harness.rounds import Attempt, Contender, Measured, Run
from benchmarks.present.windows import Layout
from camgraph.testing.cameras import Cameras

COUNTS = {"decoded": 500.0, "converted": 350.0, "bgra": 250.0, "rgb24": 100.0, "fmp4": 250.0, "rings": 7.0}


def never(window_s: float) -> Run:
    raise AssertionError


def test_counts_are_the_same_but_for_what_happens_at_the_edges() -> None:
    assert family.differing(COUNTS, COUNTS) == 0
    assert family.differing(COUNTS | {"decoded": 509.0, "rgb24": 97.0}, COUNTS) == 0
    assert family.differing(COUNTS | {"decoded": 512.0, "rgb24": 105.0, "rings": 8.0}, COUNTS) == 3


def test_rows_tell_what_the_documented_api_adds() -> None:
    cost = {"seconds": 5.0, "program_cores": 0.01}
    runs = {
        family.DOCUMENTED: Run(COUNTS | cost | {"cores": 0.21, "converted": 450.0}),
        family.OWN: Run(COUNTS | cost | {"cores": 0.2}),
    }
    contenders = [Contender(family.DOCUMENTED, "ours", never), Contender(family.OWN, "limit", never)]
    rows = family.make_rows(Measured(contenders, [Attempt(runs)] * 3, [], 0))
    cpu, differ, *others = rows
    assert (cpu.ours, cpu.limit, cpu.goal, cpu.ok) == (1.05, 1.0, 1.1, True)
    assert (differ.ours, differ.limit, differ.ok) == (1, None, False)
    told = {row.metric.partition(" ")[0]: (row.ours, row.limit) for row in others[2:]}
    assert told["rings"] == (7, 7)
    assert (rows[4].ours, rows[5].ours, rows[5].limit) == (100, 90, 70)


def test_both_programs_do_the_same() -> None:
    layout = Layout(1, 320, 180)
    with Cameras(count=1, size=layout.size) as cameras:
        documented, own = (
            run_program(f"benchmarks.compat.{name}", cameras, layout, 1.0).values
            for name in ("documented", "own")
        )
    assert family.differing(documented, own) == 0
    assert documented["rings"] == 3
    for name, expected in (("decoded", 25), ("converted", 30), ("bgra", 25), ("rgb24", 5), ("fmp4", 50)):
        assert documented[name] == pytest.approx(expected, abs=6)
    assert 0 < documented["program_cores"] < documented["cores"]
