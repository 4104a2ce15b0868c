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


def luma_of(frame: av.VideoFrame) -> NDArray[np.uint8]:
    """Return the brightness of a frame, a byte a pixel: a view, where the decoder gives it so."""
    if not _begins_with_luma(frame.format.name):
        frame = frame.reformat(format="gray8")
    plane = frame.planes[0]
    return np.ndarray((frame.height, frame.width), np.uint8, plane, 0, (plane.line_size, 1))  # type: ignore[arg-type]


def first_bytes_of(frame: av.VideoFrame, most: int) -> bytes:
    """Return the first bytes of a frame's first plane, without the padding between its rows."""
    plane = frame.planes[0]
    data, apart = memoryview(plane), plane.line_size
    used = min(apart, _row_bytes(frame.format.name, plane.width))
    rows = min(-(-most // used), plane.height)
    return b"".join(bytes(data[row * apart : row * apart + used]) for row in range(rows))[:most]


@functools.lru_cache(maxsize=64)
def _row_bytes(name: str, width: int) -> int:
    """Return how many bytes of a row of the first plane are the picture's."""
    pixels = av.VideoFormat(name)
    bits = pixels.components[0].bits if pixels.is_planar else pixels.bits_per_pixel
    return max(1, width * -(-bits // 8))


@functools.lru_cache(maxsize=64)
def _begins_with_luma(name: str) -> bool:
    pixels = av.VideoFormat(name)
    first = pixels.components[0]
    alone = pixels.is_planar or len(pixels.components) == 1
    return bool(alone and first.is_luma and first.bits == 8 and not pixels.is_rgb and not pixels.has_palette)


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
