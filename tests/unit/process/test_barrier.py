import asyncio
import gc
import os
import pickle
import select
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

import camgraph as cg
from camgraph.base.errors import BrokenError, CannotTravel, ClosedError
from camgraph.process import payload
from camgraph.process.barrier import MAX_PARTIES
from camgraph.process.travel import Parcel, dumps, loads
from camgraph.testing.waiting import wait_until

PATIENCE_S = 10.0


def arrive_at(parcel: Parcel) -> cg.Barrier:
    parcel.settle(gone=True)
    made = loads(parcel.body, parcel.descriptors)
    assert isinstance(made, cg.Barrier)
    return made


def passed_on(barrier: cg.Barrier) -> cg.Barrier:
    """The barrier as another process gets it."""
    return arrive_at(dumps("barrier", barrier))


@pytest.fixture
def pool() -> Any:
    with ThreadPoolExecutor() as pool:
        yield pool


@pytest.fixture
def three() -> Any:
    with cg.Barrier(3) as maker, passed_on(maker) as second, passed_on(maker) as third:
        yield maker, second, third


def waiting(pool: ThreadPoolExecutor, barrier: cg.Barrier) -> Future[None]:
    """Have a thread wait, and return once it does."""
    before = barrier._count()
    future = pool.submit(barrier.wait, 3 * PATIENCE_S)
    wait_until(lambda: barrier._count() > before)
    return future


def test_all_go_on_when_the_last_has_come_again_and_again(three: Any, pool: Any) -> None:
    maker, second, third = three
    for _ in range(20):
        others = [waiting(pool, second), waiting(pool, third)]
        assert not any(other.done() for other in others)
        maker.wait(PATIENCE_S)
        for other in others:
            other.result(PATIENCE_S)


def test_who_passes_may_leave_before_others_have_noticed(three: Any) -> None:
    maker, second, third = three
    for party in three:
        party.arrive()
    assert second.passed()
    second.close()
    assert maker.passed()
    assert third.passed()
    with pytest.raises(BrokenError, match=f"process {os.getpid()} has closed it, or forgotten it"):
        third.wait(PATIENCE_S)


def test_one_who_closes_breaks_it_for_who_waits_and_who_comes_later(three: Any, pool: Any) -> None:
    maker, second, third = three
    waits = waiting(pool, second)
    third.close()
    text = f"the barrier is broken: process {os.getpid()} has closed it, or forgotten it"
    with pytest.raises(BrokenError, match=text):
        waits.result(PATIENCE_S)
    for late in (maker, second, maker):
        with pytest.raises(BrokenError, match=text):
            late.wait(PATIENCE_S)


def test_one_that_is_collected_breaks_it(pool: Any) -> None:
    with cg.Barrier(2) as maker:
        cycle: list[Any] = [passed_on(maker)]
        cycle.append(cycle)
        waits = waiting(pool, maker)
        del cycle
        gc.collect()
        with pytest.raises(BrokenError, match=f"process {os.getpid()}"):
            waits.result(PATIENCE_S)


def test_the_maker_that_closes_or_forgets_breaks_it(pool: Any) -> None:
    maker = cg.Barrier(3)
    with passed_on(maker) as second, passed_on(maker) as third:
        waits = waiting(pool, second)
        del maker
        for broken in (waits.result, third.wait):
            with pytest.raises(BrokenError, match="closed, or forgotten, where it was made: keep it"):
                broken(PATIENCE_S)


def test_a_timeout_breaks_it_for_the_others(three: Any, pool: Any) -> None:
    maker, second, third = three
    waits = waiting(pool, second)
    with pytest.raises(TimeoutError, match=r"not all 3 came to the barrier within 0\.02 s"):
        maker.wait(0.02)
    for broken in (waits.result, third.wait):
        with pytest.raises(BrokenError, match=f"process {os.getpid()} waited 0.02 s in vain"):
            broken(PATIENCE_S)


def test_an_interrupted_wait_breaks_it(three: Any, pool: Any) -> None:
    class Interrupted(Exception):
        pass

    def interrupt(*_: object) -> None:
        raise Interrupted

    maker, second, _ = three
    waits = waiting(pool, second)
    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        threading.Timer(0.05, lambda: os.kill(os.getpid(), signal.SIGUSR1)).start()
        with pytest.raises(Interrupted):
            maker.wait(PATIENCE_S)
    finally:
        signal.signal(signal.SIGUSR1, before)
    with pytest.raises(BrokenError, match="does not wait any more"):
        waits.result(PATIENCE_S)


def test_a_round_that_was_complete_stays_so_whatever_follows(three: Any) -> None:
    for party in three:
        party.arrive()
    maker, second, third = three
    assert not maker._give_up("it is too late for that")
    assert second.passed()
    assert third.passed()


def test_a_round_that_was_broken_stays_so_whoever_comes(three: Any) -> None:
    maker, second, third = three
    second.arrive()
    assert second._give_up("it left")
    for late in (maker, third):
        with pytest.raises(BrokenError, match="it left"):
            late.arrive()


def test_one_place_is_for_one_at_a_time(three: Any, pool: Any) -> None:
    _, second, _ = three
    waits = waiting(pool, second)
    with pytest.raises(RuntimeError, match="taken by another who waits"):
        second.wait(PATIENCE_S)
    second.close()
    with pytest.raises(ClosedError):
        waits.result(PATIENCE_S)
    with pytest.raises(ClosedError):
        second.wait(PATIENCE_S)
    second.close()


