"""Whose picture a screen shows, found by its colour bars."""

import numpy as np
import numpy.typing as npt

from camgraph.testing.pattern import BARS, decode

Picture = npt.NDArray[np.uint8]


def camera_picture(screen: Picture, aspect: float = 16 / 9, tolerance: int = 10) -> Picture:
    """Return the part of a screen that shows a camera, found by its colour bars; empty if none does."""
    yellow, blue = (bar for bar in BARS if bar.name in ("yellow", "blue"))
    first, last = (np.abs(screen.astype(int) - bar.rgb).max(axis=2) <= tolerance for bar in (yellow, blue))
    rows = np.flatnonzero(first.sum(axis=1) > 5)
    lefts, rights = np.flatnonzero(first.sum(axis=0) > 5), np.flatnonzero(last.sum(axis=0) > 5)
    if not rows.size or not rights.size:
        return screen[:0]
    width = (rights[-1] + 1 - lefts[0]) / (blue.right - yellow.left)
    height = width / aspect
    left, top = round(lefts[0] - yellow.left * width), round(rows[0] - yellow.top * height)
    bottom, right = top + round(height), left + round(width)
    # Edges that are cut off are black in what is returned.
    beyond = (
        (max(0, -top), max(0, bottom - screen.shape[0])),
        (max(0, -left), max(0, right - screen.shape[1])),
    )
    whole = np.pad(screen, (*beyond, (0, 0)))
    top, left = top + beyond[0][0], left + beyond[1][0]
    return whole[top : top + round(height), left : left + round(width)]


def camera_shown(screen: Picture) -> int | None:
    """Return the number of the camera whose picture is on a screen, whole; None: there is none."""
    picture = camera_picture(screen)
    found = decode(picture) if picture.size else None
    return found.camera if found is not None and found.ok else None
