"""The load of streams from the CPU time that media processes report."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camgraph.control.messages import StreamStatistics
from camgraph.supervisor.loads import LoadMeter

S = 1_000_000_000


def spent(cpu_s: float) -> StreamStatistics:
    return StreamStatistics(
        received=0, decoded=0, dropped=0, conversions=0, attempts=1, cpu_ns=int(cpu_s * 1e9)
    )


def test_one_report_says_nothing_and_two_say_what_was_spent_between_them() -> None:
    meter = LoadMeter()
    meter.update({"door": spent(7.0)}, 10 * S)
    assert meter.cores == {}
    meter.update({"door": spent(7.3)}, 11 * S)
    assert meter.cores["door"] == pytest.approx(0.3)


def test_what_is_new_counts_more_and_more() -> None:
    meter = LoadMeter()
    for second in range(2):
        meter.update({"door": spent(0.1 * second)}, second * S)
    story = []
    for second in range(30):
        meter.update({"door": spent(0.1 + 0.5 * (second + 1))}, (second + 2) * S)
        story.append(meter.cores["door"])
    assert story[0] == pytest.approx(0.1 + 0.4 / 5)
    assert story == sorted(story)
    assert story[-1] == pytest.approx(0.5, abs=0.01)


def test_a_new_process_begins_to_count_anew_without_a_step() -> None:
    meter = LoadMeter()
    for second, cpu_s in enumerate([5.0, 5.2, 0.0, 0.2]):
        meter.update({"door": spent(cpu_s)}, second * S)
        assert meter.cores.get("door", 0.2) == pytest.approx(0.2)


def test_streams_that_are_no_more_are_forgotten() -> None:
    meter = LoadMeter()
    for second in range(2):
        meter.update({"door": spent(second), "yard": spent(second)}, second * S)
    meter.keep_only({"yard": object()})
    assert set(meter.cores) == {"yard"}
    meter.update({"door": spent(9)}, 2 * S)
    assert "door" not in meter.cores


@given(st.lists(st.tuples(st.floats(0.001, 60.0), st.floats(0.0, 4.0)), min_size=1, max_size=20))
def test_the_load_lies_between_the_least_and_the_most_that_was_measured(
    story: list[tuple[float, float]],
) -> None:
    meter = LoadMeter()
    now_s = cpu_s = 0.0
    meter.update({"door": spent(0)}, 0)
    for elapsed_s, cores in story:
        now_s += elapsed_s
        cpu_s += elapsed_s * cores
        meter.update({"door": spent(cpu_s)}, int(now_s * 1e9))
    measured = [cores for _, cores in story]
    assert min(measured) - 1e-3 <= meter.cores["door"] <= max(measured) + 1e-3
