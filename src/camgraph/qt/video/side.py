"""How a picture lies along one side of its tile; pure."""

import math
from typing import NamedTuple

SEEN_PX = 16
"""So much of the camera's picture stays in sight, however far it is zoomed in."""
_NOTHING = 1e-6


class Side(NamedTuple):
    """A picture along the width of a tile, or along its height."""

    length: int
    """Of the camera's picture, in px."""
    full: float
    """How long all of it would be, in device pixels."""
    tile: int
    """Device pixels there are."""
    middle: float
    """What is in the middle of the tile, in parts of `full` from the screen's left or top."""
    reverse: bool
    """Whether the picture's beginning is on the right, or below."""
    beyond: float = 0.0
    """So many device pixels beyond the tile's edges are read as well."""

    @property
    def offset(self) -> float:
        """Where the picture begins on the screen: it leaves no edge free that it can cover."""
        room = self.tile - self.full
        if room >= 0:
            return float(room // 2)
        return min(0.0, max(room, self.tile / 2 - self.middle * self.full))

    @property
    def part(self) -> tuple[int, int]:
        """Beginning and length of what is read, in px of the camera's picture: even, or up to its end."""
        scale, offset = self.full / self.length, self.offset
        first = max(0.0, (-self.beyond - offset) / scale)
        last = min(self.length, (self.tile + self.beyond - offset) / scale)
        if self.reverse:
            first, last = self.length - last, self.length - first
        begin = max(0, 2 * math.floor((first + _NOTHING) / 2))
        end = min(self.length, 2 * math.ceil((last - _NOTHING) / 2))
        return begin, end - begin

    @property
    def target(self) -> tuple[int, int]:
        """Where that part lies on the screen: its beginning and its length."""
        begin, length = self.part
        if self.reverse:
            begin = self.length - begin - length
        scale = self.full / self.length
        first, last = round(self.offset + begin * scale), round(self.offset + (begin + length) * scale)
        return first, max(1, last - first)

    def limited(self, middle: float) -> float:
        """Return what can be in the middle of the tile, the nearest to that."""
        if self.full <= self.tile:
            return 0.5
        edge = self.tile / 2 / self.full
        return min(max(middle, edge), 1 - edge)
