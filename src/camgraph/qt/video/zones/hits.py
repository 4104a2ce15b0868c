"""What of some zones lies under the mouse; all pure."""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

from camgraph.qt.video.view import Affine, Size
from camgraph.qt.video.zones.zone import Point, Zone

Part = Literal["corner", "edge", "inside"]
CORNER_PX = 9.0
EDGE_PX = 6.0
"""So near, in logical px, is as good as on it."""


class Hit(NamedTuple):
    """What was hit."""

    zone: int
    part: Part
    number: int = 0
    """Which corner, or which edge: the one from that corner to the next."""


def find(
    zones: Sequence[Zone], chosen: int | None, to_tile: Affine, point: Point, scale: float
) -> Hit | None:
    """Return what lies at a point of the tile: corners before edges before insides.

    Of several zones the chosen one comes first, then the one that is drawn last.
    """
    order = sorted(range(len(zones)), key=lambda index: (index == chosen, index), reverse=True)
    drawn = {index: [to_tile.map(x, y) for x, y in zones[index].points] for index in order}
    for index, corners in drawn.items():
        distances = [math.dist(corner, point) for corner in corners]
        if min(distances) <= CORNER_PX * scale:
            return Hit(index, "corner", distances.index(min(distances)))
    for index, corners in drawn.items():
        distances = [
            math.dist(nearest(one, other, point), point)
            for one, other in zip(corners, (*corners[1:], corners[0]), strict=True)
        ]
        if min(distances) <= EDGE_PX * scale:
            return Hit(index, "edge", distances.index(min(distances)))
    x, y = to_tile.inverse().map(*point)
    return next((Hit(index, "inside") for index in order if zones[index].contains(x, y)), None)


def nearest(one: Point, other: Point, point: Point) -> Point:
    """Return the point of a line between two that is the nearest to a third."""
    (x1, y1), (x2, y2), (x, y) = one, other, point
    length = (x2 - x1) ** 2 + (y2 - y1) ** 2
    part = ((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / length if length else 0.0
    part = min(max(part, 0.0), 1.0)
    return x1 + part * (x2 - x1), y1 + part * (y2 - y1)


def within(point: Point, source: Size) -> Point:
    """Return the whole px of the picture that is the nearest to a point."""
    return min(max(round(point[0]), 0.0), source[0]), min(max(round(point[1]), 0.0), source[1])


def moved(zone: Zone, right: float, down: float, source: Size) -> list[Point]:
    """Return a zone's corners moved by whole px, as far as the picture's edges allow."""
    steps = []
    for axis, step in enumerate((right, down)):
        sides = [point[axis] for point in zone.points]
        low, high = min(0.0, -min(sides)), max(0.0, source[axis] - max(sides))
        steps.append(min(max(round(step), low), high))
    return [(x + steps[0], y + steps[1]) for x, y in zone.points]
