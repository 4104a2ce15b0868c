"""The memory of a decoded frame as arrays."""

import functools

import av
import numpy as np
from numpy.typing import NDArray

from camgraph.base.pixels import PixelFormat, planes_of

Planes = list[NDArray[np.uint8]]


def planes_of_frame(frame: av.VideoFrame, name: PixelFormat) -> Planes:
    """Return the planes of a frame in one of our formats: views that keep the frame's memory alive.

    Shapes are (height, width) or (height, width, channels), uint8; rows may lie apart.
    """
    return [
        np.ndarray(shape, np.uint8, plane, 0, (plane.line_size, *steps))  # type: ignore[arg-type]
        for plane, (shape, steps) in zip(frame.planes, _shapes(name, frame.width, frame.height), strict=True)
    ]


@functools.lru_cache(maxsize=256)
def _shapes(
    name: PixelFormat, width: int, height: int
) -> tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]:
    """Return each plane's shape, and how many bytes its columns (and channels) lie apart."""
    return tuple(
        ((plane.height, plane.width), (1,))
        if plane.channels == 1
        else ((plane.height, plane.width, plane.channels), (plane.channels, 1))
        for plane in planes_of(name, width, height)
    )
