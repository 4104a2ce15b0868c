"""Results of calls, from back ends that are processes of their own."""

import asyncio
import contextlib
import gc
import os
import resource
import signal
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import camgraph as cg
from camgraph.errors import BackendBusy, BackendRaised, BrokenError
from camgraph.testing.waiting import wait_until


class Answers(cg.MessageProcess):
    @cg.backend
    def whoami(self) -> int:
        return os.getpid()

    @cg.backend
    def double(self, value: int) -> int:
        return 2 * value

    @cg.backend
    def brighten(self, array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return array + 1

    @cg.backend
    def divide(self, by: int) -> float:
        return 1 / by

    @cg.backend
    def hold(self, fd: cg.Descriptor) -> bytes:
        """Wait for what is written to the other end."""
        with fd:
            return os.read(fd.fileno(), 10)

    @cg.backend
    def kibibytes(self) -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    @cg.backend
    def end(self, way: str) -> int:
        match way:
            case "SIGKILL":
                os.kill(os.getpid(), signal.SIGKILL)
            case "_exit":
                os._exit(3)
            case "SystemExit":
                raise SystemExit(4)
        return 0


class Again(Answers):
    restart = True


@pytest.fixture(scope="module")
def site() -> Iterator[cg.Site]:
    with cg.Graph().start() as site:
        yield site


@pytest.fixture
def answers(site: cg.Site) -> Iterator[Any]:
    front = site.spawn(Answers)
    yield front
    front.close()


def test_results_come_from_the_process_whatever_their_size(answers: Any) -> None:
    assert answers.whoami().result(20) != os.getpid()
    large = np.zeros((2000, 3000, 3), np.uint8)
    results = [answers.brighten(large) for _ in range(4)]
    for call in results:
        assert (call.result(20) == 1).all()


def test_an_exception_does_not_end_it(answers: Any) -> None:
    before = answers.whoami().result(20)
    with pytest.raises(BackendRaised, match="ZeroDivisionError") as raised:
        answers.divide(0).result(20)
    assert "return 1 / by" in raised.value.traceback
    assert answers.whoami().result(20) == before


@pytest.mark.parametrize(
    ("way", "how"), [("SIGKILL", "signal SIGKILL"), ("_exit", "exit code 3"), ("SystemExit", "exit code 4")]
)
def test_the_end_of_the_process_fails_all_its_calls_once(site: cg.Site, way: str, how: str) -> None:
    front: Any = site.spawn(Answers)
    front.wait_ready(20)
    reading, writing = os.pipe()
    with cg.Descriptor(reading) as descriptor:
        holding = front.hold(descriptor)
    os.close(reading)
    done: list[Any] = []
    calls = [front.end(way), *(front.double(number) for number in range(50))]
    for call in calls:
        call.add_done_callback(done.append)
    os.write(writing, b"go")
    assert holding.result(20) == b"go"
    assert front.wait(20) == how
    for call in calls:
        with pytest.raises(BrokenError, match=f"ended before it answered: {how}"):
            call.result(0)
    assert done == calls
    os.close(writing)


def test_of_a_process_that_is_started_again_lost_calls_fail_and_the_next_are_answered(site: cg.Site) -> None:
    front: Any = site.spawn(Again)
    first = front.whoami().result(20)
    lost = front.end("SIGKILL")
    with pytest.raises(BrokenError, match="ended before it answered: signal SIGKILL"):
        lost.result(20)
    assert front.whoami().result(20) != first
    # However it is timed, each call is answered or fails.
    calls: list[Any] = []
    for round_ in range(3):
        for number in range(200):
            calls.append((number, front.double(number)))
            if number == 50 * round_:
                os.kill(newest(front), signal.SIGKILL)
    answered = 0
    for number, call in calls:
        with contextlib.suppress(BrokenError):
            assert call.result(20) == 2 * number
            answered += 1
    assert 0 < answered < len(calls)
    assert front.double(4).result(20) == 8
    assert not front._calls._open
    front.close()


def newest(front: Any) -> int:
    """Return the pid of a back end that answers."""
    while True:
        with contextlib.suppress(BrokenError):
            pid: int = front.whoami().result(20)
            return pid


def test_awaited_by_hundreds_in_asyncio_while_processes_die(site: cg.Site) -> None:
    fronts: list[Any] = [site.spawn(Answers) for _ in range(3)]

    async def main() -> None:
        results = await asyncio.gather(*(front.double(number) for number in range(100) for front in fronts))
        assert results == [2 * number for number in range(100) for _ in fronts]
        reading, writing = os.pipe()
        with cg.Descriptor(reading) as descriptor:
            os.close(reading)
            waiting = [asyncio.ensure_future(awaited(front.hold(descriptor))) for front in fronts]
        await asyncio.sleep(0)
        waiting[0].cancel()
        os.kill(fronts[1].pid, signal.SIGKILL)
        with pytest.raises(BrokenError, match="signal SIGKILL"):
            await waiting[1]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(waiting[2]), 0.05)
        os.write(writing, b"gogogo")
        os.close(writing)
        assert await waiting[2] in (b"gogogo", b"")
        assert waiting[0].cancelled()

    asyncio.run(main(), debug=True)
    for front in fronts:
        front.close()


async def awaited(call: Any) -> Any:
    return await call


def test_a_program_that_reads_no_results_is_told_busy_and_costs_bounded_memory(answers: Any) -> None:
    answers.fileno()  # The serving is this thread's now, which does not dispatch.
    before = answers.kibibytes().result(20)
    calls: list[Any] = []
    refused = 0
    for number in range(100_000):
        try:
            calls.append((number, answers.double(number)))
        except BackendBusy:
            refused += 1
    assert len(calls) + refused == 100_000
    assert len(calls) < 5000
    assert all(call.result(20) == 2 * number for number, call in calls)
    assert answers.kibibytes().result(20) - before < 20_000


def test_results_nobody_wants_cost_nothing(answers: Any) -> None:
    before = answers.kibibytes().result(20)
    made = 0
    while made < 20_000:
        try:
            answers.double(made)
            made += 1
        except BackendBusy:
            wait_until(lambda: len(answers._calls._open) < 500, 10)
    assert answers.kibibytes().result(20) - before < 20_000
    assert not answers._calls._open


def test_an_exception_nobody_asks_for_is_logged(answers: Any, caplog: pytest.LogCaptureFixture) -> None:
    answers.divide(0)
    assert answers.double(1).result(20) == 2
    gc.collect()
    (text,) = [record.getMessage() for record in caplog.records if "nobody asked" in record.getMessage()]
    assert "Answers.divide raised ZeroDivisionError" in text


def test_a_forked_child_gets_no_results_and_is_told(answers: Any) -> None:
    reading, writing = os.pipe()
    with cg.Descriptor(reading) as descriptor:
        call = answers.hold(descriptor)
    os.close(reading)
    child = os.fork()
    if child == 0:
        code = 0
        for wait in (lambda: call.result(20), lambda: answers.double(1)):
            try:
                wait()
            except BrokenError as error:
                code += "forked copy" in str(error)
        os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2
    os.write(writing, b"go")
    os.close(writing)
    assert call.result(20) == b"go"


def test_calls_of_many_threads_and_processes(site: cg.Site) -> None:
    fronts: list[Any] = [site.spawn(Answers) for _ in range(2)]
    wrong: list[object] = []

    def work(front: Any, first: int) -> None:
        for number in range(first, first + 100):
            if front.double(number).result(20) != 2 * number:
                wrong.append((front, number))

    threads = [
        threading.Thread(target=work, args=(front, 100 * number)) for front in fronts for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    for front in fronts:
        front.close()
