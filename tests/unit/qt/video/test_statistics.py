from camgraph.qt.video.statistics import FrameCounts, PaintedCounter, WidgetStatistics
from camgraph.ring.reader import ReaderStatistics

MS = 1_000_000


def test_nothing_was_painted():
    nothing = WidgetStatistics(*(0,) * 11, 0.0, 0.0, 0.0, 0, 0)
    assert PaintedCounter().statistics(FrameCounts()) == nothing


def test_what_readers_counted_of_several_rings_is_summed_up_by_reason():
    counts = FrameCounts()
    for received, late, behind, skipped in ((10, 1, 2, 3), (20, 0, 5, 0)):
        of_one = FrameCounts(waiting=1, dropped=2, overdue=3)
        of_one.add_reader(ReaderStatistics(received, late, behind, skipped, 0, 0, 1, 1))
        counts.add(of_one)
    counts.superseded += 1
    assert counts == FrameCounts(41, waiting=2, superseded=4, overdue=6, late=1, behind=7, dropped=4)
    statistics = PaintedCounter().statistics(counts, 40.5)
    assert statistics.lost == 22
    assert (statistics.superseded, statistics.late, statistics.behind, statistics.dropped) == (4, 1, 7, 4)
    assert (statistics.overdue, statistics.delay_ms) == (6, 40.5)
    assert (statistics.published, statistics.waiting) == (41, 2)


def test_rate_and_ages():
    counter = PaintedCounter()
    for number in range(101):
        now_ns = 10_000 * MS + number * 40 * MS
        counter.count((640, 360), now_ns - number * MS, now_ns)
    statistics = counter.statistics(FrameCounts())
    assert statistics.fps == 25.0
    assert (statistics.age_ms_p50, statistics.age_ms_p99) == (50.0, 99.0)
    assert (statistics.width, statistics.height) == (640, 360)
    assert statistics.last_shown_ns - statistics.first_shown_ns == 4000 * MS


def test_those_shown_more_than_ten_milliseconds_late_are_counted():
    counter = PaintedCounter()
    for due_ms in (None, 1000, 991, 990, 989):
        counter.count((640, 360), 0, 1000 * MS, None if due_ms is None else due_ms * MS)
    statistics = counter.statistics(FrameCounts())
    assert (statistics.shown, statistics.shown_late) == (5, 1)
