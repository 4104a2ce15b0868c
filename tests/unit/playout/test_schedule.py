"""When frames are shown: the newest that is due, each frame at most once, none kept for ever."""

from hypothesis import given
from hypothesis import strategies as st

from camgraph.playout.schedule import MOST_WAITING, SOONEST_NS, Schedule, waiting_frames

MS = 1_000_000
NOW = 1_700_000_000_000 * MS


def test_a_frame_is_shown_so_long_after_its_capture() -> None:
    schedule = Schedule[str](300)
    assert schedule.offer("one", NOW, NOW + 40 * MS)
    assert schedule.next_due_ns == NOW + 300 * MS
    assert schedule.take(NOW + 299 * MS) == (None, [])
    assert schedule.take(NOW + 300 * MS) == ("one", [])
    assert schedule.next_due_ns is None


def test_of_several_that_are_due_only_the_newest_is_shown() -> None:
    schedule = Schedule[str](100)
    for name, captured in (("two", 40), ("one", 0), ("three", 80)):
        assert schedule.offer(name, NOW + captured * MS, NOW)
    assert schedule.take(NOW + 150 * MS) == ("two", ["one"])
    assert schedule.take(NOW + 180 * MS) == ("three", [])


def test_what_comes_from_too_far_in_the_future_is_not_taken() -> None:
    schedule = Schedule[str](100)
    assert schedule.is_too_early(NOW + 401 * MS, NOW)
    assert not schedule.offer("far", NOW + 401 * MS, NOW)
    assert not schedule.is_too_early(NOW + 400 * MS, NOW)
    assert schedule.offer("near", NOW + 400 * MS, NOW)
    assert Schedule[str](0).offer("clocks differ", NOW + SOONEST_NS, NOW)


def test_a_delay_is_as_long_as_frames_can_wait() -> None:
    assert Schedule[str](500).delay_ms == 500
    assert Schedule[str](10_000).delay_ms == MOST_WAITING * 1000 // 30
    assert (waiting_frames(0), waiting_frames(1), waiting_frames(100)) == (0, 1, 3)


def test_where_there_is_no_room_the_oldest_is_due_at_once() -> None:
    schedule = Schedule[int](100)
    for number in range(4):
        schedule.offer(number, NOW + number * MS, NOW)
    assert schedule.take(NOW) == (0, [])
    assert len(schedule) == schedule.room == 3


@given(
    st.integers(0, 2000),
    st.lists(st.tuples(st.integers(-500, 3000), st.integers(0, 200)), max_size=80),
)
def test_each_frame_comes_out_once_and_never_before_its_time(
    delay_ms: int, frames: list[tuple[int, int]]
) -> None:
    schedule = Schedule[int](delay_ms)
    now, taken, refused, captured = NOW, [], 0, {}
    for number, (ahead_ms, later_ms) in enumerate(frames):
        now += later_ms * MS
        captured[number] = now + ahead_ms * MS
        accepted = schedule.offer(number, captured[number], now)
        refused += not accepted
        assert accepted == (
            captured[number] + schedule.delay_ms * MS - now <= max(5 * delay_ms, 100) * MS
        ) or (schedule.delay_ms != delay_ms)
        crowded = len(schedule) > schedule.room
        shown, passed = schedule.take(now)
        assert len(schedule) <= schedule.room
        if shown is not None:
            assert crowded or captured[shown] + schedule.delay_ms * MS <= now
            assert all(captured[it] <= captured[shown] for it in passed)
        taken += passed + ([] if shown is None else [shown])
        due = schedule.next_due_ns
        assert due is None or due > now
    taken += schedule.clear()
    assert len(taken) == len(set(taken)) == len(frames) - refused
