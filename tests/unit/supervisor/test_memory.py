from dataclasses import dataclass

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from camgraph.base.cgroup import Headroom
from camgraph.supervisor.memory import (
    LEAST_RESERVE_BYTES,
    MOST_RESERVE_BYTES,
    MemoryLedger,
    reserve_bytes,
)

MIB = 1 << 20
LIMIT = 512 * MIB
RESERVE = LEAST_RESERVE_BYTES


def ledger(left: int = LIMIT, limit: int | None = LIMIT) -> MemoryLedger:
    return MemoryLedger(lambda: Headroom(left, limit))


def test_what_is_left_can_be_had_but_for_the_reserve() -> None:
    assert ledger().reserve("media-1", LIMIT - RESERVE) == ""
    assert ledger().reserve("media-1", LIMIT - RESERVE + 1)


def test_what_was_granted_is_not_granted_twice() -> None:
    memory = ledger()
    assert not memory.reserve("media-1", 300 * MIB)
    assert memory.reserve("media-1", 300 * MIB)
    assert memory.reserve("media-2", 300 * MIB)
    assert not memory.reserve("media-2", 180 * MIB)
    assert (memory.reserved("media-1"), memory.reserved("media-2")) == (300 * MIB, 180 * MIB)
    assert memory.reserved("media-3") == 0
    assert memory.outstanding_bytes == 480 * MIB


def test_what_was_touched_is_counted_by_the_kernel_alone() -> None:
    left = [LIMIT]
    memory = MemoryLedger(lambda: Headroom(left[0], LIMIT))
    assert not memory.reserve("media-1", 300 * MIB)
    left[0] -= 200 * MIB
    # Touched, and not yet reported: counted twice.
    assert memory.reserve("media-1", 100 * MIB)
    memory.touched("media-1", 200 * MIB)
    assert memory.outstanding_bytes == 100 * MIB
    assert not memory.reserve("media-1", 100 * MIB)


def test_what_is_released_counts_as_touched_until_the_next_report() -> None:
    memory = ledger()
    memory.reserve("media-1", 300 * MIB)
    memory.touched("media-1", 100 * MIB)
    memory.release("media-1", 200 * MIB)
    assert (memory.reserved("media-1"), memory.outstanding_bytes) == (100 * MIB, 100 * MIB)
    memory.touched("media-1", 90 * MIB)
    assert memory.outstanding_bytes == 10 * MIB


def test_what_is_let_go_can_be_had_again() -> None:
    memory = ledger()
    for end in (lambda: memory.release("media-1", 400 * MIB), lambda: memory.vanish("media-1")):
        assert not memory.reserve("media-1", 400 * MIB)
        assert memory.reserve("media-2", 400 * MIB)
        end()
        end()
        assert memory.reserved("media-1") == memory.outstanding_bytes == 0
    memory.touched("media-1", 5)
    assert memory.outstanding_bytes == 0


@pytest.mark.parametrize(
    ("headroom", "sentence"),
    [
        (
            Headroom(50 * MIB, LIMIT),
            "100 MiB of memory are needed, and 18 MiB are left of this container's limit of 512 MiB: ask for "
            "smaller pictures, or for fewer at once, or raise the limit",
        ),
        (
            Headroom(0, 64 * MIB),
            "100 MiB of memory are needed, and 0 MiB are left of this container's limit of 64 MiB: ask for "
            "smaller pictures, or for fewer at once, or raise the limit",
        ),
        (
            Headroom(50 * MIB, None),
            "100 MiB of memory are needed, and 18 MiB are left on this machine: ask for smaller pictures, or "
            "for fewer at once, or close other programs",
        ),
    ],
)
def test_a_refusal_says_what_is_missing_and_what_helps(headroom: Headroom, sentence: str) -> None:
    assert MemoryLedger(lambda: headroom).reserve("media-1", 100 * MIB - 5) == sentence


def test_where_nothing_is_known_nothing_is_refused() -> None:
    assert MemoryLedger(lambda: None).reserve("media-1", 1 << 50) == ""


def test_the_control_groups_of_this_process_are_asked() -> None:
    assert "are needed" in MemoryLedger().reserve("media-1", 1 << 50)
    assert MemoryLedger().reserve("media-1", 1) == ""


