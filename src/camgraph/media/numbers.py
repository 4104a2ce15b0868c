"""The numbers of one stream: what all its attempts have counted, and how fast that grows lately."""

from collections import deque
from collections.abc import Collection
from typing import NamedTuple, Protocol

from camgraph.media.demand import Counts
from camgraph.media.source import NetworkCounts

LATELY_NS = 5_000_000_000
_APART_NS = 400_000_000
"""Who asks more often gets the same numbers, and does not shorten the time they are taken over."""


class Counting(Protocol):
    """What an attempt counts."""

    @property
    def counts(self) -> Counts:
        """What became of its packets."""
        ...

    @property
    def network(self) -> NetworkCounts:
        """What came over the network."""
        ...

    @property
    def last_packet_ns(self) -> int:
        """When its newest packet came; 0: none did."""
        ...


class Rates(NamedTuple):
    """What came lately, and what it cost."""

    bit_rate: float = 0.0
    """Bits per second."""
    fps: float = 0.0
    """Packets of video per second."""
    decode_ns: int = 0
    """CPU time of decoding a picture; of those decoded last, if there was none lately."""


class _Sample(NamedTuple):
    at_ns: int
    received_bytes: int
    received: int
    decoded: int
    decode_ns: int


class StreamNumbers:
    """Adds up what a stream's attempts count, those that have ended and those that may still run.

    Its `rates` are those between the times at which they are asked for, over `LATELY_NS` at most. Times are
    CLOCK_MONOTONIC in ns.
    """

    def __init__(self, now_ns: int) -> None:
        self._ended = Counts()
        self._ended_bytes = self._ended_lost = self._newest_ns = 0
        self._samples = deque([_Sample(now_ns, 0, 0, 0, 0)])
        self._rates = Rates()

    def add_ended(self, attempt: Counting) -> None:
        """Keep what an attempt has counted whose thread has ended."""
        self._ended.add(attempt.counts)
        self._ended_bytes += attempt.network.received_bytes
        self._ended_lost += attempt.network.lost
        self._newest_ns = max(self._newest_ns, attempt.last_packet_ns)

    def counts(self, running: Collection[Counting]) -> Counts:
        """Return what became of all packets."""
        counts = Counts()
        # Each attempt's thread counts for itself: a former one may still be on its way out.
        for other in (self._ended, *(attempt.counts for attempt in running)):
            counts.add(other)
        return counts

    def received_bytes(self, running: Collection[Counting]) -> int:
        """Return how much has come over the network."""
        return self._ended_bytes + sum(attempt.network.received_bytes for attempt in running)

    def lost(self, running: Collection[Counting]) -> int:
        """Return how many RTP packets did not come."""
        return self._ended_lost + sum(attempt.network.lost for attempt in running)

    def newest_age_ns(self, running: Collection[Counting], now_ns: int) -> int:
        """Return how long ago the newest packet came; 0: none ever did."""
        newest_ns = max([self._newest_ns, *(attempt.last_packet_ns for attempt in running)])
        return max(1, now_ns - newest_ns) if newest_ns else 0

    def rates(self, running: Collection[Counting], now_ns: int) -> Rates:
        """Return how fast things come, as of now."""
        samples = self._samples
        if now_ns - samples[-1].at_ns < _APART_NS:
            return self._rates
        now = self._sample(running, now_ns)
        samples.append(now)
        while samples[1].at_ns <= now_ns - LATELY_NS and len(samples) > 2:
            samples.popleft()
        before = samples[0]
        passed_s = (now_ns - before.at_ns) / 1e9
        decoded = now.decoded - before.decoded
        self._rates = Rates(
            # Not less than nothing: a source that went over to another connection counts that one's.
            bit_rate=max(0, now.received_bytes - before.received_bytes) * 8 / passed_s,
            fps=max(0, now.received - before.received) / passed_s,
            decode_ns=(now.decode_ns - before.decode_ns) // decoded if decoded else self._rates.decode_ns,
        )
        return self._rates

    def begin_rates(self, running: Collection[Counting], now_ns: int) -> None:
        """Measure from now on: what was before is not of this connection."""
        self._samples.clear()
        self._samples.append(self._sample(running, now_ns))

    def _sample(self, running: Collection[Counting], now_ns: int) -> _Sample:
        counts = self.counts(running)
        # What nobody is in a hurry for waits for some time to be counted.
        received = counts.received + sum(attempt.network.queued for attempt in running)
        return _Sample(now_ns, self.received_bytes(running), received, counts.decoded, counts.decode_ns)
