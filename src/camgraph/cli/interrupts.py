"""Ctrl-C and SIGTERM while a command starts."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

NUMBERS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def held() -> Iterator[None]:
    """Have them wait, then raise KeyboardInterrupt: loading Qt swallows what is raised in it, or aborts."""
    came: list[int] = []
    handlers = {number: signal.signal(number, lambda number, _: came.append(number)) for number in NUMBERS}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    if came:
        raise KeyboardInterrupt


@contextmanager
def interrupting() -> Iterator[None]:
    """Have them raise KeyboardInterrupt, the first only: what closes then must not be interrupted again."""
    handlers = {number: signal.signal(number, _interrupt) for number in NUMBERS}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _interrupt(*_: object) -> NoReturn:
    for number in NUMBERS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
