"""How even, and how old, the pictures on a screen are of a camera that should send them evenly."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from benchmarks.latency.matching import Stamp


def taken(sent: Sequence[Stamp], period_ns: int) -> list[Stamp]:
    """Return when the frames of a camera were due to be sent, one each period: no later than they were."""
    ordered = sorted(sent, key=lambda stamp: stamp.monotonic_ns)
    begin_ns = min((stamp.monotonic_ns - index * period_ns for index, stamp in enumerate(ordered)), default=0)
    return [Stamp(stamp.number, begin_ns + index * period_ns) for index, stamp in enumerate(ordered)]


def intervals_off_ms(seen: Iterable[Stamp], period_ns: int) -> list[float]:
    """Return how far from the period the time from each picture to the next one was, in ms.

    A picture that was never seen makes one interval of twice the length.
    """
    times = [stamp.monotonic_ns for stamp in seen]
    return [abs(later - earlier - period_ns) / 1e6 for earlier, later in pairwise(times)]
