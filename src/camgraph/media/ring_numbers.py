"""The numbers of one ring, of pictures or of packets."""

from camgraph.base.pixels import FrameFormat
from camgraph.control.messages import RingStatistics
from camgraph.ring.protocol import WHOLE, RingRequest
from camgraph.ring.writer import RingWriter


def ring_statistics(
    request: RingRequest,
    writer: RingWriter,
    format: FrameFormat,  # noqa: A002
    size: tuple[int, int],
    unfit: int,
) -> RingStatistics:
    """Return what was asked and what came of it; `size` is what the ring has room for now, in px."""
    counts = writer.statistics()
    return RingStatistics(
        stream=request.stream,
        format=format,
        width=size[0],
        height=size[1],
        fps=request.fps,
        readers=counts.readers,
        published=counts.published,
        behind=counts.behind,
        no_slot=counts.no_slot,
        unfit=unfit,
        roi=None if request.roi == WHOLE else request.roi,
        size_bytes=writer.planned_bytes(),
    )
