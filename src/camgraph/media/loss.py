"""How many of a stream's packets are lost, lately."""

from collections import deque

LATELY_NS = 5_000_000_000
_FEWEST_LOST = 3
"""One lost packet of the few that a slow stream sends is no rate."""


class LossMeter:
    """Computes the share of lost packets over the last `LATELY_NS` from growing counts."""

    def __init__(self) -> None:
        self._counts: deque[tuple[int, int, int]] = deque()
        self.loss = 0.0
        """The newest result."""

    def measure(self, packets: int, lost: int, now_ns: int) -> float:
        """Take the counts of now, those that came and those that did not; return the share of the latter."""
        counts = self._counts
        if counts and packets < counts[-1][1]:
            counts.clear()  # They are another connection's.
        counts.append((now_ns, packets, lost))
        while len(counts) > 1 and counts[1][0] <= now_ns - LATELY_NS:
            counts.popleft()
        _, packets_before, lost_before = counts[0]
        gone = lost - lost_before
        sent = packets - packets_before + gone
        self.loss = gone / sent if gone >= _FEWEST_LOST else 0.0
        return self.loss
