"""How often a stream's key frames come."""

from collections import deque

from camgraph.media.source import Packet

_REMEMBERED = 3
_LONGEST_NS = 60_000_000_000
_ENOUGH = 0.9
"""Arrival is uneven; a tenth less than asked for is not worth decoding everything."""


class KeyframeRhythm:
    """Tells whether key frames alone give a rate, by the longest of the last intervals between them."""

    def __init__(self) -> None:
        self._last: Packet | None = None
        self._intervals_ns: deque[int] = deque(maxlen=_REMEMBERED)

    @property
    def interval_ns(self) -> int:
        """The longest of the last intervals; 0: there was none."""
        return max(self._intervals_ns, default=0)

    def gives(self, fps: float, packet: Packet) -> bool:
        """Take the next packet; return whether key frames come at least so often, as far as is known."""
        since_ns = _between_ns(self._last, packet) if self._last is not None else 0
        if packet.keyframe:
            if self._last is not None:
                self._intervals_ns.append(since_ns)
            self._last = packet
        longest_ns = max((since_ns, *self._intervals_ns))
        return bool(self._intervals_ns) and longest_ns * fps * _ENOUGH <= 1e9


def _between_ns(before: Packet, after: Packet) -> int:
    if before.pts is not None and after.pts is not None:
        ticks = after.pts - before.pts
        passed_ns = ticks * 1_000_000_000 * after.time_base.numerator // after.time_base.denominator
        if 0 < passed_ns < _LONGEST_NS:
            return passed_ns
    return after.arrival_ns - before.arrival_ns
