"""Where a picture lies in a window, and what is asked of the camera for it; all in pixels, all pure."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

from camgraph.base.geometry import MAX_SIDE_PX, Area, letterbox

Fit = Literal["contain", "cover", "stretch"]
Box = tuple[float, float, float, float]
"""left, right, top, bottom: parts of the picture's width and height from its lower left corner."""
Size = tuple[int, int]


class Wanted(NamedTuple):
    """Which part of the camera's picture is wanted, how large."""

    roi: tuple[int, int, int, int] | None
    """x, y, width, height; None: all of it."""
    size: Size


def wanted(fit: Fit, source: Size, window: Size) -> Wanted:
    """Return what a window shows of pictures of a size; all sides are at least 1."""
    width, height = (min(side, MAX_SIDE_PX) for side in window)
    if fit == "contain":
        return Wanted(None, letterbox(*source, width, height)[2:])
    if fit == "cover":
        part = letterbox(width, height, *source)
        whole = part[2:] == source
        return Wanted(None if whole else (part.x, part.y, part.width, part.height), (width, height))
    return Wanted(None, (width, height))


class Place(NamedTuple):
    """Which pixels of a picture go where in a window."""

    from_x: int
    from_y: int
    x: int
    y: int
    width: int
    height: int


def centred(picture: Size, window: Size) -> Place:
    """Return where a picture lies that is drawn unscaled in the middle, cut off at the window's edges."""
    width, height = (min(one, other) for one, other in zip(picture, window, strict=True))
    return Place(
        (picture[0] - width) // 2,
        (picture[1] - height) // 2,
        (window[0] - width) // 2,
        (window[1] - height) // 2,
        width,
        height,
    )


def around(place: Place, window: Size) -> list[Area]:
    """Return the rectangles of a window that a picture leaves free."""
    right, bottom = place.x + place.width, place.y + place.height
    areas = (
        Area(0, 0, window[0], place.y),
        Area(0, bottom, window[0], window[1] - bottom),
        Area(0, place.y, place.x, place.height),
        Area(right, place.y, window[0] - right, place.height),
    )
    return [area for area in areas if area.width > 0 and area.height > 0]


def lines_of(boxes: Iterable[Box], place: Place, picture: Size, source: Size, roi: Area | None) -> list[Area]:
    """Return boxes as rectangles of lines in a window; those that lie outside of the picture are left out.

    Boxes are relative to the camera's whole picture of the size `source`; `roi` is the part that is shown.
    """
    part = roi or Area(0, 0, *source)
    found = []
    for left, right, top, bottom in boxes:
        x0, x1 = sorted((side * source[0] - part.x) / part.width for side in (left, right))
        y0, y1 = sorted(((1.0 - side) * source[1] - part.y) / part.height for side in (top, bottom))
        if x1 < 0 or y1 < 0 or x0 > 1 or y0 > 1:
            continue
        first_x, last_x = (_inside(side, picture[0]) for side in (x0, x1))
        first_y, last_y = (_inside(side, picture[1]) for side in (y0, y1))
        found.append(
            Area(
                place.x - place.from_x + first_x,
                place.y - place.from_y + first_y,
                last_x - first_x,
                last_y - first_y,
            )
        )
    return found


def _inside(part: float, side: int) -> int:
    return min(max(round(part * side), 0), side - 1)
