"""What readers of a published ring are given."""

from camgraph.graph.nodes import Publish
from camgraph.ring.protocol import RingRequest


def request_of(node: Publish) -> RingRequest:
    """Return the request that stands for the node's ring."""
    width, height = node.size or (0, 0)
    return RingRequest(node.id, node.format, width, height)
