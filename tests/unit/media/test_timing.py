"""The times of a stream's pictures, told of simulated cameras whose true times are known."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camgraph.media.sources.timing import CaptureClock, Placed

MS, S, DAY = 1_000_000, 1_000_000_000, 86_400_000_000_000
WALL = 1_700_000_000 * S
"""Wall clock - true time."""
BEGAN = 5_000 * S
"""True time, which is CLOCK_MONOTONIC, of a camera's first picture."""


class Seen(NamedTuple):
    taken_ns: int
    placed: Placed
    offset_ns: int


@dataclass
class Camera:
    """What a camera does; where `jumps` says so its timestamps go on elsewhere, from that picture on."""

    fps: float = 25.0
    rate: int = 90_000
    first: int = 0
    ppm: float = 0.0
    delay_ms: float = 5.0
    jitter_ms: float = 0.0
    seed: int = 0
    jumps: dict[int, int] = field(default_factory=dict)
    lost: frozenset[int] = frozenset()
    stalls: dict[int, float] = field(default_factory=dict)
    """Nothing arrives until so many ms after this picture was taken."""
    reports_s: float = 0.0
    """From one sender report to the next; 0: it sends none."""
    clock_ahead_ns: int = 0
    wrong_reports: dict[int, int] = field(default_factory=dict)
    """Of these reports, the wall clock is wrong by so many ns more."""
    report_late_ms: float = 0.0

    def watch(self, frames: int) -> list[Seen]:
        """Return its pictures as a clock places them."""
        clock, chance = CaptureClock(self.rate), random.Random(self.seed)
        ticks, arrival, seen = float(self.first), 0, []
        next_report, reports = 0.0, 0
        for n in range(frames):
            taken = BEGAN + int(n * S / self.fps)
            ticks += self.rate / self.fps * (1 + self.ppm * 1e-6) if n else 0
            ticks += self.jumps.get(n, 0)
            ready = taken + int((self.delay_ms + chance.random() * self.jitter_ms) * MS)
            arrival = max(arrival + 1000, ready, taken + int(self.stalls.get(n, 0) * MS))
            if n in self.lost:
                continue
            timestamp = int(ticks) % (1 << 32)
            if self.reports_s and n / self.fps >= next_report:
                ntp = WALL + taken + self.clock_ahead_ns + int((taken - BEGAN) * self.ppm * 1e-6)
                ntp += self.wrong_reports.get(reports, 0)
                came = arrival + int(self.report_late_ms * MS)
                clock.sender_report(ntp, timestamp, came, WALL + came)
                next_report += self.reports_s
                reports += 1
            seen.append(Seen(taken, clock.place(timestamp, arrival, WALL + arrival), clock.clock_offset_ns))
        return seen


def worst_interval_ns(seen: Sequence[Seen]) -> int:
    """Return by how much the interval of two pictures in a row is wrong at most."""
    return max(
        abs((b.placed.capture_ns - a.placed.capture_ns) - (b.taken_ns - a.taken_ns))
        for a, b in pairwise(seen)
    )


def errors_ns(seen: Iterable[Seen]) -> list[int]:
    """Return by how much later than they were taken the pictures are said to be taken."""
    return [each.placed.capture_ns - WALL - each.taken_ns for each in seen]


def check_order(seen: Sequence[Seen]) -> None:
    for a, b in pairwise(seen):
        assert a.placed.pts <= b.placed.pts
        assert a.placed.capture_ns <= b.placed.capture_ns
    for each in seen:
        assert each.placed.capture_ns <= WALL + each.placed.arrival_ns


def test_pictures_of_a_quiet_network_are_taken_when_they_came() -> None:
    seen = Camera(delay_ms=5).watch(100)
    assert [each.placed.pts for each in seen] == [3600 * n for n in range(100)]
    assert set(errors_ns(seen)) == {5 * MS}
    assert {each.placed.quality for each in seen} == {"arrival"}
    assert {each.offset_ns for each in seen} == {0}


def test_jitter_does_not_show() -> None:
    seen = Camera(jitter_ms=30, seed=1).watch(25 * 60)
    later = seen[25 * 5 :]
    assert worst_interval_ns(later) < 0.5 * MS
    assert all(5 * MS <= error < 7 * MS for error in errors_ns(later))


JUMPS = st.integers(-(1 << 31), 1 << 31) | st.integers(-90_000, 90_000) | st.integers(-10_000, 10_000)


