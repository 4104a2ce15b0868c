"""Which part of a camera's pictures a request wants, and cutting it out without copying."""

from fractions import Fraction
from typing import NamedTuple

import av
from av.filter import Graph

from camgraph.ring.protocol import WHOLE, RingRequest

_ANY_TIME_BASE = Fraction(1, 90_000)


class Region(NamedTuple):
    """A part of a picture, in px."""

    x: int
    y: int
    width: int
    height: int


class Fit(NamedTuple):
    """How a request is served from pictures of one size."""

    source: tuple[int, int]
    """Width and height of the camera's pictures."""
    region: Region | None
    """What is cut out of them; None: nothing is cut off."""
    size: tuple[int, int]
    """Width and height of what the reader gets."""


def fit(request: RingRequest, width: int, height: int) -> Fit:
    """Return how a request is served from pictures of that size.

    Raises ValueError, with a sentence, if the region of interest lies outside of them.
    """
    source = (width, height)
    region = None if request.roi == WHOLE else region_of(request.roi, width, height)
    if region is not None and region[2:] == source:
        region = None
    size = (request.width, request.height) if request.width else source if region is None else region[2:]
    return Fit(source, region, size)


def region_of(roi: tuple[int, int, int, int], width: int, height: int) -> Region:
    """Return what a region of interest is of a picture of that size; raise ValueError if it lies outside.

    Edges move outwards to even pixels, where those of the chroma planes are; then all is cut at the
    picture's edges.
    """
    x, y, roi_width, roi_height = roi
    if x >= width or y >= height:
        raise ValueError(
            f"the region of {roi_width}x{roi_height} px at ({x}, {y}) lies outside of the camera's picture "
            f"of {width}x{height} px"
        )
    left, top = x & ~1, y & ~1
    right, bottom = min((x + roi_width + 1) & ~1, width), min((y + roi_height + 1) & ~1, height)
    return Region(left, top, right - left, bottom - top)


class Cropper:
    """Cuts one region out of frames of one size and pixel format."""

    def __init__(self, region: Region, like: av.VideoFrame) -> None:
        """Prepare for frames like that one."""
        self._kind = _kind(like)
        # FFmpeg's crop moves the planes' pointers, and keeps whatever else is known of a frame.
        self._graph = Graph()
        self._graph.threads = 1
        source = self._graph.add_buffer(
            width=like.width, height=like.height, format=like.format, time_base=_ANY_TIME_BASE
        )
        crop = self._graph.add("crop", f"{region.width}:{region.height}:{region.x}:{region.y}:exact=1")
        self._graph.link_nodes(source, crop, self._graph.add("buffersink")).configure()

    def fits(self, frame: av.VideoFrame) -> bool:
        """Tell whether this was made for such frames."""
        return self._kind == _kind(frame)

    def crop(self, frame: av.VideoFrame) -> av.VideoFrame:
        """Return the region as a frame over the same memory, which it keeps alive."""
        self._graph.vpush(frame)
        return self._graph.vpull()


def _kind(frame: av.VideoFrame) -> tuple[int, int, str]:
    return frame.width, frame.height, frame.format.name
