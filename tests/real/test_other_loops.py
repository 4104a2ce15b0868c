"""Messages of real processes in programs with a loop of their own: `select`, `selectors`, asyncio."""

import asyncio
import os
import select
import selectors
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import camgraph as cg


class Worker(cg.MessageProcess):
    said = cg.message(what=object, pid=int)

    @cg.backend
    def say(self, what: object) -> None:
        self.said.emit(what, os.getpid())

    @cg.backend
    def count(self, end: int) -> None:
        for number in range(end):
            self.said.emit(number, os.getpid())


class Again(Worker):
    restart = True


class Log(list[Any]):
    """What was told of a process, in order, and in which threads."""

    def __init__(self, front: Any) -> None:
        self.threads: set[int] = set()
        front.said.connect(lambda what, pid: self.add(what))
        front.restarted.connect(lambda how: self.add(f"restarted: {how}"))
        front.exited.connect(lambda how: self.add(f"exited: {how}"))

    def add(self, what: object) -> None:
        self.append(what)
        self.threads.add(threading.get_ident())


@pytest.fixture(scope="module")
def site() -> Iterator[cg.Site]:
    with cg.Graph().start() as started:
        yield started


def dispatch_until(fronts: list[Any], condition: Callable[[], object], within_s: float = 30.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        ready, _, _ = select.select(fronts, [], [], max(0.0, deadline - time.monotonic()))
        assert ready, "nothing came"
        for front in ready:
            front.dispatch()


def test_select_over_several_processes_hears_the_death_of_one_and_loses_nothing(site: cg.Site) -> None:
    fronts: list[Any] = [site.spawn(Worker) for _ in range(3)]
    logs = [Log(front) for front in fronts]
    numbers = [front.fileno() for front in fronts]
    for front in fronts:
        front.count(200)
    dispatch_until(fronts, lambda: all(len(log) == 200 for log in logs))
    os.kill(fronts[1].pid, signal.SIGKILL)
    for front in (fronts[0], fronts[2]):
        front.say("still here")
    dispatch_until(fronts, lambda: not fronts[1].alive and logs[0][-1] == logs[2][-1] == "still here")
    assert logs[1] == [*range(200), "exited: signal SIGKILL"]
    assert [front.fileno() for front in fronts] == numbers
    for front in fronts:
        front.close()
    for log in (logs[0], logs[2]):
        assert log == [*range(200), "still here", "exited: exit code 0"]
    assert set().union(*(log.threads for log in logs)) == {threading.get_ident()}


def test_a_process_that_is_started_again_keeps_the_descriptor(site: cg.Site) -> None:
    front: Any = site.spawn(Again)
    log = Log(front)
    with selectors.DefaultSelector() as selector:
        selector.register(front, selectors.EVENT_READ, front.dispatch)

        def serve_until(condition: Callable[[], object]) -> None:
            deadline = time.monotonic() + 30
            while not condition():
                ready = selector.select(max(0.0, deadline - time.monotonic()))
                assert ready, "nothing came"
                for key, _ in ready:
                    key.data()

        front.say("first life")
        serve_until(lambda: log)
        os.kill(front.pid, signal.SIGKILL)
        serve_until(lambda: len(log) == 2)
        front.say("second life")
        serve_until(lambda: len(log) == 3)
    assert log == ["first life", "restarted: signal SIGKILL", "second life"]
    front.close()
    assert log[3:] == ["exited: exit code 0"]
    assert log.threads == {threading.get_ident()}


def test_a_program_that_polls_needs_no_descriptor(site: cg.Site) -> None:
    front: Any = site.spawn(Worker)
    log = Log(front)
    front.dispatch()
    front.say("hello")
    deadline = time.monotonic() + 30
    while not log and time.monotonic() < deadline:
        front.dispatch()
        time.sleep(0.005)
    assert log == ["hello"]
    assert log.threads == {threading.get_ident()}
    front.close()


def test_the_end_of_the_site_is_dispatched_by_the_thread_that_closes_it() -> None:
    with cg.Graph().start() as site:
        fronts: list[Any] = [site.spawn(kind) for kind in (Worker, Again)]
        logs = [Log(front) for front in fronts]
        for front in fronts:
            front.fileno()
            front.say("last")
    assert [list(log) for log in logs] == [["last", "exited: exit code 0"]] * 2
    assert logs[0].threads == logs[1].threads == {threading.get_ident()}


def test_asyncio_awaits_the_messages_of_several_processes(site: cg.Site) -> None:
    async def hear(front: Any) -> list[object]:
        heard: list[object] = []
        async for name, fields in front.messages(30):
            assert name == "said"
            heard.append(fields["what"])
            if fields["what"] == "die":
                os.kill(front.pid, signal.SIGKILL)
            elif fields["what"] == "end":
                front._begin_close(5.0)
        return heard

    async def main() -> list[list[object]]:
        fronts: list[Any] = [site.spawn(Worker) for _ in range(3)]
        tasks = [asyncio.create_task(hear(front)) for front in fronts]
        await asyncio.sleep(0)
        for front, last in zip(fronts, ("end", "die", "end"), strict=True):
            front.count(300)
            front.say(last)
        heard = await asyncio.gather(*tasks)
        assert [front.exit for front in fronts] == ["exit code 0", "signal SIGKILL", "exit code 0"]
        return heard

    assert asyncio.run(main()) == [[*range(300), last] for last in ("end", "die", "end")]


def test_asyncio_may_serve_the_front_end_itself(site: cg.Site) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        front: Any = site.spawn(Worker)
        log = Log(front)
        loop.add_reader(front, front.dispatch)
        messages = front.messages(30)
        front.count(200)
        for number in range(200):
            _, fields = await anext(messages)
            assert fields["what"] == number
        front._begin_close(5.0)
        assert [name async for name, _ in messages] == []
        loop.remove_reader(front)
        assert log == [*range(200), "exited: exit code 0"]
        assert log.threads == {threading.get_ident()}

    asyncio.run(main())
