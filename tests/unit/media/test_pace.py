"""The choice of frames for a rate."""

from collections.abc import Iterable
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camgraph.media.pace import Pace

S = 1_000_000_000
RTP = Fraction(1, 90_000)


def chosen(fps: float, times_ns: list[int]) -> list[int]:
    pace = Pace(fps)
    return [index for index, time_ns in enumerate(times_ns) if pace.accept(None, RTP, time_ns)]


def regular(rate: float, count: int = 1000) -> list[int]:
    return [int(index * S / rate) for index in range(count)]


@pytest.mark.parametrize(("rate", "fps"), [(25, 25), (25, 30), (29.97, 30), (30, 29.97), (50, 50)])
def test_a_rate_that_the_camera_does_not_exceed_takes_every_frame(rate: float, fps: float) -> None:
    assert len(chosen(fps, regular(rate))) >= 998 * min(1, fps / rate)


@pytest.mark.parametrize(("rate", "fps"), [(25, 5), (25, 10), (30, 7), (25, 1), (60, 24), (25, 0.5)])
def test_the_mean_rate_is_the_one_asked_for(rate: float, fps: float) -> None:
    assert len(chosen(fps, regular(rate))) == pytest.approx(1000 / rate * fps, abs=1.5)


def test_thinning_to_a_fifth_is_even() -> None:
    assert chosen(5, regular(25, 50)) == list(range(0, 50, 5))


def test_after_a_gap_it_goes_on_without_catching_up() -> None:
    times = regular(25, 50)
    late = [time_ns + 10 * S for time_ns in times]
    assert len(chosen(5, times + late)) == 20


def test_a_clock_set_back_does_not_stop_the_stream() -> None:
    times = regular(25, 50)
    assert len(chosen(5, [time_ns + 1000 * S for time_ns in times] + times)) == 20


@given(st.lists(st.integers(0, 60_000_000), min_size=2, max_size=300), st.floats(0.5, 60))
def test_no_jitter_exceeds_the_rate(gaps_ns: list[int], fps: float) -> None:
    times, now = [], 0
    for gap_ns in gaps_ns:
        now += gap_ns
        times.append(now)
    most = (times[-1] - times[0]) / S * fps + 2
    assert len(chosen(fps, times)) <= most


def accepted(pace: Pace, frames: Iterable[tuple[int | None, int]]) -> list[bool]:
    return [pace.accept(pts, RTP, arrival_ns) for pts, arrival_ns in frames]


def test_the_choice_is_even_where_arrivals_are_not() -> None:
    frames = [(n * 3600, 7 * S + n * 40_000_000 + n % 3 * 15_000_000) for n in range(100)]
    assert accepted(Pace(5), frames) == [n % 5 == 0 for n in range(100)]


def test_a_first_frame_without_time_fits_in() -> None:
    frames = [(900_000_000 + n * 3600 if n else None, 7 * S + n * 40_000_000) for n in range(20)]
    assert accepted(Pace(5), frames) == [n % 5 == 0 for n in range(20)]


@pytest.mark.parametrize("jump", [-5_000_000, 1 << 32, -(1 << 32)])
def test_a_camera_that_sets_its_clock_changes_nothing(jump: int) -> None:
    frames = [(5_000_000 + n * 3600 + jump * (n > 10), 7 * S + n * 40_000_000) for n in range(50)]
    assert accepted(Pace(5), frames) == [n % 5 == 0 for n in range(50)]
