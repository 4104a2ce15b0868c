"""One ring of encoded packets, as one request wants it."""

from camgraph.base.pixels import is_item_format
from camgraph.control.messages import RingStatistics
from camgraph.media.filters import Tap
from camgraph.media.source import Packet, StreamInfo
from camgraph.ring.protocol import RingRequest
from camgraph.ring.writer import FrameMeta, RingWriter, planned_bytes

_USUAL_BYTES = 1 << 20


def are_packets(request: RingRequest) -> bool:
    """Tell whether a request is for packets, and not for pictures."""
    return is_item_format(request.format)


def packet_bytes_for(request: RingRequest, fps: float, leases: int) -> int:
    """Return how much memory a ring for a request takes at most."""
    return planned_bytes(request.format or "nal", request.width or _USUAL_BYTES, 1, fps=fps, leases=leases)


class PacketOutput:
    """Makes the items of one ring. `publish_packet` and `miss_packet` belong to the stream's thread."""

    def __init__(self, request: RingRequest, epoch: int, fps: float) -> None:
        self.request = request
        self.tap: Tap | None = None
        """What decides which packets pass; None: all do."""
        self.allowed_bytes = 0
        self._most_bytes = request.width or _USUAL_BYTES
        self.writer = RingWriter(
            request.stream, request.format or "nal", self._most_bytes, 1, epoch=epoch, fps=fps
        )

    def planned_bytes(self, leases: int = 0) -> int:
        """Return the most memory that the ring takes with so many leases more."""
        return self.writer.planned_bytes(leases)

    def publish_packet(self, packet: Packet, info: StreamInfo) -> bool:
        """Write what a packet gives if anybody reads; False: nothing was written."""
        data = memoryview(packet.data).cast("B")
        if not self.writer.readers or not 0 < len(data) <= self._most_bytes:
            return False
        meta = FrameMeta(
            pts=packet.pts,
            time_base=packet.time_base,
            capture_ns=packet.capture_ns,
            capture_quality=packet.capture_quality,
            arrival_ns=packet.arrival_ns,
            keyframe=packet.keyframe,
        )
        return self.writer.publish_bytes(data, meta)

    def miss_packet(self, packet: Packet, info: StreamInfo) -> None:
        """Take note of a packet that does not pass the filters."""

    def statistics(self) -> RingStatistics:
        """Return what was asked and what came of it."""
        counts, request = self.writer.statistics(), self.request
        return RingStatistics(
            stream=request.stream,
            format=request.format or "nal",
            width=self._most_bytes,
            height=1,
            fps=request.fps,
            readers=counts.readers,
            published=counts.published,
            behind=counts.behind,
            no_slot=counts.no_slot,
            unfit=0,
            roi=None,
            size_bytes=self.writer.planned_bytes(),
        )
