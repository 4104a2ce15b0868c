"""Requests to the supervisor that want an answer."""

import itertools
import threading
from concurrent.futures import Future
from typing import Any

import msgspec

from camgraph.base.errors import BrokenError
from camgraph.client.connection import Connection


class Answers:
    """The answers that are waited for, by the tokens of their requests. Thread-safe."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._tokens = itertools.count(1)
        self._awaited: dict[int, Future[Any]] = {}

    def new_token(self) -> int:
        """Return a token for a request."""
        return next(self._tokens)

    def ask(self, token: int, request: msgspec.Struct, timeout: float) -> Any:
        """Send a request, and return the answer that carries its token.

        Raises TimeoutError; BrokenError when the supervisor dies meanwhile; RuntimeError in the thread that
        the answer would be heard in.
        """
        if self._connection.in_thread():
            raise RuntimeError("this waits for an answer, which a callback of the site can't: use a thread")
        answer: Future[Any] = Future()
        with self._lock:
            self._awaited[token] = answer
        try:
            self._connection.send(request)
            return answer.result(timeout)
        except TimeoutError:
            raise TimeoutError(f"the supervisor did not answer within {timeout:g} s") from None
        finally:
            with self._lock:
                self._awaited.pop(token, None)

    def give(self, token: int, answer: object) -> None:
        """Give an answer to whoever waits for it, if anybody still does."""
        with self._lock:
            future = self._awaited.pop(token, None)
        if future is not None:
            future.set_result(answer)

    def fail(self, why: str) -> None:
        """Tell all who wait that no answer will come."""
        with self._lock:
            futures, self._awaited = list(self._awaited.values()), {}
        for future in futures:
            future.set_exception(BrokenError(why))
