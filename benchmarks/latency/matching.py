"""Which frame that was sent is the one that was seen: numbers come again as the cameras' clips do."""

from bisect import bisect_right
from collections.abc import Iterable
from typing import NamedTuple

MAX_AGE_NS = 5_000_000_000


class Stamp(NamedTuple):
    """When (CLOCK_MONOTONIC) a frame of that number was somewhere."""

    number: int
    monotonic_ns: int


def ages_ms(sent: Iterable[Stamp], seen: Iterable[Stamp]) -> list[float]:
    """Return for each frame seen how long before it had been sent, in ms; strangers are left out.

    A frame was sent when one of its number last was, `MAX_AGE_NS` before at most.
    """
    times: dict[int, list[int]] = {}
    for stamp in sorted(sent, key=lambda stamp: stamp.monotonic_ns):
        times.setdefault(stamp.number, []).append(stamp.monotonic_ns)
    ages = []
    for stamp in seen:
        of_number = times.get(stamp.number, [])
        index = bisect_right(of_number, stamp.monotonic_ns)
        if index and stamp.monotonic_ns - of_number[index - 1] <= MAX_AGE_NS:
            ages.append((stamp.monotonic_ns - of_number[index - 1]) / 1e6)
    return ages
