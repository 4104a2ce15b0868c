"""The public names, pinned: a name more or less is a decision, made here."""

from importlib import import_module

import pytest

PUBLIC = {
    "camgraph": [
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
    ],
    "camgraph.errors": [
        "BackendBusy",
        "BackendRaised",
        "BrokenError",
        "CamgraphError",
        "CannotStart",
        "CannotTravel",
        "ClosedError",
        "DecodeError",
        "GraphError",
        "InternalError",
        "LeaseLimit",
        "MissingDependency",
        "SourceError",
        "SourceRefused",
        "SourceTimeout",
        "SourceUnavailable",
        "WrongSide",
    ],
    "camgraph.metrics": ["MetricsServer", "SiteCollector", "serve"],
    "camgraph.present": ["Screen", "WindowStatistics"],
    "camgraph.qt": [
        "Box",
        "Fixed",
        "HeatMap",
        "InStep",
        "Label",
        "Mask",
        "Now",
        "Polygon",
        "Smooth",
        "StreamModel",
        "StreamRole",
        "VideoWall",
        "VideoWidget",
        "View",
        "WallWindow",
        "Walls",
        "Zone",
        "mime_of",
        "quit_on_interrupt",
        "reply",
        "signals",
        "stream_of",
    ],
    "camgraph.qt.quick": ["VideoItem", "register"],
}


@pytest.mark.parametrize("module", PUBLIC)
def test_public_names_are_those(module: str) -> None:
    assert sorted(import_module(module).__all__) == PUBLIC[module]


@pytest.mark.parametrize(("module", "name"), [(module, name) for module in PUBLIC for name in PUBLIC[module]])
def test_public_names_are_there_and_documented(module: str, name: str) -> None:
    value = getattr(import_module(module), name)
    assert value.__doc__


def test_names_that_do_not_exist_raise_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'grpah'"):
        import_module("camgraph").grpah  # noqa: B018
