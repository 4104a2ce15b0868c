"""Results belong to their pictures: the pure part by all sorts of orders, the rest by pixels."""

import time
from collections import deque

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from camgraph.qt import Mask, VideoWidget
from camgraph.qt.video.results import Results
from camgraph.ring.frame import FrameKey

MS = 1_000_000


def key(number, arrival=None, epoch=1, pts=True):
    """Frame `number` in the order of display, at 25 frames a second."""
    place = number if arrival is None else arrival
    return FrameKey(epoch, 10**9 + place * 40 * MS, number * 3600 if pts else None)


def counts(results):
    told = results.statistics(0)
    return told.in_time, told.late, told.never, told.waiting


def test_a_result_is_drawn_on_its_own_picture_and_stands_until_that_of_the_next():
    results = Results[str](stands_ms=1000)
    assert results.show(key(0)) is None
    results.add(key(3), "three", 0)
    results.add(key(1), "one", 0)
    assert [results.show(key(n)) for n in (1, 1, 2, 3, 4)] == ["one", "one", "one", "three", "three"]
    assert counts(results) == (2, 0, 0, 0)


def test_nothing_found_is_a_result_too():
    results = Results[tuple[str, ...]](stands_ms=1000)
    results.add(key(1), ("car",), 0)
    results.add(key(2), (), 0)
    assert [results.show(key(n)) for n in (1, 2)] == [("car",), ()]


def test_a_result_stands_for_a_while_only():
    results = Results[str](stands_ms=80)
    results.add(key(1), "one", 0)
    assert [results.show(key(n)) for n in (1, 2, 3, 4)] == ["one", "one", "one", None]


def test_a_late_result_is_drawn_from_the_next_picture_on():
    results = Results[str](stands_ms=80)
    for number in range(6):
        results.show(key(number))
    assert not results.add(key(2), "two", 0)
    assert [results.show(key(n)) for n in (5, 6, 7, 8, 9)] == [None, "two", "two", "two", None]
    assert counts(results) == (0, 1, 0, 0)


def test_a_late_result_of_the_picture_that_still_stands_is_drawn_at_once():
    results = Results[str](stands_ms=80)
    results.show(key(1))
    assert results.add(key(1), "one", 0)
    assert results.show(key(1)) == "one"
    assert counts(results) == (0, 1, 0, 0)


def test_a_result_whose_picture_the_widget_has_not_is_drawn_on_the_first_after_it():
    results = Results[str](stands_ms=200)
    results.show(key(0))
    results.add(key(4), "four", 0)
    results.add(key(6), "six", 0)
    assert [results.show(key(n)) for n in (3, 5, 8)] == [None, "four", "six"]
    results.add(key(9), "nine", 0)
    assert results.show(key(30)) is None, "that is long ago"
    assert counts(results) == (2, 0, 1, 0)


def test_an_older_result_than_the_one_that_stands_is_never_drawn():
    results = Results[str](stands_ms=1000)
    results.add(key(5), "five", 0)
    results.show(key(5))
    results.add(key(3), "three", 0)
    assert results.show(key(6)) == "five"
    assert counts(results) == (1, 0, 1, 0)


def test_timestamps_that_begin_anew_do_not_mix_results_up():
    results = Results[str](stands_ms=1000)
    results.show(key(700, arrival=10))
    results.add(key(2, arrival=30), "of the new connection", 0)
    results.add(key(702, arrival=12), "of the old one, which went", 0)
    assert results.show(key(1, arrival=29)) is None
    assert results.show(key(2, arrival=30)) == "of the new connection"
    for number in range(3, 300):
        results.add(key(number, arrival=number + 28), str(number), 0)
        assert results.show(key(number, arrival=number + 28)) == str(number)
    assert counts(results) == (298, 0, 1, 0)


def test_results_of_the_camera_that_was_shown_before_are_not_drawn():
    results = Results[str](stands_ms=1000)
    results.add(key(1), "one", 0)
    results.clear(key(3).arrival_ns)
    results.add(key(2), "two", 0)
    assert results.show(key(4)) is None
    assert counts(results) == (0, 0, 2, 0)


def test_what_waits_is_bounded():
    results = Results[str](stands_ms=1000)
    for number in range(1000):
        results.add(key(number), str(number), 0)
    assert counts(results) == (0, 0, 744, 256)


def test_the_latency_is_that_of_most_results():
    results = Results[str](stands_ms=1000)
    for number in range(100):
        results.add(key(number), "", key(number).arrival_ns + (200 if number % 50 == 7 else 120) * MS)
    assert results.latency_ms(0.95) == 120
    results.show(key(100))
    assert not results.is_silent(1000 * MS)
    results.show(key(140))
    assert results.is_silent(1000 * MS)


GROUPS = [[0], [2, 0, 1], [3, 1, 0, 2]]
"""Arrivals of pictures in the order of display: of none, two or three pictures that refer to a later one."""


@st.composite
def plays(draw):
    """Frames in the order of display, how many frames later each one's result comes, and which are shown."""
    arrivals: list[int] = []
    for group in draw(st.lists(st.sampled_from(GROUPS), min_size=1, max_size=12)):
        arrivals += [len(arrivals) + place for place in group]
    with_pts = arrivals != sorted(arrivals) or draw(st.booleans())
    frames = [key(number, arrival, pts=with_pts) for number, arrival in enumerate(arrivals)]
    delays = draw(st.lists(st.none() | st.integers(-9, 9), min_size=len(frames), max_size=len(frames)))
    shown = draw(st.lists(st.booleans(), min_size=len(frames), max_size=len(frames)))
    return frames, delays, shown


