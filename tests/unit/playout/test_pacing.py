"""When frames are due: in the camera's rhythm, as late as the network needs, all cameras together."""

import itertools
import random
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camgraph.playout.pacing import FASTER, LIVE_NS, MARGIN_NS, SLOWER, Pace, Pacing

MS = 1_000_000
S = 1000 * MS
FRAME = 40 * MS
QUICKEST = 5 * MS


def jittered(count: int, jitter_ms: float, seed: int = 1, start: int = 0) -> Iterator[tuple[int, int]]:
    """Times of frames on their line, and of their publication, in the order in which they come."""
    chance, last = random.Random(seed), 0
    for number in range(count):
        taken = start + number * FRAME
        last = max(last, taken + QUICKEST + round(chance.random() * jitter_ms * MS))
        yield taken, last


def play(pace: Pace, frames: Iterable[tuple[int, int]]) -> list[int]:
    """Return when the frames of a stream are shown: when they are due, or there if that is later."""
    return [max(pace.due_ns(line, published - MS, published), published) for line, published in list(frames)]


def share(values: list[int], of: float) -> int:
    return sorted(values)[int(len(values) * of)]


def off_rhythm(shown: list[int]) -> list[int]:
    return [abs(later - sooner - FRAME) for sooner, later in itertools.pairwise(shown)]


def test_jitter_of_a_whole_frame_does_not_show() -> None:
    frames = list(jittered(3000, 40))
    shown = play(Pacing(longest_ns=500 * MS).join(), frames)[250:]
    assert share(off_rhythm([published for _, published in frames]), 0.95) > 25 * MS
    assert share(off_rhythm(shown), 0.95) <= 2 * MS
    assert share([at - line for at, (line, _) in zip(shown, frames[250:], strict=True)], 0.99) <= 50 * MS


@pytest.mark.parametrize(("jitter_ms", "least_ms", "most_ms"), [(0, 0, 3), (10, 9, 13), (80, 75, 90)])
def test_the_buffer_is_as_long_as_the_jitter(jitter_ms: float, least_ms: int, most_ms: int) -> None:
    pace = Pacing(longest_ns=500 * MS).join()
    play(pace, jittered(500, jitter_ms))
    assert least_ms * MS <= pace.buffer_ns <= most_ms * MS


def test_the_buffer_shrinks_when_the_network_calms_down() -> None:
    pace = Pacing(longest_ns=500 * MS).join()
    shown = play(pace, [*jittered(500, 60), *jittered(500, 0, start=500 * FRAME)])
    assert pace.buffer_ns <= 3 * MS
    assert max(off_rhythm(shown)[505:]) <= FRAME * FASTER + 1


@given(
    steps=st.lists(
        st.tuples(st.integers(0, 400 * MS), st.sampled_from([0, 0, 0, 0, 0, -30 * S, 30 * S, 3600 * S])),
        min_size=2,
        max_size=60,
    ),
    longest_ms=st.sampled_from([20, 100, 500]),
)
def test_no_frame_waits_for_longer_than_was_allowed_whatever_clocks_do(
    steps: list[tuple[int, int]], longest_ms: int
) -> None:
    pace = Pacing(longest_ns=longest_ms * MS).join()
    now = line = last_published = 0
    for late, jump in steps:
        now, line = now + FRAME, line + FRAME + jump
        published = last_published = max(now + late, last_published)
        due = pace.due_ns(line, published, published)
        # A jump by less than the network could have made is taken for its doing, at most once.
        assert due - published <= longest_ms * MS
        assert 0 <= pace.buffer_ns <= longest_ms * MS


@given(jitters=st.lists(st.integers(0, 60 * MS), min_size=60, max_size=200))
def test_nobody_sees_a_delay_change(jitters: list[int]) -> None:
    pace = Pacing(longest_ns=500 * MS).join()
    published = [number * FRAME + jitter for number, jitter in enumerate(jitters)]
    due = [pace.due_ns(number * FRAME, at, at) for number, at in enumerate(published)]
    begun = 30
    for sooner, later in zip(due[begun:], due[begun + 1 :], strict=False):
        assert FRAME * (1 - FASTER) - 1 <= later - sooner <= FRAME * (1 + SLOWER) + 1


