"""The errors that camgraph raises."""

from camgraph.base.errors import (
    BackendRaised,
    BrokenError,
    CamgraphError,
    ClosedError,
    DecodeError,
    GraphError,
    InternalError,
    LeaseLimit,
    MissingDependency,
    SourceError,
    SourceRefused,
    SourceTimeout,
    SourceUnavailable,
    WrongSide,
)

__all__ = [
    "BackendRaised",
    "BrokenError",
    "CamgraphError",
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
]
