"""Barriers of real processes that are killed and stopped at random moments."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from tests.faults.barrier_storm import PARTIES, ROUNDS

import camgraph as cg
from camgraph.errors import BackendRaised, BrokenError
from camgraph.testing.waiting import wait_until

STORMS = 100
SEED = int(os.environ.get("CAMGRAPH_CHAOS_SEED", "5"))


def test_whoever_is_killed_or_stopped_the_others_have_the_same_of_every_round() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "tests.faults.barrier_storm", str(SEED), str(STORMS)],
        check=True,
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert not said.stderr
    storms = [json.loads(line) for line in said.stdout.splitlines()]
    assert len(storms) == STORMS
    ends: Counter[tuple[str, str]] = Counter()
    for storm in storms:
        deed, outcomes = storm["deed"], storm["outcomes"]
        assert len({passed for passed, _ in outcomes}) == 1, f"{storm}, seed {SEED}"
        for passed, end in outcomes:
            assert passed == ROUNDS or end != "all", f"{storm}, seed {SEED}"
            assert end == "all" or expected(deed) in end, f"{storm}, seed {SEED}"
            ends[deed, end.partition(":")[0]] += 1
        if deed in ("stop", "none"):
            assert outcomes == [[ROUNDS, "all"]] * PARTIES
    # The storm was one.
    assert min(ends["kill", "BrokenError"], ends["kill two", "BrokenError"]) > 0
    assert ends["stop, short of patience", "TimeoutError"] > 0


def expected(deed: str) -> str:
    if "kill" in deed:
        return "has ended"
    # The one that was stopped may find, and so may its slowest victim.
    return "0.004 s" if "short" in deed else "nothing"


class Party(cg.MessageProcess):
    """Meets others."""

    @cg.backend
    def take(self, barrier: cg.Barrier) -> int:
        self.barrier = barrier
        return os.getpid()

    @cg.backend
    def meet(self, rounds: int = 1) -> int:
        for _ in range(rounds):
            self.barrier.wait(20.0)
        return rounds

    @cg.backend
    def make(self) -> cg.Barrier:
        self.made = cg.Barrier(2)
        return self.made

    @cg.backend
    def meet_at_own(self) -> int:
        self.made.wait(20.0)
        return 1


class ForkedParty(Party):
    start_method = "fork"


class AsyncParty(cg.AsyncMessageProcess):
    """Meets others, and does something else meanwhile."""

    @cg.backend
    async def take(self, barrier: cg.Barrier) -> int:
        self.barrier = barrier
        return os.getpid()

    @cg.backend
    async def meet(self, rounds: int = 1) -> int:
        for _ in range(rounds):
            await self.barrier
        return rounds

    @cg.backend
    async def say(self, what: str) -> str:
        return what


@pytest.fixture
def site() -> Iterator[cg.Site]:
    graph = cg.Graph()
    graph.rtsp("door", "rtsp://127.0.0.1:9/1")
    with graph.start() as site:
        yield site


def why(call: Any) -> str:
    with pytest.raises(BackendRaised) as caught:
        call.result(10)
    return str(caught.value)


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_exec_d_forked_and_asyncio_back_ends_and_the_program_meet(site: cg.Site) -> None:
    forked = site.spawn(ForkedParty)
    parties: list[Any] = [site.spawn(Party), forked, site.spawn(AsyncParty)]
    with cg.Barrier(4) as barrier:
        assert [party.take(barrier).result(20) for party in parties] == [party.pid for party in parties]
        meets = [party.meet(50) for party in parties]
        assert parties[2].say("while it waits").result(10) == "while it waits"
        assert not any(meet.done() for meet in meets)
        for _ in range(50):
            barrier.wait(20.0)
        assert [meet.result(10) for meet in meets] == [50, 50, 50]

        meets = [party.meet() for party in parties]
        assert forked.pid is not None
        os.kill(forked.pid, signal.SIGKILL)
        text = f"the barrier is broken: process {forked.pid} has ended"
        assert text in why(meets[0])
        assert text in why(meets[2])
        with pytest.raises(BrokenError, match=text):
            barrier.wait(20.0)


def test_a_party_that_is_stopped_is_waited_for_and_holds_up_nobody_else(site: cg.Site) -> None:
    parties: list[Any] = [site.spawn(Party) for _ in range(2)]
    with cg.Barrier(2) as barrier:
        for party in parties:
            party.take(barrier)
        os.kill(pid_of(parties[1]), signal.SIGSTOP)
        first, second = parties[0].meet(), parties[1].meet()
        # Other calls of the program, and other processes, are served.
        third: Any = site.spawn(Party)
        with cg.Barrier(1) as alone:
            third.take(alone)
            assert third.meet().result(20) == 1
        assert not first.done()
        os.kill(pid_of(parties[1]), signal.SIGCONT)
        assert first.result(10) == second.result(10) == 1


def pid_of(front: Any) -> int:
    front.wait_ready(20)
    assert front.pid is not None
    return int(front.pid)


def test_a_restarted_party_is_passed_another_barrier(site: cg.Site) -> None:
    class Phoenix(Party):
        restart = True

    phoenix: Any = site.spawn(Phoenix)
    lives: list[Any] = []
    phoenix.restarted.connect(lambda how: lives.append(how))
    barrier = cg.Barrier(2)
    meets = phoenix.take(barrier)
    os.kill(meets.result(20), signal.SIGKILL)
    with pytest.raises(BrokenError, match="has ended"):
        barrier.wait(20.0)
    wait_until(lambda: bool(lives))
    barrier.close()
    with cg.Barrier(2) as barrier:
        phoenix.take(barrier)
        meet = phoenix.meet()
        barrier.wait(20.0)
        assert meet.result(10) == 1


def test_a_barrier_made_in_a_back_end_ends_with_it(site: cg.Site) -> None:
    maker: Any = site.spawn(Party)
    with maker.make().result(20) as barrier:
        meet = maker.meet_at_own()
        barrier.wait(20.0)
        assert meet.result(10) == 1
        os.kill(pid_of(maker), signal.SIGKILL)
        with pytest.raises(BrokenError, match="the process that made it has ended"):
            barrier.wait(20.0)
