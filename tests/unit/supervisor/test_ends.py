from camgraph.control.life import Crash
from camgraph.supervisor.ends import told_crashes

S = 1_000_000_000


def test_crashes_are_counted_from_the_first_start_and_told_one_by_one() -> None:
    crashes = [Crash(2 * S, S, "exit code 3"), Crash(5 * S, S // 2, "signal SIGSEGV in f (a.py:1)")]
    assert told_crashes(crashes).splitlines() == [
        "2 crashes in 4.0 s, so it is not started again:",
        "exit code 3, after 1.0 s",
        "signal SIGSEGV in f (a.py:1), after 0.5 s",
    ]
    assert told_crashes(crashes[:1]).startswith("1 crash in 1.0 s")


def test_of_very_many_crashes_the_last_are_told() -> None:
    lines = told_crashes(Crash(at * S, 0, f"exit code {at}") for at in range(1000)).splitlines()
    assert lines[0] == "1000 crashes in 999.0 s, so it is not started again:"
    assert lines[1] == "…"
    assert lines[-1] == "exit code 999, after 0.0 s"
    assert len(lines) == 22