@pytest.mark.parametrize(
    ("headroom", "reserve"),
    [
        (Headroom(1, 64 * MIB), LEAST_RESERVE_BYTES),
        (Headroom(1, 2000 * MIB), 100 * MIB),
        (Headroom(1, 1 << 40), MOST_RESERVE_BYTES),
        (Headroom(1000 * MIB, None), 50 * MIB),
    ],
)
def test_a_twentieth_is_kept_within_bounds(headroom: Headroom, reserve: int) -> None:
    assert reserve_bytes(headroom) == reserve


NAMES = ["media-1", "media-2", "media-3"]
PROCESSES = st.sampled_from(NAMES)
SIZES = st.integers(0, 300 * MIB)


@dataclass(eq=False)
class Ring:
    """What a ring was granted, and what of that is resident."""

    process: str
    granted: int = 0
    touched: int = 0


class AnyUse(RuleBasedStateMachine):
    """Processes that touch what they were granted, report late or never, and die; a kernel that counts.

    Whatever happens, if all that was granted is touched, it fits.
    """

    rings: Bundle[Ring] = Bundle("rings")

    def __init__(self) -> None:
        super().__init__()
        self.others = 40 * MIB
        self.alive: list[Ring] = []
        self.orphaned = 0
        self.ledger = MemoryLedger(lambda: Headroom(max(LIMIT - self.used, 0), LIMIT))

    @property
    def used(self) -> int:
        return self.others + self.orphaned + sum(ring.touched for ring in self.alive)

    @rule(target=rings, process=PROCESSES, size=SIZES)
    def a_ring_is_made(self, process: str, size: int) -> Ring:
        ring = Ring(process)
        self.ask(ring, size)
        self.alive.append(ring)
        return ring

    @rule(ring=rings, size=SIZES)
    def a_reader_comes(self, ring: Ring, size: int) -> None:
        if ring in self.alive:
            self.ask(ring, size)

    def ask(self, ring: Ring, size: int) -> None:
        reserved = self.ledger.reserved(ring.process)
        granted = not self.ledger.reserve(ring.process, size)
        assert self.ledger.reserved(ring.process) == reserved + granted * size
        ring.granted += granted * size

    @rule(ring=rings)
    def a_reader_leaves(self, ring: Ring) -> None:
        if ring in self.alive:
            self.ledger.release(ring.process, ring.granted - ring.touched)
            ring.granted = ring.touched

    @rule(ring=rings, part=st.floats(0, 1))
    def memory_is_touched(self, ring: Ring, part: float) -> None:
        ring.touched = max(ring.touched, int(part * ring.granted))

    @rule(process=PROCESSES)
    def a_process_reports(self, process: str) -> None:
        self.ledger.touched(process, sum(ring.touched for ring in self.alive if ring.process == process))

    @rule(ring=consumes(rings), kept=st.floats(0, 1))
    def a_ring_is_closed(self, ring: Ring, kept: float) -> None:
        if ring in self.alive:
            self.alive.remove(ring)
            self.orphaned += int(kept * ring.touched)
            self.ledger.release(ring.process, ring.granted)

    @rule(process=PROCESSES)
    def a_process_dies(self, process: str) -> None:
        self.alive = [ring for ring in self.alive if ring.process != process]
        for _ in range(2):
            self.ledger.vanish(process)

    @rule()
    def readers_let_go(self) -> None:
        self.orphaned = 0

    @rule(part=st.floats(0, 1))
    def others_use_their_share(self, part: float) -> None:
        self.others = 40 * MIB + int(part * RESERVE)

    @invariant()
    def all_that_is_granted_fits(self) -> None:
        assert self.used + sum(ring.granted - ring.touched for ring in self.alive) <= LIMIT

    @invariant()
    def the_sums_are_right(self) -> None:
        reserved = {name: self.ledger.reserved(name) for name in NAMES}
        assert reserved == {
            name: sum(ring.granted for ring in self.alive if ring.process == name) for name in NAMES
        }
        assert 0 <= self.ledger.outstanding_bytes <= sum(reserved.values())


TestAnyUse = AnyUse.TestCase
