"""Memory for rings, asked for at the supervisor before it is touched."""

import functools
import itertools
from collections.abc import Callable

from camgraph.control.messages import MemoryAnswer, ReleaseMemory, ReserveMemory
from camgraph.ring.protocol import RingRequest


class Memory:
    """What this process may use for rings; belongs to the loop's thread.

    `send` tells the supervisor, and does not raise. A supervisor that says nothing is waited for: it comes to
    answer, or is replaced before long, and this process with it. To refuse meanwhile would end readers that
    could go on.
    """

    def __init__(self, send: Callable[[ReserveMemory | ReleaseMemory], None]) -> None:
        self._send = send
        self._tokens = itertools.count(1)
        self._questions: dict[int, Callable[[str], None]] = {}

    def reserve(self, stream: str, size_bytes: int, then: Callable[[str], None]) -> None:
        """Ask for so much more for a stream; `then` gets why it can't be had, empty: it can."""
        token = next(self._tokens)
        self._questions[token] = then
        self._send(ReserveMemory(token=token, stream=stream, size_bytes=size_bytes))

    def release(self, size_bytes: int) -> None:
        """Give back what was granted."""
        if size_bytes > 0:
            self._send(ReleaseMemory(size_bytes=size_bytes))

    def on_answer(self, answer: MemoryAnswer) -> None:
        """Take the supervisor's answer."""
        then = self._questions.pop(answer.token, None)
        if then is not None:
            then(answer.refused)


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
