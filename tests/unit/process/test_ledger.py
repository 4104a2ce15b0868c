from collections.abc import Iterator

import pytest

from camgraph.process.descriptor import Descriptor
from camgraph.process.ledger import Ledger


@pytest.fixture
def ledgers() -> Iterator[tuple[Ledger, Ledger]]:
    """A ledger as two processes have it."""
    first = Ledger.new(3)
    second = Ledger(3, Descriptor(first.memory))
    yield first, second
    first.memory.close()
    second.memory.close()


def test_what_is_said_first_counts(ledgers: tuple[Ledger, Ledger]) -> None:
    first, second = ledgers
    assert first.complete(0)
    assert not second.break_off(0, "too late for that round")
    assert first.complete(0)
    assert not first.complete(1)
    assert first.is_broken()
    assert first.reason() == "too late for that round"


def test_a_late_word_takes_nothing_back(ledgers: tuple[Ledger, Ledger]) -> None:
    first, second = ledgers
    for number in range(3):
        assert first.complete(number)
    assert second.complete(0)
    assert not second.break_off(2, "late")
    assert second.break_off(3, "late, too")
    assert first.reason() == "late"


def test_a_long_reason_is_cut(ledgers: tuple[Ledger, Ledger]) -> None:
    first, second = ledgers
    assert first.break_off(0, "ä" * 1000)
    assert second.reason().startswith("ä" * 120)
    assert not second.complete(0)


def test_places_are_told_by_what_their_maker_sees(ledgers: tuple[Ledger, Ledger]) -> None:
    first, second = ledgers
    first.give(2, 17)
    assert second.seat_of(17).pid == 0
    second.take(2)
    assert first.seat_of(17).pid > 0
    assert first.seat_of(18).pid == 0
    second.leave(2)
    assert first.seat_of(17).left
