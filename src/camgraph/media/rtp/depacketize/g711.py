"""Sound whose packets stand for themselves: G.711 (RFC 3551)."""

from camgraph.media.rtp.units import AccessUnit


class G711Depacketizer:
    """Gives the samples of each packet as a unit; none is damaged, as it comes whole or not at all."""

    parameter_sets = b""

    def push(
        self, data: bytes | memoryview, start: int, end: int, timestamp: int, marker: bool
    ) -> list[AccessUnit]:
        """Take the payload `data[start:end]` of the next packet; return it as a unit."""
        return [AccessUnit(bytes(data[start:end]), timestamp, True, False)] if start < end else []

    def lost(self) -> None:
        """Take note that packets before the next one are missing: timestamps tell of it, too."""

    def flush(self) -> list[AccessUnit]:
        """Return nothing, as nothing is held."""
        return []
