"""Live video from many IP cameras: received and decoded once, shown, analysed and shared from Python.

Importing this starts no thread, opens nothing and loads neither FFmpeg nor Qt; the names below are loaded
when they are first used. Widgets are in `camgraph.qt`, errors in `camgraph.errors`, cameras for tests in
`camgraph.testing`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from camgraph.base.frozen import freeze_support
    from camgraph.client.graph import Graph, attach
    from camgraph.client.nodes import LiveCamera, LiveFork, LiveGate, LiveMovement, LivePublished, LiveRate
    from camgraph.client.published import Publisher, publish, read
    from camgraph.client.site import Site
    from camgraph.client.streams import LiveStream
    from camgraph.control.messages import NodeEvent, SiteStatistics, StreamStatistics, StreamStatus
    from camgraph.graph.changes import GraphDiff
    from camgraph.graph.spec import FrameRequest, GraphSpec
    from camgraph.graph.stream import Stream
    from camgraph.process.barrier import Barrier
    from camgraph.process.calls import Call
    from camgraph.process.declare import AsyncMessageProcess, MessageProcess, Restart, backend
    from camgraph.process.descriptor import Descriptor
    from camgraph.process.front import FrontEnd
    from camgraph.process.message import message
    from camgraph.ring.frame import Frame
    from camgraph.ring.reader import Reader

__all__ = [
    "AsyncMessageProcess",
    "Barrier",
    "Call",
    "Descriptor",
    "Frame",
    "FrameRequest",
    "FrontEnd",
    "Graph",
    "GraphDiff",
    "GraphSpec",
    "LiveCamera",
    "LiveFork",
    "LiveGate",
    "LiveMovement",
    "LivePublished",
    "LiveRate",
    "LiveStream",
    "MessageProcess",
    "NodeEvent",
    "Publisher",
    "Reader",
    "Restart",
    "Site",
    "SiteStatistics",
    "Stream",
    "StreamStatistics",
    "StreamStatus",
    "attach",
    "backend",
    "freeze_support",
    "message",
    "publish",
    "read",
]

__version__ = "0.1.0"

_ROOMS = {
    "AsyncMessageProcess": "process.declare",
    "Barrier": "process.barrier",
    "Call": "process.calls",
    "Descriptor": "process.descriptor",
    "Frame": "ring.frame",
    "FrameRequest": "graph.spec",
    "FrontEnd": "process.front",
    "Graph": "client.graph",
    "GraphDiff": "graph.changes",
    "GraphSpec": "graph.spec",
    "LiveCamera": "client.nodes",
    "LiveFork": "client.nodes",
    "LiveGate": "client.nodes",
    "LiveMovement": "client.nodes",
    "LivePublished": "client.nodes",
    "LiveRate": "client.nodes",
    "LiveStream": "client.streams",
    "MessageProcess": "process.declare",
    "NodeEvent": "control.messages",
    "Publisher": "client.published",
    "Reader": "ring.reader",
    "Restart": "process.declare",
    "Site": "client.site",
    "SiteStatistics": "control.messages",
    "Stream": "graph.stream",
    "StreamStatistics": "control.messages",
    "StreamStatus": "control.messages",
    "attach": "client.graph",
    "backend": "process.declare",
    "freeze_support": "base.frozen",
    "message": "process.message",
    "publish": "client.published",
    "read": "client.published",
}


def __getattr__(name: str) -> object:
    room = _ROOMS.get(name)
    if room is None:
        raise AttributeError(f"module 'camgraph' has no attribute {name!r}")
    value = getattr(import_module(f"camgraph.{room}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_ROOMS])
