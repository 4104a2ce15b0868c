"""Waiting for a condition, with a bound: what tests do instead of sleeping."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(condition: Callable[[], T], timeout_s: float = 5.0, what: str = "") -> T:
    """Return the first true value of `condition()`; raise AssertionError naming `what` after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    pause_s = 0.001
    while not (value := condition()):
        if time.monotonic() >= deadline:
            told = what or getattr(condition, "__name__", repr(condition))
            raise AssertionError(f"waited {timeout_s:g} s in vain for: {told}")
        time.sleep(pause_s)
        pause_s = min(pause_s * 1.5, 0.05)
    return value
