"""The asyncio flavour of a back end: handlers are tasks of an asyncio loop, which runs the back end's own."""

import asyncio
import inspect
import types
from collections.abc import Callable, Collection, Coroutine, Generator
from functools import partial
from typing import Any

from camgraph.base.loop import Loop
from camgraph.process.back import BackEnd, Made
from camgraph.process.handler import Handler
from camgraph.process.story import arm, disarm

MOST_TASKS = 256
FINISH_WITHIN_S = 1.0


def live_in_asyncio(back: BackEnd, made: Made, watched: Collection[Any]) -> None:
    """Run an instance from its making to its clean-up."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        _run(loop, _Life(back).live(made, watched), back)
        # Not asyncio.run(), which waits for ever for what does not let itself be cancelled.
        _run(loop, _cancel({*asyncio.all_tasks(loop)}), back)
        closing = loop.create_task(loop.shutdown_asyncgens())
        loop.run_until_complete(asyncio.wait([closing], timeout=FINISH_WITHIN_S))
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def _run(loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, None], back: BackEnd) -> None:
    """Run to the end, also where a task that the instance has made ends the asyncio loop before."""
    task = loop.create_task(coroutine)
    while not task.done():
        try:
            loop.run_until_complete(task)
        except BaseException as error:
            back.raised(Handler("asyncio", lambda: None), error)


async def _cancel(tasks: set[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=FINISH_WITHIN_S)


class _Life:
    """Has tasks run the handlers of a back end; belongs to the thread of the asyncio loop."""

    def __init__(self, back: BackEnd) -> None:
        self._back = back
        self._tasks: set[asyncio.Task[None]] = set()
        self._not_begun = 0
        """Of them, wait for their first step."""
        self._paused = False

    async def live(self, made: Made, watched: Collection[Any]) -> None:
        back = self._back
        bridge = _Bridge(back.loop)
        back.tasks = self
        try:
            instance = back.make_instance(made)
            if instance is None:
                return
            # Calls come after `setup`; callbacks that it has asked for need not.
            back.pause_calls(True)
            if await self._done(Handler("setup", instance.setup)):
                back.tell_ready(watched)
                back.pause_calls(False)
                try:
                    await bridge.run_until(lambda: back.ended)
                except asyncio.CancelledError as error:
                    # By an instance that cancels all tasks there are.
                    back.raised(Handler("asyncio", lambda: None), error)
                await self._finish()
                await self._done(Handler("cleanup", instance.cleanup))
        finally:
            bridge.close()
            back.tasks = None

    def begin(self, handler: Handler) -> bool:
        """Run a handler; False: it goes on in a task."""
        awaitable: Any = None
        # Behind those that wait for their first step it takes its place, though it may need no task itself.
        if not self._not_begun:
            try:
                awaitable = handler.call()
            except BaseException as error:
                self._back.begun(handler)
                self._back.raised(handler, error)
                return True
            if not inspect.isawaitable(awaitable):
                self._back.begun(handler)
                self._back.returned(handler, awaitable)
                return True
        self._not_begun += 1
        task = asyncio.ensure_future(self._follow(handler, awaitable))
        self._tasks.add(task)
        task.add_done_callback(lambda task: self._end_task(task, handler))
        if len(self._tasks) >= MOST_TASKS and not self._paused:
            self._pause(True)
        return False

    def _end_task(self, task: asyncio.Task[None], handler: Handler) -> None:
        self._tasks.discard(task)
        if handler.on_done is not None:
            handler.on_done()
        if self._paused and len(self._tasks) < MOST_TASKS // 2:
            self._pause(False)

    def _pause(self, pausing: bool) -> None:
        self._paused = pausing
        self._back.pause_calls(pausing)

    async def _finish(self) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=FINISH_WITHIN_S)
        await _cancel({*self._tasks})

    async def _done(self, handler: Handler) -> bool:
        """Run a handler to its end; False: it raised, which was reported."""
        try:
            value = handler.function()
            if inspect.isawaitable(value):
                await value
        except BaseException as error:
            self._back.raised(handler, error)
            return False
        return True

    async def _follow(self, handler: Handler, awaitable: Any) -> None:
        self._not_begun -= 1
        self._back.begun(handler)
        try:
            async with asyncio.timeout(handler.deadline_s) as deadline:
                if handler.deadline_s is None:
                    value = await _value_of(handler, awaitable)
                else:
                    value = await _in_timed_steps(_value_of(handler, awaitable), handler.deadline_s)
        except asyncio.CancelledError as error:
            if not self._back.ended:
                # By itself, or by a task of its own that it has waited for.
                cancelled = RuntimeError("it was cancelled")
                self._back.raised(handler, cancelled.with_traceback(error.__traceback__))
        except BaseException as error:
            if deadline.expired():
                # Python 3.11.2 says it by the context only.
                self._end_late(handler, error.__cause__ or error.__context__)
            else:
                self._back.raised(handler, error)
        else:
            if deadline.expired():
                self._end_late(handler, None)
            else:
                self._back.returned(handler, value)

    def _end_late(self, handler: Handler, cause: BaseException | None) -> None:
        late = TimeoutError(f"it ran past its deadline of {handler.deadline_s:g} s")
        late.__cause__ = cause
        self._back.fail(handler.where, late)
        self._back.end(1)


async def _value_of(handler: Handler, awaitable: Any) -> object:
    value = handler.function() if awaitable is None else awaitable
    return await value if inspect.isawaitable(value) else value


@types.coroutine
def _in_timed_steps(steps: Coroutine[Any, Any, object], deadline_s: float) -> Generator[Any, Any, object]:
    """Await, and have the process killed by a step that holds the loop for longer than the deadline."""
    step: Callable[[], Any] = partial(steps.send, None)
    while True:
        arm(deadline_s)
        try:
            waited_for = step()
        except StopIteration as done:
            value: object = done.value
            return value
        finally:
            disarm()
        try:
            step = partial(steps.send, (yield waited_for))
        except BaseException as error:
            step = partial(steps.throw, error)


class _Bridge:
    """Has the asyncio loop run a `Loop`: whenever that has something to do."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._asyncio = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._turned = asyncio.Event()
        self._asyncio.add_reader(loop.fileno(), self._turn)
        self._set_timer()

    async def run_until(self, done: Callable[[], bool]) -> None:
        while not done():
            self._turned.clear()
            await self._turned.wait()

    def close(self) -> None:
        self._asyncio.remove_reader(self._loop.fileno())
        if self._timer is not None:
            self._timer.cancel()

    def _turn(self) -> None:
        self._loop.run_once(0.0)
        self._set_timer()
        self._turned.set()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due_in_s = self._loop.due_in_s()
        if due_in_s is not None:
            self._timer = self._asyncio.call_later(due_in_s, self._turn)
