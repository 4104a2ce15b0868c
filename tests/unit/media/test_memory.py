"""Asking for the memory of rings, with the supervisor's part played here."""

import pytest

from camgraph.control.messages import MemoryAnswer, ReleaseMemory, ReserveMemory
from camgraph.media.memory import Grants, Memory
from camgraph.ring.protocol import RingRequest

DOOR = RingRequest("door")


class Asked:
    """What a process asked, and what it was told."""

    def __init__(self) -> None:
        self.words: list[ReserveMemory | ReleaseMemory] = []
        self.memory = Memory(self.words.append)
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
def asked() -> Asked:
    return Asked()


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


def test_an_answer_to_no_question_does_nothing(asked: Asked) -> None:
    asked.memory.on_answer(MemoryAnswer(token=99))
    assert asked.reserved == 0
