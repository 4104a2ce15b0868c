"""The errors that camgraph raises."""

from camgraph.base.errors import (
    BackendBusy,
    BackendRaised,
    BrokenError,
    CamgraphError,
    CannotTravel,
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
    "BackendBusy",
    "BackendRaised",
    "BrokenError",
    "CamgraphError",
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
]
