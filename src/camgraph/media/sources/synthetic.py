"""A moving test picture with a clock in it, made here: a camera that needs none."""

import threading
from collections.abc import Iterator
from fractions import Fraction

from camgraph.base.errors import ClosedError, InternalError, SourceError
from camgraph.media.source import NetworkCounts, Packet, StreamInfo
from camgraph.media.sources.libav_input import LibavInput, open_input
from camgraph.media.sources.playback import Playback

NAME = "the test picture"
_FINEST_RATE = 100_000


class SyntheticSource:
    """Draws FFmpeg's ``testsrc2``: colours, edges, and the time since it began, with the picture's number.

    `size` is (width, height) in px, and `fps` frames per second.
    """

    def __init__(self, size: tuple[int, int], fps: float) -> None:
        self._size, self._fps = size, fps
        self._input: LibavInput | None = None
        self._cancelled = threading.Event()
        self.network = NetworkCounts()
        self._playback = Playback(self.network, self._cancelled, "own")

    def resolve(self) -> None:
        """There is nothing to look up."""

    def open(self) -> StreamInfo:
        """Begin to draw."""
        if self._cancelled.is_set():
            raise ClosedError("the stream was closed")
        width, height = self._size
        rate = Fraction(self._fps).limit_denominator(_FINEST_RATE)
        # It draws even sizes only.
        drawn = f"testsrc2=size={width + width % 2}x{height + height % 2}:rate={rate}"
        graph = f"{drawn},format=yuv420p,crop={width}:{height}:0:0:exact=1"
        self._input = opened = open_input(graph, NAME, _explain, form="lavfi")
        self._playback.begin(opened)
        return opened.info._replace(codec="rawvideo")

    def packets(self) -> Iterator[Packet]:
        """Yield a picture whenever one is due, for ever."""
        assert self._input is not None
        for drawn in self._input.packets(_explain):
            yield self._playback.next(drawn, keyframe=True)

    def cancel(self) -> bool:
        """End a wait for the time of the next picture at once."""
        self._cancelled.set()
        return True

    def close(self) -> None:
        """Stop drawing."""
        opened, self._input = self._input, None
        if opened is not None:
            opened.close()


def _explain(error: Exception) -> SourceError:
    raise InternalError(f"the test picture can't be drawn: {error}")