def test_a_line_that_begins_anew_keeps_the_rhythm_and_the_buffer() -> None:
    pace = Pacing(longest_ns=500 * MS).join()
    play(pace, jittered(500, 30))
    before = pace.buffer_ns
    pace.restart()
    again = [(line, at + 22 * S) for line, at in jittered(100, 30)]
    shown = play(pace, again)
    assert abs(pace.buffer_ns - before) <= 5 * MS
    assert share(off_rhythm(shown), 0.95) <= FRAME * SLOWER + 1


@pytest.mark.parametrize("jump", [-3600 * S, 3600 * S])
def test_a_clock_that_is_set_is_followed(jump: int) -> None:
    pace = Pacing(longest_ns=500 * MS).join()
    play(pace, jittered(500, 30))
    after = [(line + jump, at) for line, at in jittered(200, 30, start=500 * FRAME)]
    shown = play(pace, after)
    assert share(off_rhythm(shown), 0.9) <= 4 * MS
    assert max(at - published for at, (_, published) in zip(shown, after, strict=True)) <= 100 * MS


def test_a_beginning_that_is_late_makes_nothing_late() -> None:
    burst = [(number * FRAME, 300 * MS) for number in range(7)]
    pace = Pacing(longest_ns=500 * MS).join()
    play(pace, [*burst, *jittered(50, 0, start=7 * FRAME)])
    assert pace.buffer_ns <= 3 * MS


def test_a_stall_that_no_delay_could_hide_adds_none() -> None:
    before, after = jittered(500, 10), jittered(250, 10, start=540 * FRAME)
    burst = [(number * FRAME, 539 * FRAME + number % 500 * MS) for number in range(500, 540)]
    pace = Pacing(longest_ns=500 * MS).join()
    play(pace, before)
    shown = play(pace, [*burst, *after])
    assert pace.buffer_ns <= 15 * MS
    assert max(off_rhythm(shown)[45:]) <= 3 * MS


def test_a_way_that_is_longer_from_now_on_is_followed() -> None:
    pace = Pacing(longest_ns=100 * MS).join()
    play(pace, jittered(500, 30))
    longer = [(line, at + 400 * MS) for line, at in jittered(200, 30, start=500 * FRAME)]
    shown = play(pace, longer)
    assert share(off_rhythm(shown[50:]), 0.95) <= 4 * MS


def test_a_fixed_delay_is_kept_whatever_the_network_does() -> None:
    pace = Pacing(least_ns=300 * MS).join()
    assert {pace.due_ns(line, at, at) - line for line, at in jittered(100, 200)} == {300 * MS}
    assert pace.buffer_ns == 300 * MS


@pytest.mark.parametrize(
    "pacing", [Pacing(least_ns=0), Pacing(least_ns=20 * MS), Pacing(longest_ns=100 * MS)]
)
def test_frames_are_held_for_who_has_something_to_say(pacing: Pacing) -> None:
    pace = pacing.join()
    play(pace, jittered(100, 10))
    before = pace.buffer_ns
    pace.hold_ns = 120 * MS
    frames = [(line, published) for line, published in jittered(200, 10, start=100 * FRAME)]
    due = [pace.due_ns(line, at, at) for line, at in frames]
    assert max(off_rhythm(due)) <= FRAME * SLOWER + 1
    assert all(when >= at + 118 * MS for when, (_, at) in list(zip(due, frames, strict=True))[100:])
    assert due[-1] - frames[-1][0] <= 140 * MS
    pace.hold_ns = 0
    play(pace, jittered(200, 10, start=300 * FRAME))
    assert abs(pace.buffer_ns - before) <= 2 * MS


def test_cameras_in_step_wait_for_the_slowest() -> None:
    pacing = Pacing(longest_ns=500 * MS)
    quick, slow = pacing.join(), pacing.join()
    frames = sorted(
        [
            *((at, line, quick) for line, at in jittered(500, 5)),
            *((at + 90 * MS, line, slow) for line, at in jittered(500, 20, seed=2)),
        ],
        key=lambda it: it[0],
    )
    shown: dict[int, list[int]] = {}
    for at, line, pace in frames:
        shown.setdefault(line, []).append(max(at, pace.due_ns(line, at, at)))
    apart = [max(times) - min(times) for times in shown.values()][100:]
    assert share(apart, 0.97) <= 5 * MS
    assert 110 * MS <= pacing.delay_ns <= 122 * MS


