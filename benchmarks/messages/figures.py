"""The values of a run that the limit has like all others."""

import statistics
from collections.abc import Sequence

from benchmarks.harness.figures import percentile

Values = dict[str, float]

LIVES = 5
"""How many processes are started and killed in a run."""


def lives(started_ms: Sequence[float], noticed_ms: Sequence[float]) -> Values:
    """Return the values of processes that were started, and killed if their ends were told."""
    values = {"start_ms": statistics.median(started_ms)}
    if noticed_ms:
        values |= {"death_p50_ms": statistics.median(noticed_ms), "death_max_ms": max(noticed_ms)}
    return values


def trips(took_ns: Sequence[int]) -> Values:
    """Return the values of round trips."""
    return {"trip_p50_us": percentile(took_ns, 50) / 1e3, "trip_p99_us": percentile(took_ns, 99) / 1e3}
