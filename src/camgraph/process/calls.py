"""Calls whose results are waited for."""

import concurrent.futures
import itertools
import logging
import threading
from collections.abc import Callable, Generator, Iterable
from typing import Any

from camgraph.base.errors import BackendBusy, BackendRaised, BrokenError

_log = logging.getLogger(__name__)

MOST_OPEN = 4096

Wait = Callable[[Callable[[], bool], float | None], float | None]
"""``wait(done, timeout)`` does what is needed here until it is done; returns what is left of the timeout."""


class Call(concurrent.futures.Future[Any]):
    """What a backend method will return: a future for plain Python, awaitable in asyncio.

    Done when the method has returned or raised (`BackendRaised`), or will never answer (`BrokenError`: the
    process has ended, as the text says). In Qt, see `camgraph.qt.reply`. Cancelled, it forgets the result;
    the method runs all the same. What the method raised is logged if nobody asks for it.
    """

    def __init__(self, method: str, wait: Wait) -> None:
        super().__init__()
        self._method = method
        self._wait = wait
        self._asked = False
        self._front: object = None
        """Whose call it is: a result comes after the messages that were sent before it, in Qt too."""

    def __repr__(self) -> str:
        return f"<Call of {self._method}: {'done' if self.done() else 'under way'}>"

    def __await__(self) -> Generator[Any, None, Any]:
        # It is there where this is awaited; programs without it need not load it.
        import asyncio

        self._asked = True
        return asyncio.wrap_future(self).__await__()

    def __del__(self) -> None:
        if self.done() and not self.cancelled() and not self._asked:
            error = super().exception()
            if isinstance(error, BackendRaised):
                _log.error("nobody asked how a call of %s went: %s", self._method, error)

    def result(self, timeout: float | None = None) -> Any:
        """Return what the method returned, or raise what became of it.

        TimeoutError after `timeout` seconds; RuntimeError in the thread that is to bring the result. In the
        thread that calls the front end's `dispatch`, it dispatches meanwhile.
        """
        self._asked = True
        try:
            return super().result(self._wait(self.done, timeout))
        except TimeoutError:
            if self.done():
                raise
            raise TimeoutError(f"{self._method} has not returned within {timeout} s") from None

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Return what the method raised, None if it returned; waits and raises as `result`."""
        self._asked = True
        return super().exception(self._wait(self.done, timeout))

    def add_done_callback(self, fn: Callable[[concurrent.futures.Future[Any]], object]) -> None:
        """Call ``fn(call)`` when it is done: in the thread that serves the front end, or here at once.

        An exception that leaves it is logged.
        """
        self._asked = True

        def guarded(call: concurrent.futures.Future[Any]) -> None:
            try:
                fn(call)
            except SystemExit:  # It would end the thread that serves, and nobody would know.
                _log.exception("a callback of %r failed", call)

        super().add_done_callback(guarded)


class Calls:
    """The calls of a front end that are not answered, by token; `MOST_OPEN` at most. Any thread.

    So many results may wait in the back end for a front end that does not read them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tokens = itertools.count(1)
        self._open: dict[int, Call] = {}
        self._lives: dict[int, int] = {}

    def open(self, method: str, wait: Wait) -> tuple[int, Call]:
        """Return a new call and its token; raise BackendBusy if there are too many."""
        call = Call(method, wait)
        token = next(self._tokens)
        with self._lock:
            if len(self._open) >= MOST_OPEN:
                raise BackendBusy(f"{method}: {MOST_OPEN} calls are not answered yet; try again later")
            self._open[token] = call
        return token, call

    def sent(self, tokens: Iterable[int], life: int) -> None:
        """The calls are with the back end of that life, or wait for it."""
        with self._lock:
            self._lives.update((token, life) for token in tokens if token in self._open)

    def give(self, token: int, value: object) -> None:
        """Let a call return."""
        call = self.forget(token)
        if call is not None and call.set_running_or_notify_cancel():
            call.set_result(value)

    def fail(self, token: int, error: Exception) -> None:
        """Let a call raise."""
        call = self.forget(token)
        if call is not None and call.set_running_or_notify_cancel():
            call.set_exception(error)

    def fail_before(self, life: int, why: str) -> None:
        """Let the calls that were sent in an earlier life raise BrokenError."""
        with self._lock:
            tokens = [token for token, sent_in in self._lives.items() if sent_in < life]
        for token in tokens:
            self.fail(token, BrokenError(why))

    def fail_all(self, why: str) -> None:
        """Let all calls raise BrokenError: none will be answered."""
        for token in list(self._open):
            self.fail(token, BrokenError(why))

    def forget(self, token: int) -> Call | None:
        """Return the call, which is open no more; None if it was not."""
        with self._lock:
            self._lives.pop(token, None)
            return self._open.pop(token, None)
