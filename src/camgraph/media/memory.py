"""Memory for rings, asked for at the supervisor before it is touched."""

import functools
import itertools
from collections.abc import Callable
from typing import NamedTuple

from camgraph.base.loop import Loop, Timer
from camgraph.control.messages import MemoryAnswer, ReleaseMemory, ReserveMemory
from camgraph.ring.protocol import RingRequest

ANSWER_WITHIN_S = 2.0


class _Question(NamedTuple):
    size_bytes: int
    then: Callable[[str], None]
    timer: Timer


class Memory:
    """What this process may use for rings; belongs to the loop's thread.

    `send` tells the supervisor, and does not raise. A supervisor that says nothing within `ANSWER_WITHIN_S`
    has refused; what it grants later is given back.
    """

    def __init__(self, loop: Loop, send: Callable[[ReserveMemory | ReleaseMemory], None]) -> None:
        self._loop, self._send = loop, send
        self._tokens = itertools.count(1)
        self._questions: dict[int, _Question] = {}
        self._given_up: dict[int, int] = {}

    def reserve(self, stream: str, size_bytes: int, then: Callable[[str], None]) -> None:
        """Ask for so much more for a stream; `then` gets why it can't be had, empty: it can."""
        token = next(self._tokens)
        timer = self._loop.call_later(ANSWER_WITHIN_S, functools.partial(self._give_up, token, stream))
        self._questions[token] = _Question(size_bytes, then, timer)
        self._send(ReserveMemory(token=token, stream=stream, size_bytes=size_bytes))

    def release(self, size_bytes: int) -> None:
        """Give back what was granted."""
        if size_bytes > 0:
            self._send(ReleaseMemory(size_bytes=size_bytes))

    def on_answer(self, answer: MemoryAnswer) -> None:
        """Take the supervisor's answer."""
        question = self._questions.pop(answer.token, None)
        if question is not None:
            question.timer.cancel()
            question.then(answer.refused)
            return
        size_bytes = self._given_up.pop(answer.token, 0)
        if not answer.refused:
            self.release(size_bytes)

    def _give_up(self, token: int, stream: str) -> None:
        question = self._questions.pop(token)
        self._given_up[token] = question.size_bytes
        question.then(
            f"Whether there is memory for pictures of {stream!r} was not told within {ANSWER_WITHIN_S:g} s: "
            "ask again, and restart the site if that goes on."
        )


class Grants:
    """What of it the rings of one camera got, by request; belongs to the loop's thread."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._granted: dict[RingRequest, int] = {}
        self._asking: set[RingRequest] = set()
        self._closed = False

    def of(self, request: RingRequest) -> int:
        """Return how many bytes a ring may take."""
        return self._granted.get(request, 0)

    def asks(self, request: RingRequest) -> bool:
        """Tell whether an answer is awaited."""
        return request in self._asking

    def ask(self, request: RingRequest, size_bytes: int, then: Callable[[str], None]) -> None:
        """Ask that a ring may take so much, all together; `then` gets why it can't, empty: it may.

        Once at a time for a request. Nothing is told any more after `close`.
        """
        missing = size_bytes - self.of(request)
        self._asking.add(request)
        self._memory.reserve(request.stream, missing, functools.partial(self._answer, request, missing, then))

    def cut(self, request: RingRequest, size_bytes: int) -> None:
        """Give back what a ring has more than that."""
        spare = self.of(request) - size_bytes
        if spare > 0 and request not in self._asking:
            self._granted[request] = size_bytes
            if not size_bytes:
                del self._granted[request]
            self._memory.release(spare)

    def close(self) -> None:
        """Give everything back, what comes later, too. Closing twice does nothing."""
        self._closed = True
        granted, self._granted = sum(self._granted.values()), {}
        self._memory.release(granted)

    def _answer(self, request: RingRequest, asked: int, then: Callable[[str], None], refused: str) -> None:
        self._asking.discard(request)
        if self._closed:
            self._memory.release(0 if refused else asked)
            return
        if not refused:
            self._granted[request] = self.of(request) + asked
        then(refused)
