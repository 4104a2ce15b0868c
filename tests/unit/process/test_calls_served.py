"""Which calls a back end counts as served: those that are not, when it dies, are told as lost."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import camgraph as cg
from camgraph.testing.waiting import wait_until


class Counting(cg.AsyncMessageProcess):
    served = cg.message(by_now=int)

    def __init__(self, asked: threading.Event) -> None:
        self.asked = asked

    async def setup(self) -> None:
        # All calls are there before the first is taken.
        await asyncio.to_thread(self.asked.wait, 5)

    @cg.backend
    async def look(self) -> None:
        self.served.emit(self._outlet._report.served)  # type: ignore[attr-defined]

    @cg.backend
    def look_at_once(self) -> None:
        self.served.emit(self._outlet._report.served)  # type: ignore[attr-defined]


def test_a_task_is_served_with_its_first_step(spawn: Callable[..., Any]) -> None:
    asked = threading.Event()
    front = spawn(Counting, asked)
    seen: list[int] = []
    front.served.connect(lambda by_now: seen.append(by_now))
    for look in (front.look, front.look_at_once, front.look, front.look):
        look()
    asked.set()
    wait_until(lambda: len(seen) == 4)
    assert seen == [1, 2, 3, 4]
