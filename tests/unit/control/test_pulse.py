"""Noticing silence, in a real loop whose second is short."""

import time
from collections.abc import Callable, Iterator

import pytest

from camgraph.base.loop import Loop
from camgraph.control import pulse
from camgraph.control.pulse import SILENT_TICKS, STARTING_TICKS, Pulse


class Other:
    """The other side: counts the questions, and answers some."""

    def __init__(self) -> None:
        self.loop = Loop()
        self.asked = 0
        self.silent = 0
        self.answers: Callable[[int], bool] = lambda number: False
        self.pulse = Pulse(self.loop, self._ask, self._note)

    def _ask(self) -> None:
        self.asked += 1
        if self.answers(self.asked):
            self.pulse.answered()

    def _note(self) -> None:
        self.silent += 1

    def run_until(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + 10
        while not condition():
            assert time.monotonic() < deadline
            self.loop.run_once(0.1)


@pytest.fixture
def other(monkeypatch: pytest.MonkeyPatch) -> Iterator[Other]:
    monkeypatch.setattr(pulse, "EVERY_S", 0.002)
    other = Other()
    yield other
    other.pulse.stop()
    other.loop.close()


def test_one_that_never_answers_gets_the_time_to_start_and_is_told_once(other: Other) -> None:
    other.pulse.start()
    other.run_until(lambda: other.silent)
    assert other.asked == STARTING_TICKS
    other.loop.run_once(0.05)
    assert (other.silent, other.asked) == (1, STARTING_TICKS)


def test_one_that_stops_answering_is_told_after_a_few_questions(other: Other) -> None:
    other.answers = lambda number: number <= 30
    other.pulse.start()
    other.run_until(lambda: other.silent)
    assert other.asked == 30 + SILENT_TICKS


def test_one_that_answers_now_and_then_lives(other: Other) -> None:
    other.answers = lambda number: number % SILENT_TICKS == 0
    other.pulse.start()
    other.run_until(lambda: other.asked >= 20 * SILENT_TICKS)
    assert not other.silent


def test_a_stall_of_ones_own_is_not_the_others_silence(other: Other) -> None:
    other.answers = lambda number: number == 1
    other.pulse.start()
    other.run_until(lambda: other.asked == 2)
    time.sleep(0.2)  # Not to wait: a hundred ticks' worth of standing still.
    other.loop.run_once(0.0)
    assert other.asked <= 3
    assert not other.silent


def test_begun_anew_it_has_the_time_to_start_again(other: Other) -> None:
    other.answers = lambda number: number == 1
    other.pulse.start()
    other.run_until(lambda: other.silent)
    asked = other.asked
    other.pulse.start()
    other.run_until(lambda: other.silent == 2)
    assert other.asked - asked == STARTING_TICKS


def test_stopped_it_asks_no_more(other: Other) -> None:
    other.pulse.start()
    other.run_until(lambda: other.asked == 3)
    other.pulse.stop()
    other.pulse.stop()
    other.loop.run_once(0.05)
    assert (other.asked, other.silent) == (3, 0)