@given(plays(), st.sampled_from([0, 100, 10_000]))
def test_no_picture_bears_what_belongs_to_a_later_one(play, stands_ms):
    frames, delays, shown = play
    results = Results[int](stands_ms)
    arrive: dict[int, list[int]] = {}
    for number, delay in enumerate(delays):
        if delay is not None:
            arrive.setdefault(max(0, number + delay), []).append(number)
    there: set[int] = set()
    drawn: list[int] = []
    for now in range(len(frames) + 10):
        for number in arrive.get(now, ()):
            if results.add(frames[number], number, 0):
                assert results.show(frames[number]) == number
                drawn.append(number)
            there.add(number)
        if now < len(frames) and shown[now]:
            found = results.show(frames[now])
            if now in there:
                assert found == now, "its own, if that is there"
            if found is not None:
                assert found <= now, "never a later one's"
                assert found in there
                drawn.append(found)
        told = results.statistics(0)
        assert told.added == len(there) == sum(counts(results))
    if frames == sorted(frames):
        assert drawn == sorted(drawn), "never back to an older one"
    assert len(set(drawn)) == results.statistics(0).in_time + results.statistics(0).late
    if all(delay is None or delay <= 0 for delay in delays):
        assert results.statistics(0).late == 0


class Numbered:
    """A camera whose pictures are grey by their number, and a detector that is slow by `latency_ms`.

    It finds the number, and has the right half of the picture covered with that grey.
    """

    def __init__(self, gui, site, widget, latency_ms):
        self.gui, self.site, self.widget, self.latency_ns = gui, site, widget, latency_ms * MS
        self.number = 0
        self.due: deque[tuple[int, FrameKey, int]] = deque()
        self.reader = site.read(site.streams["door"].frames(format="bgra", size=(32, 18), policy="every"))
        self.pairs: list[tuple[int, int]] = []

    def picture(self, width, height):
        return np.full((height, width, 4), self.number % 250, np.uint8)

    def play(self, seconds, every_ms=20):
        """Note what is in both halves of the widget, each time it may have changed."""
        end_ns = time.monotonic_ns() + int(seconds * 1e9)
        next_ns = 0
        while (now_ns := time.monotonic_ns()) < end_ns:
            if now_ns >= next_ns:
                next_ns = now_ns + every_ms * MS
                self.number += 1
                self.site.show("door", self.picture)
            while (frame := self.reader.read_nowait()) is not None:
                self.due.append((frame.arrival_ns + self.latency_ns, frame.key, int(frame.array[0, 0, 0])))
                frame.release()
            while self.due and self.due[0][0] <= now_ns:
                _, key, grey = self.due.popleft()
                half = Mask(np.ones((1, 1), bool), (160, 0, 160, 180), f"#{grey:02x}{grey:02x}{grey:02x}", 1)
                self.widget.add_result(key, [half])
            self.gui.turn()
            pixels = self.gui.pixels(self.widget)
            pair = int(pixels[90, 80, 0]), int(pixels[90, 240, 0])
            if not self.pairs or pair != self.pairs[-1]:
                self.pairs.append(pair)


@pytest.fixture
def numbered(gui, make_site):
    def make(latency_ms):
        site = make_site(door=(320, 180))
        widget = VideoWidget(site.streams["door"])
        widget.resize(320, 180)
        widget.show()
        made = Numbered(gui, site, widget, latency_ms)
        gui.play(site.streams["door"], widget, made.picture)
        gui.until(lambda: len(site.readers("door")) == 2)
        return made

    return make


def test_pictures_are_held_back_until_their_results_are_there(numbered):
    camera = numbered(latency_ms=50)
    camera.widget.hold_results(200)

    def all_right():
        camera.play(0.1)
        return len(camera.pairs) > 20 and all(picture == result for picture, result in camera.pairs[-10:])

    # A machine that is busy elsewhere makes some results late, and pictures wait longer for the next ones.
    camera.gui.until(all_right)
    told = camera.widget.result_statistics()
    assert told.in_time >= 10
    assert 50 <= told.latency_ms_p50 <= told.hold_ms <= 200
    assert told.added == told.in_time + told.late + told.never + told.waiting


def test_without_it_results_are_late_and_pictures_are_not(numbered):
    camera = numbered(latency_ms=50)
    camera.play(0.5)
    told = camera.widget.result_statistics()
    assert told.hold_ms == 0
    assert told.late > told.in_time + 5, "but for the first, nothing having been shown before"
    behind = [picture - result for picture, result in camera.pairs[len(camera.pairs) // 2 :]]
    assert all(1 <= each <= 10 for each in behind), camera.pairs


def test_what_is_too_slow_holds_nothing_back(numbered):
    camera = numbered(latency_ms=80)
    camera.widget.hold_results(40)
    camera.play(0.4)
    assert camera.widget.result_statistics().hold_ms == 0
    assert camera.widget.result_statistics().late > 0
    camera.widget.hold_results(200)
    camera.play(0.1)
    assert camera.widget.result_statistics().hold_ms >= 80
    camera.widget.hold_results(0)
    assert camera.widget.result_statistics().hold_ms == 0
    with pytest.raises(ValueError, match="up_to_ms is"):
        camera.widget.hold_results(3000)
    for stands_ms in (-1, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="stands_ms is"):
            camera.widget.hold_results(100, stands_ms)
    assert camera.widget.result_statistics().hold_ms == 0


def test_results_end_with_their_stream(numbered):
    camera = numbered(latency_ms=0)
    camera.play(0.1)
    assert camera.widget.result_statistics().in_time + camera.widget.result_statistics().late > 0
    camera.widget.set_stream(None)
    camera.widget.set_stream(camera.site.streams["door"])
    camera.gui.play(
        camera.site.streams["door"], camera.widget, lambda w, h: np.full((h, w, 4), 255, np.uint8)
    )
    assert (camera.gui.pixels(camera.widget) == 255).all()
