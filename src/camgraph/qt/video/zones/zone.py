"""A zone of a picture: what it is, and what lies in it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from qtpy.QtGui import QColor

from camgraph.qt import arguments

Point = tuple[float, float]
"""x and y in px of the camera's picture, from its upper left corner."""

FEWEST_CORNERS = 3


@dataclass(frozen=True)
class Zone:
    """A polygon in px of the camera's picture, with a name.

    `color` is any name that Qt knows. Raises ValueError for another, for fewer than three corners, and for
    numbers that are not finite.
    """

    name: str
    points: Sequence[Point]
    color: str = "#ffb300"

    def __post_init__(self) -> None:
        arguments.text("a zone's name", self.name)
        points = arguments.points("a zone", self.points)
        if len(points) < FEWEST_CORNERS:
            raise ValueError(f"a zone has {FEWEST_CORNERS} corners or more, not {len(points)}")
        if not QColor(self.color).isValid():
            raise ValueError(f"color {self.color!r} is none that Qt knows; write '#rrggbb' or a name")
        object.__setattr__(self, "points", points)

    def contains(self, x: float, y: float) -> bool:
        """Tell whether a point lies in the zone; of one whose lines cross, where they enclose it unevenly."""
        inside = False
        for (x1, y1), (x2, y2) in self.edges():
            if (y1 > y) != (y2 > y) and x < x1 + (x2 - x1) * (y - y1) / (y2 - y1):
                inside = not inside
        return inside

    def edges(self) -> Iterator[tuple[Point, Point]]:
        """Give the lines from each corner to the next, the one back to the first at the end."""
        return pairwise((*self.points, self.points[0]))
