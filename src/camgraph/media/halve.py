"""Pictures of half the size, by OpenCV where it is installed.

The result is that of swscale's area averaging to the bit, for a quarter of its cost. Nothing needs OpenCV: it
is no dependency, and sizes that it does not help with never load it.
"""

import functools
import logging
from collections.abc import Callable
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from camgraph.media.planes import planes_of_frame

_log = logging.getLogger(__name__)

LEAST_SIDE_PX = 16
"""Of the result: below, OpenCV rounds in another way."""


def halved_towards(frame: av.VideoFrame, width: int, height: int) -> av.VideoFrame:
    """Return a yuv420p frame halved as often as it stays at least so large; itself if that can't be done."""
    while (
        frame.width % 4 == 0 == frame.height % 4
        and frame.width >= 2 * max(width, LEAST_SIDE_PX)
        and frame.height >= 2 * max(height, LEAST_SIDE_PX)
        and (halve := _halver()) is not None
    ):
        half = av.VideoFrame(frame.width // 2, frame.height // 2, "yuv420p")
        for plane, smaller in zip(
            planes_of_frame(frame, "yuv420p"), planes_of_frame(half, "yuv420p"), strict=True
        ):
            halve(plane, smaller)
        frame = half
    return frame


@functools.cache
def _halver() -> Callable[[NDArray[np.uint8], NDArray[np.uint8]], Any] | None:
    try:
        import cv2

        # In the thread that asks: a stream has one, and no more.
        cv2.setNumThreads(1)
    except Exception as error:  # A broken installation of something that is not needed.
        if not isinstance(error, ModuleNotFoundError):
            _log.info("OpenCV can't be used: %s", error)
        return None
    area = cv2.INTER_AREA
    return lambda plane, half: cv2.resize(plane, half.shape[::-1], dst=half, interpolation=area)
