"""Asking for the memory of rings, with the supervisor's part played here."""

from collections.abc import Iterator

import pytest

from camgraph.base.loop import Loop
from camgraph.control.messages import MemoryAnswer, ReleaseMemory, ReserveMemory
from camgraph.media import memory as module
from camgraph.media.memory import Grants, Memory
from camgraph.ring.protocol import RingRequest
from camgraph.testing.waiting import wait_until

DOOR = RingRequest("door")


class Asked:
    """What a process asked, and what it was told."""

    def __init__(self) -> None:
        self.loop = Loop()
        self.words: list[ReserveMemory | ReleaseMemory] = []
        self.memory = Memory(self.loop, self.words.append)
        self.grants = Grants(self.memory)
        self.told: list[str] = []

    def answer(self, refused: str = "") -> None:
        """Answer the last question."""
        question = next(word for word in reversed(self.words) if isinstance(word, ReserveMemory))
        self.memory.on_answer(MemoryAnswer(token=question.token, refused=refused))

    @property
    def reserved(self) -> int:
        """What a supervisor that grants everything has reserved."""
        return sum(
            word.size_bytes if isinstance(word, ReserveMemory) else -word.size_bytes for word in self.words
        )


@pytest.fixture
def asked() -> Iterator[Asked]:
    asked = Asked()
    yield asked
    asked.loop.close()


def test_what_is_granted_is_kept_and_what_is_spare_given_back(asked: Asked) -> None:
    asked.grants.ask(DOOR, 1000, asked.told.append)
    assert asked.words == [ReserveMemory(token=1, stream="door", size_bytes=1000)]
    assert asked.grants.asks(DOOR)
    assert asked.grants.of(DOOR) == 0
    asked.answer()
    assert asked.told == [""]
    assert asked.grants.of(DOOR) == 1000
    asked.grants.ask(DOOR, 1500, asked.told.append)
    assert asked.words[-1] == ReserveMemory(token=2, stream="door", size_bytes=500)
    asked.answer()
    asked.grants.cut(DOOR, 1200)
    assert asked.words[2:] == [ReleaseMemory(size_bytes=300)]
    assert asked.reserved == 1200
    asked.grants.close()
    asked.grants.close()
    assert asked.reserved == 0


def test_a_refusal_is_told_in_the_supervisors_words(asked: Asked) -> None:
    asked.grants.ask(DOOR, 1000, asked.told.append)
    asked.answer("There is no room.")
    assert asked.told == ["There is no room."]
    assert asked.grants.of(DOOR) == 0
    assert not asked.grants.asks(DOOR)
    asked.grants.close()
    assert len(asked.words) == 1


def test_nothing_is_cut_off_while_an_answer_is_awaited(asked: Asked) -> None:
    asked.grants.ask(DOOR, 1000, asked.told.append)
    asked.answer()
    asked.grants.ask(DOOR, 1500, asked.told.append)
    asked.grants.cut(DOOR, 0)
    asked.answer()
    assert asked.grants.of(DOOR) == 1500


def test_what_is_granted_after_the_end_goes_back(asked: Asked) -> None:
    asked.grants.ask(DOOR, 1000, asked.told.append)
    asked.grants.close()
    asked.answer()
    assert asked.told == []
    assert asked.reserved == 0


def test_no_answer_is_a_refusal_and_a_late_one_is_given_back(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ANSWER_WITHIN_S", 0.05)
    asked.grants.ask(DOOR, 1000, asked.told.append)

    def turn() -> bool:
        asked.loop.run_once(0.01)
        return bool(asked.told)

    wait_until(turn)
    assert asked.told == [
        "Whether there is memory for pictures of 'door' was not told within 0.05 s: "
        "ask again, and restart the site if that goes on."
    ]
    asked.answer()
    assert asked.reserved == 0
    asked.memory.on_answer(MemoryAnswer(token=99))
    assert asked.reserved == 0