def test_one_that_is_closed_while_it_waits_has_not_come_twice(three: Any, pool: Any) -> None:
    maker, second, _ = three
    others = waiting(pool, maker)
    waits = waiting(pool, second)
    second.close()
    with pytest.raises(ClosedError):
        waits.result(PATIENCE_S)
    with pytest.raises(BrokenError, match=f"process {os.getpid()} has closed it"):
        others.result(PATIENCE_S)


def test_a_maker_that_is_closed_while_it_waits_tells_all(three: Any, pool: Any) -> None:
    maker, second, _ = three
    others = waiting(pool, second)
    waits = waiting(pool, maker)
    maker.close()
    with pytest.raises(ClosedError):
        waits.result(PATIENCE_S)
    with pytest.raises(BrokenError, match="where it was made"):
        others.result(PATIENCE_S)


def test_passed_is_asked_after_arriving_only(three: Any) -> None:
    with pytest.raises(RuntimeError, match="arrive"):
        three[0].passed()


def test_places_are_as_many_as_parties(three: Any) -> None:
    maker, second, _ = three
    maker.arrive()
    with pytest.raises(CannotTravel, match=r"barrier: Barrier .*all 3 places of the barrier were given away"):
        passed_on(maker)
    with pytest.raises(CannotTravel, match="only the process that has made a Barrier passes it on"):
        passed_on(second)


def test_a_maker_without_a_place_left_is_no_party() -> None:
    with cg.Barrier(1) as maker, passed_on(maker) as other:
        other.wait(PATIENCE_S)
        with pytest.raises(RuntimeError, match="all 1 places of the barrier were given away"):
            maker.wait(PATIENCE_S)


@pytest.mark.parametrize("parties", [0, -1, MAX_PARTIES + 1])
def test_it_is_for_a_number_of_parties(parties: int) -> None:
    with pytest.raises(ValueError, match=f"1 to {MAX_PARTIES} parties, not {parties}"):
        cg.Barrier(parties)


def test_what_was_not_sent_gives_its_place_back(pool: Any) -> None:
    with cg.Barrier(2) as maker:
        waits = waiting(pool, maker)
        dumps("barrier", maker).drop()
        with pytest.raises(CannotTravel, match="list"):
            dumps("list", [maker, threading.Lock()])
        with pytest.raises(CannotTravel, match="7 descriptors at most"):
            dumps("list", [maker, *(cg.Descriptor(0) for _ in range(4))])
        assert not waits.done()
        with passed_on(maker) as other:
            other.wait(PATIENCE_S)
        waits.result(PATIENCE_S)


def test_what_was_lost_on_its_way_breaks_it(pool: Any) -> None:
    with cg.Barrier(2) as maker:
        waits = waiting(pool, maker)
        parcel = dumps("barrier", maker)
        parcel.settle(gone=True)
        assert not waits.done()
        for descriptor in parcel.descriptors:
            os.close(descriptor)
        with pytest.raises(BrokenError, match="a place was lost on its way"):
            waits.result(PATIENCE_S)


def test_it_goes_along_in_calls_only() -> None:
    class Party(cg.MessageProcess):
        def __init__(self, barrier: cg.Barrier) -> None: ...

    with cg.Barrier(2) as barrier:
        with pytest.raises(TypeError, match="pass it by a backend method"):
            pickle.dumps(barrier)
        with pytest.raises(CannotTravel, match="once the process is spawned"):
            payload.pack(Party, (barrier,), {})
        with passed_on(barrier):
            barrier.arrive()


def in_child(action: Callable[[], object]) -> str:
    """What an action raises in a forked child."""
    read_fd, write_fd = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            action()
        except Exception as error:
            os.write(write_fd, f"{type(error).__name__}: {error}".encode())
        finally:
            os._exit(0)
    os.close(write_fd)
    with os.fdopen(read_fd) as file:
        text = file.read()
    os.waitpid(pid, 0)
    return text


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_forked_copy_has_no_place_and_keeps_none_alive(three: Any, pool: Any) -> None:
    maker, second, third = three
    for copy in (maker, second):
        assert in_child(copy.wait).startswith("BrokenError: this is a forked copy of a barrier")
    lives, ends = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(ends)
        os.read(lives, 1)
        os._exit(0)
    os.close(lives)
    waits = waiting(pool, second)
    third.close()
    with pytest.raises(BrokenError):
        waits.result(PATIENCE_S)
    os.close(ends)
    os.waitpid(pid, 0)


def test_a_loop_of_its_own_watches_it(three: Any) -> None:
    maker, second, third = three
    poll = select.poll()
    poll.register(maker, select.POLLIN)
    maker.arrive()
    assert not maker.passed()
    assert not poll.poll(0)
    for other in (second, third):
        other.arrive()
        assert poll.poll(PATIENCE_S * 1000)
        assert maker.passed() == (other is third)
    third.close()
    assert poll.poll(PATIENCE_S * 1000)
    with pytest.raises(BrokenError):
        maker.arrive()


def test_asyncio_awaits_it(three: Any, pool: Any) -> None:
    maker, second, third = three

    async def meet() -> None:
        for _ in range(3):
            others = [asyncio.ensure_future(wait_for(party)) for party in (second, third)]
            await asyncio.sleep(0)
            assert not any(other.done() for other in others)
            await maker
            await asyncio.gather(*others)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await maker
        with pytest.raises(BrokenError, match="does not wait any more"):
            await second

    async def wait_for(barrier: cg.Barrier) -> None:
        await barrier

    asyncio.run(meet())