@given(
    later_ms=st.lists(st.integers(0, 300), min_size=2, max_size=4),
    jitter_ms=st.integers(0, 60),
    longest_ms=st.sampled_from([50, 500]),
)
def test_what_was_taken_at_one_moment_is_due_at_one_moment(
    later_ms: list[int], jitter_ms: int, longest_ms: int
) -> None:
    pacing = Pacing(longest_ns=longest_ms * MS)
    paces = [pacing.join() for _ in later_ms]
    frames = sorted(
        (at + later * MS, line, number)
        for number, later in enumerate(later_ms)
        for line, at in jittered(100, jitter_ms, seed=number)
    )
    due: dict[int, list[int]] = {}
    for at, line, number in frames:
        due.setdefault(line, []).append(paces[number].due_ns(line, at, at))
    after = [times for line, times in due.items() if line >= 50 * FRAME]
    # The delay changes while they come, by as much as it may.
    assert max(max(times) - min(times) for times in after) <= 360 * MS * SLOWER
    needed = max(later_ms) + jitter_ms
    assert pacing.delay_ns <= min(needed * MS, (min(later_ms) + longest_ms + jitter_ms) * MS) + 2 * QUICKEST


def test_one_that_is_away_or_has_left_holds_up_nobody() -> None:
    for leaves in (True, False):
        pacing = Pacing(longest_ns=500 * MS)
        stays, goes = pacing.join(), pacing.join()
        play(goes, [(line, at + 200 * MS) for line, at in jittered(50, 0)])
        if leaves:
            goes.leave()
        play(stays, jittered(300, 0, start=50 * FRAME + LIVE_NS))
        assert pacing.delay_ns == pytest.approx(QUICKEST + MARGIN_NS, abs=MS)


def test_nobody_waits_longer_than_allowed_for_one_that_is_far_behind() -> None:
    pacing = Pacing(longest_ns=100 * MS)
    quick, slow = pacing.join(), pacing.join()
    for line, at in jittered(300, 0):
        slow.due_ns(line - 3 * S, at, at)
        assert quick.due_ns(line, at, at) <= at + 100 * MS


@pytest.mark.parametrize("start", [0, 1_700_000_000 * S])
def test_who_has_left_shows_what_it_still_gets_as_late_as_before(start: int) -> None:
    pacing = Pacing(longest_ns=500 * MS)
    pace = pacing.join()
    frames = [(line - start, published) for line, published in jittered(100, 40, start=start)]
    play(pace, frames[:50])
    before = pacing.delay_ns
    pace.leave()
    for line, published in frames[50:]:
        assert pace.due_ns(line, published - MS, published) == line + before
    assert pacing.join().due_ns(0, S, S) == pytest.approx(S, abs=5 * MS)


def test_a_stall_in_the_first_second_is_got_over() -> None:
    pacing = Pacing(longest_ns=200 * MS)
    pace = pacing.join()
    # Two pictures a second: of the first half of the second nothing is left to compare with.
    for line_ms, published_ms in ((0, 5), (500, 900), (1000, 1300)):
        pace.due_ns(line_ms * MS, published_ms * MS, published_ms * MS)
    waits = []
    for number in range(3, 100):
        line = number * 500 * MS
        published = line + 50 * MS
        waits.append(pace.due_ns(line, line, published) - published)
    assert max(waits[40:]) <= 2 * MARGIN_NS
    assert min(waits[40:]) >= 0


def test_a_clock_that_is_set_concerns_no_other_stream() -> None:
    pacing = Pacing(longest_ns=500 * MS)
    one, other = pacing.join(), pacing.join()
    for line, published in jittered(100, 10):
        one.due_ns(line, published - MS, published)
        other.due_ns(line, published - MS, published)
    one.leave()
    at, before = 100 * FRAME, pacing.delay_ns
    one.due_ns(at + S, at, at + QUICKEST)
    assert pacing.delay_ns == pytest.approx(before, abs=5 * MS)
    alone = Pacing(longest_ns=500 * MS).join()
    play(alone, jittered(100, 10))
    alone.leave()
    shown = play(alone, [(line + 1000 * S, published) for line, published in jittered(50, 10, start=at)])
    assert max(off_rhythm(shown)) <= 10 * MS
    assert max(shown) <= at + 50 * FRAME + 20 * MS
