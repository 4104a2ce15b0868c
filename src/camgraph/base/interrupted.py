"""Ctrl-C in the midst of a fork, whose hooks are no place for exceptions."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class _Held(threading.local):
    def __init__(self) -> None:
        self.handlers: dict[int, Any] = {}


_held = _Held()


@contextmanager
def interrupted_later() -> Iterator[None]:
    """Have a SIGINT or SIGTERM that comes meanwhile count at the end; a child that is forked gets none.

    Python drops what is raised in the midst of a fork, and leaves the lock of `logging` taken for ever.
    """
    came: list[int] = []
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            if callable(handler := signal.getsignal(number)):
                _held.handlers[number] = handler
                signal.signal(number, lambda number, _: came.append(number))
    try:
        yield
    finally:
        give_signals_back()
        for interrupt in came:
            signal.raise_signal(interrupt)


def give_signals_back() -> None:
    """Deal with signals as before, in a child that was forked meanwhile."""
    handlers, _held.handlers = _held.handlers, {}
    for number, handler in handlers.items():
        signal.signal(number, handler)
