"""`async for name, fields in front.messages()`."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

import camgraph as cg
from camgraph.process import ports
from camgraph.testing.waiting import wait_until

Spawn = Callable[..., Any]


class Counter(cg.MessageProcess):
    counted = cg.message(number=int)

    @cg.backend
    def count(self, start: int, end: int) -> None:
        for number in range(start, end):
            self.counted.emit(number)


async def numbers(messages: Any) -> list[int]:
    return [fields["number"] async for _, fields in messages]


def test_it_yields_what_came_and_what_comes_and_ends_with_the_process(spawn: Spawn) -> None:
    front = spawn(Counter)
    messages = front.messages(20)
    front.count(0, 3)
    wait_until(lambda: len(messages._unread) == 3)

    async def main() -> list[int]:
        task = asyncio.create_task(numbers(messages))
        await asyncio.sleep(0)
        front.count(3, 500)
        await asyncio.to_thread(front.close)
        return await task

    assert asyncio.run(main()) == list(range(500))
    assert asyncio.run(numbers(messages)) == []
    assert list(messages) == []


def test_several_processes_in_one_program_each_in_its_order(spawn: Spawn) -> None:
    fronts = [spawn(Counter) for _ in range(4)]

    async def main() -> list[list[int]]:
        tasks = [asyncio.create_task(numbers(front.messages(20))) for front in fronts]
        await asyncio.sleep(0)
        for part in range(5):
            for front in fronts:
                front.count(part * 40, part * 40 + 40)
        for front in fronts:
            await asyncio.to_thread(front.close)
        return await asyncio.gather(*tasks)

    assert asyncio.run(main()) == [list(range(200))] * 4


def test_a_task_that_is_cancelled_has_taken_nothing_and_another_may_go_on(spawn: Spawn) -> None:
    front = spawn(Counter)
    messages = front.messages(20)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        for number in range(30):
            task = asyncio.create_task(anext(messages))
            await asyncio.sleep(0)
            front.count(number, number + 1)
            if number % 3:
                # It blocks the loop: the message is there, but the task has not run again.
                wait_until(lambda: messages._unread)
            if number % 3 == 2:
                loop.call_soon(task.cancel)
            else:
                task.cancel()
            try:
                _, fields = await task
            except asyncio.CancelledError:
                _, fields = await anext(messages)
            assert fields == {"number": number}
            assert messages._waker is None
            assert not messages._awaited

    asyncio.run(main())


def test_two_tasks_can_not_await_one_stream(spawn: Spawn) -> None:
    front = spawn(Counter)

    async def main() -> None:
        messages = front.messages(20)
        first = asyncio.create_task(anext(messages))
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match=r"another task awaits.*its own front\.messages\(\)"):
            await anext(messages)
        front.count(7, 8)
        assert await first == ("counted", {"number": 7})

    asyncio.run(main())


def test_waiting_ends_after_the_timeout_and_can_be_tried_again(spawn: Spawn) -> None:
    front = spawn(Counter)

    async def main() -> None:
        messages = front.messages(0.05)
        with pytest.raises(TimeoutError, match=r"no message came within 0\.05 s"):
            await anext(messages)
        arrived = asyncio.Event()
        loop = asyncio.get_running_loop()
        front.counted.connect(lambda number: loop.call_soon_threadsafe(arrived.set))
        front.count(1, 2)
        await arrived.wait()
        await asyncio.to_thread(wait_until, lambda: messages._unread)
        assert await anext(messages) == ("counted", {"number": 1})

    asyncio.run(main())


def test_messages_that_are_there_already_let_other_tasks_run(spawn: Spawn) -> None:
    front = spawn(Counter)
    messages = front.messages(20)
    front.count(0, 1000)
    front.close()
    turns = 0

    async def main() -> list[int]:
        nonlocal turns
        task = asyncio.create_task(numbers(messages))
        while not task.done():
            turns += 1
            await asyncio.sleep(0)
        return task.result()

    assert asyncio.run(main()) == list(range(1000))
    assert turns >= 1000 // ports._AT_ONCE


def test_a_loop_that_was_closed_while_its_task_waited_disturbs_nobody(spawn: Spawn) -> None:
    front = spawn(Counter)
    messages = front.messages(20)
    loop = asyncio.new_event_loop()
    task = loop.create_task(anext(messages))
    loop.run_until_complete(asyncio.sleep(0))
    assert messages._waker is not None
    loop.close()
    front.count(0, 1)
    assert next(messages) == ("counted", {"number": 0})
    with pytest.raises(RuntimeError, match="Event loop is closed"):
        task.cancel()
    task._log_destroy_pending = False  # type: ignore[attr-defined]


def test_for_says_so_in_the_thread_that_would_bring_the_message(spawn: Spawn) -> None:
    front = spawn(Counter)
    messages = front.messages(20)
    raised: list[BaseException] = []
    done = threading.Event()

    def callback(number: int) -> None:
        try:
            next(messages)
        except RuntimeError as error:
            raised.append(error)
        done.set()

    front.counted.connect(callback)
    front.count(0, 1)
    assert done.wait(5)
    assert "in the thread that is to bring it" in str(raised[0])