@settings(max_examples=200)
@given(
    fps=st.sampled_from([1.0, 5.0, 12.5, 25.0, 29.97, 60.0]),
    ppm=st.floats(-200, 200),
    first=st.integers(0, (1 << 32) - 1),
    jitter=st.floats(0, 1),
    jumps=st.dictionaries(st.sampled_from(range(30, 300, 30)), JUMPS, max_size=8),
    seed=st.integers(0, 1000),
    reports_s=st.sampled_from([0.0, 0.5, 5.0]),
    ahead_ns=st.sampled_from([0, 2 * S, -2 * S, DAY, -DAY]),
    wrong=st.dictionaries(st.integers(0, 20), st.integers(-DAY, DAY), max_size=3),
    late_ms=st.floats(0, 2000),
)
def test_intervals_stay_within_a_frame_whatever_the_camera_does(
    fps: float,
    ppm: float,
    first: int,
    jitter: float,
    jumps: dict[int, int],
    seed: int,
    reports_s: float,
    ahead_ns: int,
    wrong: dict[int, int],
    late_ms: float,
) -> None:
    # Jumps of less than a frame can't be told from jitter, and add up.
    seen_jumps = {n: jump for n, jump in jumps.items() if len(jumps) == 1 or abs(jump) * fps >= 90_000}
    camera = Camera(
        fps,
        first=first,
        ppm=ppm,
        jitter_ms=jitter * 900 / fps,
        jumps=seen_jumps,
        seed=seed,
        reports_s=reports_s,
        clock_ahead_ns=ahead_ns,
        wrong_reports=wrong,
        report_late_ms=late_ms,
    )
    seen = camera.watch(300)
    check_order(seen)
    assert worst_interval_ns(seen) <= 1.05 * S / fps


@settings(max_examples=100)
@given(
    lost=st.frozensets(st.integers(1, 299), max_size=60),
    stalls=st.dictionaries(st.integers(0, 299), st.floats(0, 4000), max_size=4),
    seed=st.integers(0, 1000),
    first=st.integers(0, (1 << 32) - 1),
)
def test_loss_and_stalls_do_not_show(
    lost: frozenset[int], stalls: dict[int, float], seed: int, first: int
) -> None:
    steady = Camera(jitter_ms=20, first=first, seed=seed).watch(100)
    seen = Camera(
        jitter_ms=20,
        first=first,
        seed=seed,
        lost=lost - set(range(10)),
        stalls={n + 10: ms for n, ms in stalls.items()},
    ).watch(300)
    check_order(seen)
    assert worst_interval_ns(seen) <= max(20 * MS, worst_interval_ns(steady))


@pytest.mark.parametrize("ppm", [-200, 200])
def test_a_drifting_camera_is_followed(ppm: int) -> None:
    seen = Camera(ppm=ppm, jitter_ms=10, seed=3).watch(25 * 600)
    later = seen[25 * 60 :]
    assert worst_interval_ns(later) < 2 * MS
    # Ten minutes of drift are 120 ms; the window's lag is 4 ms of it.
    assert all(0 <= error <= 12 * MS for error in errors_ns(later))


def test_the_right_clock_of_a_camera_is_believed_at_once() -> None:
    seen = Camera(delay_ms=180, jitter_ms=40, reports_s=5).watch(1000)
    assert {each.placed.quality for each in seen} == {"rtcp"}
    assert max(map(abs, errors_ns(seen))) < 0.1 * MS
    assert -230 * MS < seen[-1].offset_ns < -180 * MS


def test_a_report_that_comes_late_is_gone_over_to_smoothly() -> None:
    clock, seen = CaptureClock(90_000), []
    for n in range(25 * 40):
        taken = BEGAN + n * 40 * MS
        arrival = taken + 180 * MS
        if n == 250:
            clock.sender_report(WALL + taken, n * 3600, arrival, WALL + arrival)
        seen.append(Seen(taken, clock.place(n * 3600, arrival, WALL + arrival), clock.clock_offset_ns))
    check_order(seen)
    assert worst_interval_ns(seen) <= 2 * MS
    qualities = [each.placed.quality for each in seen]
    there = qualities.index("rtcp")
    assert 250 < there < 250 + 25 * 15
    assert set(qualities[there:]) == {"rtcp"}
    assert max(map(abs, errors_ns(seen[there:]))) <= 10 * MS


@pytest.mark.parametrize("ahead_ns", [DAY, -DAY, 2 * S, -2 * S, -BEGAN - WALL + S])
def test_a_wrong_clock_is_told_and_not_believed(ahead_ns: int) -> None:
    seen = Camera(delay_ms=20, jitter_ms=10, reports_s=5, clock_ahead_ns=ahead_ns).watch(1000)
    assert {each.placed.quality for each in seen} == {"arrival"}
    assert abs(seen[-1].offset_ns - ahead_ns) < 25 * MS
    assert all(0 <= error <= 30 * MS for error in errors_ns(seen))


