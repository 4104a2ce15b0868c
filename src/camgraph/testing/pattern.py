"""The test picture: it says which camera drew it and which frame it is, to people and to programs.

Three strips, at the top, in the middle and at the bottom, carry the same code. Three strips that agree are
a whole picture; two readable ones that differ are a torn one. The code survives H.264 and scaling down to
160 px of width.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from camgraph.testing import codeword
from camgraph.testing.picture import BARS, PERIOD, Bar, Rect, box_at, draw, draw_yuv420p

__all__ = ["BARS", "PERIOD", "Bar", "PatternResult", "Rect", "box_at", "decode", "draw", "draw_yuv420p"]

_MARGIN_CONTRAST = 48


class PatternResult(NamedTuple):
    """What `decode` found. Neither ok nor torn: the picture can't be read."""

    number: int | None
    """The frame number; None if no strip can be read or the strips disagree."""
    camera: int | None
    ok: bool
    """All three strips were read and agree."""
    torn: bool
    """Parts of different frames: what can be read disagrees."""
    strips: int
    """How many strips were read, 0 to 3."""


def decode(image: npt.NDArray[np.uint8]) -> PatternResult:
    """Read the code of a picture, of any size from 160 px of width.

    `image`: uint8, shape (height, width) for grey or a plane of luma, (height, width, 3 or 4) for RGB or BGR
    with or without alpha. A whole yuv420p or nv12 array and a picture with plain margins can be read too.
    """
    plane = image if image.ndim == 2 else image[:, :, 1]
    found = _decode_exact(plane)
    if found.ok or found.torn:
        return found
    candidates = [found]
    if image.ndim == 2 and image.shape[0] % 3 == 0:
        candidates.append(_decode_exact(plane[: plane.shape[0] * 2 // 3]))
    inner = _without_margins(plane)
    if inner is not None:
        candidates.append(_decode_exact(inner))
    return max(candidates, key=lambda result: result.strips)


def _decode_exact(plane: npt.NDArray[np.uint8]) -> PatternResult:
    strips, words = codeword.read_strips(plane)
    if len(words) != 1:
        return PatternResult(None, None, ok=False, torn=len(words) > 1, strips=strips)
    number, camera = words.pop()
    return PatternResult(number, camera, ok=strips == len(codeword.STRIP_TOPS), torn=False, strips=strips)


def _without_margins(plane: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8] | None:
    """Return the picture without its plain margins; None if it has none, or is nothing else."""
    rows = np.flatnonzero(np.ptp(plane, axis=1) > _MARGIN_CONTRAST)
    if not rows.size:
        return None
    plane = plane[rows[0] : rows[-1] + 1]
    columns = np.flatnonzero(np.ptp(plane, axis=0) > _MARGIN_CONTRAST)
    if not columns.size:
        return None
    if rows.size == plane.shape[0] and columns.size == plane.shape[1]:
        return None
    return plane[:, columns[0] : columns[-1] + 1]
