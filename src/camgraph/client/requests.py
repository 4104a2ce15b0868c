"""Requests of the graph as the rings know them."""

from camgraph.base.descriptors import connect_site
from camgraph.graph.spec import FrameRequest
from camgraph.ring.protocol import WHOLE, RingRequest
from camgraph.ring.reader import Reader


def ring_request(request: FrameRequest) -> RingRequest:
    """Return what a reader asks the site for: equal requests share one ring."""
    width, height = request.size or (0, 0)
    return RingRequest(
        stream=request.stream,
        format=request.format,
        width=width,
        height=height,
        fps=request.fps or 0.0,
        roi=request.roi or WHOLE,
    )


def open_reader(site: str, request: FrameRequest) -> Reader:
    """Return a reader of the frames asked for, on the site of that name; the caller closes it."""
    return Reader(
        lambda: connect_site(site), ring_request(request), policy=request.policy, leases=request.leases
    )
