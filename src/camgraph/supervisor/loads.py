"""How busy each stream keeps its media process, measured from the CPU time that it reports."""

from collections.abc import Mapping

from camgraph.control.messages import StreamStatistics

SMOOTHING_S = 5.0
"""Older measurements fade with this time constant."""


class LoadMeter:
    """CPU-seconds per second of each stream, smoothed."""

    def __init__(self) -> None:
        self._cores: dict[str, float] = {}
        self._last: dict[str, tuple[int, int]] = {}

    @property
    def cores(self) -> Mapping[str, float]:
        """What is known by now, by stream."""
        return self._cores

    def update(self, statistics: Mapping[str, StreamStatistics], now_ns: int) -> None:
        """Take what a media process reported now."""
        for stream, numbers in statistics.items():
            before = self._last.get(stream)
            self._last[stream] = (numbers.cpu_ns, now_ns)
            # A count that has shrunk is a new process's.
            if before is None or numbers.cpu_ns < before[0] or now_ns <= before[1]:
                continue
            elapsed_ns = now_ns - before[1]
            measured = (numbers.cpu_ns - before[0]) / elapsed_ns
            weight = min(1.0, elapsed_ns / (SMOOTHING_S * 1e9))
            known = self._cores.get(stream, measured)
            self._cores[stream] = known + weight * (measured - known)

    def keep_only(self, streams: Mapping[str, object]) -> None:
        """Forget the streams that are no more."""
        for gone in [stream for stream in self._last if stream not in streams]:
            del self._last[gone]
            self._cores.pop(gone, None)
