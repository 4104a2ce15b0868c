"""Zones of a camera's picture: drawn over it, and edited with the mouse."""

from camgraph.qt.video.zones.held import Zones
from camgraph.qt.video.zones.zone import Zone

__all__ = ["Zone", "Zones"]