def test_one_wrong_report_among_right_ones_counts_for_nothing() -> None:
    seen = Camera(delay_ms=20, reports_s=1, wrong_reports={3: DAY, 9: -DAY, 14: 40 * MS}).watch(600)
    assert {each.placed.quality for each in seen} == {"rtcp"}
    assert max(map(abs, errors_ns(seen))) < 0.1 * MS


def test_a_clock_that_the_camera_sets_right_is_believed_then() -> None:
    wrong = dict.fromkeys(range(5), DAY)
    seen = Camera(delay_ms=100, reports_s=1, wrong_reports=wrong).watch(25 * 30)
    check_order(seen)
    assert worst_interval_ns(seen) <= 2 * MS
    assert [seen[25 * at].placed.quality for at in (4, 29)] == ["arrival", "rtcp"]
    assert abs(seen[25 * 4].offset_ns - DAY) < S
    assert abs(seen[-1].offset_ns) < S


def test_a_camera_that_reports_no_longer_is_believed_for_a_minute() -> None:
    clock = CaptureClock(90_000)
    clock.sender_report(WALL + BEGAN, 0, BEGAN, WALL + BEGAN)
    qualities = {}
    for n in range(25 * 90):
        arrival = BEGAN + n * 40 * MS + 5 * MS
        qualities[n // 25] = clock.place(n * 3600, arrival, WALL + arrival).quality
    assert (qualities[0], qualities[59], qualities[61]) == ("rtcp", "rtcp", "arrival")
    assert clock.clock_offset_ns == 0


def test_a_sender_without_a_clock_says_so() -> None:
    clock = CaptureClock(90_000)
    clock.sender_report(-2_208_988_800 * S, 0, BEGAN, WALL + BEGAN)
    assert clock.place(0, BEGAN, WALL + BEGAN).quality == "arrival"
    assert clock.clock_offset_ns == 0


def test_a_report_of_the_timeline_to_come_waits_for_it() -> None:
    clock = CaptureClock(90_000)
    for n in range(50):
        arrival = BEGAN + n * 40 * MS
        clock.place(n * 3600, arrival, WALL + arrival)
    after = 3_000_000_000
    arrival = BEGAN + 2 * S
    clock.sender_report(WALL + arrival + DAY, after, arrival, WALL + arrival)
    assert clock.clock_offset_ns == 0
    clock.place(after, arrival, WALL + arrival)
    assert abs(clock.clock_offset_ns - DAY) < MS


def test_pictures_sent_out_of_order_keep_their_places() -> None:
    shown = [0, 4, 2, 1, 3, 8, 6, 5, 7, 12, 10, 9, 11]
    clock = CaptureClock(90_000)
    placed = [
        clock.place(900 + n * 3600, BEGAN + at * 40 * MS, WALL + BEGAN + at * 40 * MS)
        for at, n in enumerate(shown)
    ]
    assert [each.pts for each in placed] == [n * 3600 for n in shown]
    in_order = sorted(placed)
    assert all(36 * MS <= b.capture_ns - a.capture_ns <= 44 * MS for a, b in pairwise(in_order[1:]))


def test_parts_of_a_picture_share_its_time() -> None:
    clock = CaptureClock(90_000)
    placed = [
        clock.place(n * 3600, BEGAN + (n * 40 + part) * MS, WALL + BEGAN + (n * 40 + part) * MS)
        for n in range(5)
        for part in (0, 1)
    ]
    assert [each.pts for each in placed] == [n * 3600 for n in range(5) for _ in range(2)]


def test_timestamps_that_stand_still_are_replaced_by_arrival() -> None:
    clock = CaptureClock(90_000)
    arrivals = [BEGAN + n * 40 * MS for n in range(100)]
    placed = [clock.place(7, arrival, WALL + arrival) for arrival in arrivals]
    assert [each.pts for each in placed] == [n * 3600 for n in range(100)]
    assert [each.capture_ns - WALL for each in placed] == arrivals


def test_a_pause_is_as_long_as_it_was() -> None:
    clock = CaptureClock(90_000)
    for n in range(50):
        last = clock.place(n * 3600, BEGAN + n * 40 * MS, WALL + BEGAN + n * 40 * MS)
    arrival = BEGAN + 50 * 40 * MS + 60 * S
    after = clock.place(50 * 3600, arrival, WALL + arrival)
    assert after.capture_ns - last.capture_ns == pytest.approx(60 * S + 40 * MS, abs=40 * MS)


@pytest.mark.parametrize("set_by_ns", [3600 * S, -3600 * S])
def test_our_own_clock_being_set_is_followed_at_once(set_by_ns: int) -> None:
    clock = CaptureClock(90_000)
    for n in range(50):
        arrival = BEGAN + n * 40 * MS
        wall = WALL + arrival + (set_by_ns if n >= 25 else 0)
        assert clock.place(n * 3600, arrival, wall).capture_ns == wall
