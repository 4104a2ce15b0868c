from camgraph.qt.statistics import PaintedCounter, WidgetStatistics

MS = 1_000_000


def test_nothing_was_painted():
    assert PaintedCounter().statistics() == WidgetStatistics(0, 0, 0, 0, 0.0, 0.0, 0.0, 0, 0)


def test_losses_are_counted_within_a_run_and_not_between_runs():
    counter = PaintedCounter()
    for run, seq in (("a", 5), ("a", 6), ("a", 9), ("b", 100), ("b", 101), ("a", 500), ("a", 502)):
        counter.count(run, seq, (640, 360), 0, MS)
    assert counter.statistics().lost == 3
    assert counter.statistics().shown == 7


def test_rate_and_ages():
    counter = PaintedCounter()
    for number in range(101):
        now_ns = 10_000 * MS + number * 40 * MS
        counter.count("a", number, (640, 360), now_ns - number * MS, now_ns)
    statistics = counter.statistics()
    assert statistics.fps == 25.0
    assert (statistics.age_ms_p50, statistics.age_ms_p99) == (50.0, 99.0)
    assert (statistics.width, statistics.height) == (640, 360)
    assert statistics.last_shown_ns - statistics.first_shown_ns == 4000 * MS
