"""The asyncio flavour of a back end: handlers are tasks of an asyncio loop, which runs the back end's own."""

import asyncio
import inspect
from collections.abc import Collection
from typing import Any

from camgraph.base.loop import Loop
from camgraph.process.back import BackEnd, Made
from camgraph.process.handler import Handler

MOST_TASKS = 256
FINISH_WITHIN_S = 1.0


def live_in_asyncio(back: BackEnd, made: Made, watched: Collection[Any]) -> None:
    """Run an instance from its making to its clean-up."""
    asyncio.run(_Life(back).live(made, watched))


class _Life:
    """Has tasks run the handlers of a back end; belongs to the thread of the asyncio loop."""

    def __init__(self, back: BackEnd) -> None:
        self._back = back
        self._tasks: set[asyncio.Task[None]] = set()
        self._paused = False

    async def live(self, made: Made, watched: Collection[Any]) -> None:
        back = self._back
        bridge = _Bridge(back.loop)
        back.tasks = self
        try:
            if not back.make_instance(made):
                return
            instance = back._instance
            assert instance is not None
            if await self._done(Handler("setup", instance.setup)):
                back.tell_ready(watched)
                await bridge.run_until(lambda: back.ended)
                await self._finish()
                await self._done(Handler("cleanup", instance.cleanup))
        finally:
            bridge.close()
            back.tasks = None

    def begin(self, handler: Handler) -> bool:
        """Run a handler; False: it goes on in a task."""
        try:
            value = handler.call()
        except BaseException as error:
            self._back.raised(handler, error)
            return True
        if not inspect.isawaitable(value):
            self._back.returned(handler, value)
            return True
        task = asyncio.ensure_future(self._follow(handler, value))
        self._tasks.add(task)
        task.add_done_callback(lambda task: self._end_task(task, handler))
        if len(self._tasks) >= MOST_TASKS and not self._paused:
            self._paused = True
            self._back.pause_calls(True)
        return False

    def _end_task(self, task: asyncio.Task[None], handler: Handler) -> None:
        self._tasks.discard(task)
        if handler.on_done is not None:
            handler.on_done()
        if self._paused and len(self._tasks) < MOST_TASKS // 2:
            self._paused = False
            self._back.pause_calls(False)
        if self._back.ended:
            # A task may be the one that ended it, which the loop does not know.
            self._back.loop.call_soon_threadsafe(lambda: None)

    async def _finish(self) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=FINISH_WITHIN_S)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=FINISH_WITHIN_S)

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
        try:
            async with asyncio.timeout(handler.deadline_s) as deadline:
                value = await awaitable
        except asyncio.CancelledError:
            return
        except BaseException as error:
            if deadline.expired():
                late = TimeoutError(f"it ran past its deadline of {handler.deadline_s:g} s")
                self._back.fail(handler.where, late.with_traceback(error.__traceback__))
                self._back.end(1)
            else:
                self._back.raised(handler, error)
        else:
            self._back.returned(handler, value)


class _Bridge:
    """Has the asyncio loop run a `Loop`: whenever that has something to do."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._asyncio = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._turned = asyncio.Event()
        self._asyncio.add_reader(loop.fileno(), self._turn)
        self._set_timer()

    async def run_until(self, done: Any) -> None:
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
