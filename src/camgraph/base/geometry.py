"""Where a picture lies in its tile; all in device pixels."""

from typing import NamedTuple

MAX_SIDE_PX = 16384


class Area(NamedTuple):
    """A rectangle of whole device pixels."""

    x: int
    y: int
    width: int
    height: int

    def inside(self, other: "Area") -> "Area":
        """Return what of it lies in another; it has no width or height if nothing does."""
        left, top = max(self.x, other.x), max(self.y, other.y)
        right = min(self.x + self.width, other.x + other.width)
        bottom = min(self.y + self.height, other.y + other.height)
        return Area(left, top, max(0, right - left), max(0, bottom - top))


def letterbox(width: int, height: int, tile_width: int, tile_height: int) -> Area:
    """Return the largest area with the proportions of `width` × `height`, in the middle of a tile.

    Sides are rounded to whole pixels, so a picture of the tile's proportions fills it exactly. All
    arguments are at least 1; sides stay within 1 and `MAX_SIDE_PX`.
    """
    scale = min(tile_width / width, tile_height / height, MAX_SIDE_PX / width, MAX_SIDE_PX / height)
    fitted_width = min(max(1, round(width * scale)), tile_width)
    fitted_height = min(max(1, round(height * scale)), tile_height)
    return Area(
        (tile_width - fitted_width) // 2, (tile_height - fitted_height) // 2, fitted_width, fitted_height
    )
