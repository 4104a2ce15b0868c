"""Decoding."""

from collections.abc import Iterable
from dataclasses import replace

from camgraph.graph.filter_values import MAX_MS
from camgraph.graph.nodes import Fresh, Gate
from camgraph.graph.source_values import MOST_THREADS
from valkka.core.arguments import a_or_none, whole
from valkka.core.contexts import FrameFifoContext
from valkka.core.frame_filter import FrameFilter
from valkka.core.plan import Planner, Way
from valkka.core.runtime import changed
from valkka.core.thread import BlockingFifoFrameFilter, Receives

__all__ = ["AVThread", "DecoderThread", "VAAPIThread"]


class DecoderThread(Receives):
    """What decodes. Pictures go to `outfilter` while decoding is on; it is off at first.

    Several of them behind one connection share one decoder, and behind none that is on nothing is decoded.
    """

    def __init__(
        self, name: str, outfilter: FrameFilter | None = None, fifo_ctx: FrameFifoContext | None = None
    ) -> None:
        super().__init__(name)
        where = type(self).__name__
        self._outfilter = a_or_none(where, "outfilter", outfilter, FrameFilter)
        self.fifo_ctx = a_or_none(where, "fifo_ctx", fifo_ctx, FrameFifoContext) or FrameFifoContext()
        self._decodes = False
        self._n_threads = 1
        self._corrects = True
        self._tolerance_ms = 0

    def getBlockingFrameFilter(self) -> BlockingFifoFrameFilter:
        """Return an input for sources that can wait."""
        return BlockingFifoFrameFilter(self)

    def decodingOnCall(self) -> None:
        """Begin to decode."""
        self._turn(True)

    def decodingOffCall(self) -> None:
        """Decode no longer."""
        self._turn(False)

    def setNumberOfThreads(self, n_threads: int) -> None:
        """Have so many threads decode; before it is started."""
        self._n_threads = min(
            whole(f"{type(self).__name__}.setNumberOfThreads", "n_threads", n_threads, 1), MOST_THREADS
        )
        changed()

    def setTimeCorrection(self, val: bool) -> None:
        """Have times of pictures corrected, as at first, where their connection does not do so, or not."""
        self._corrects = bool(whole(f"{type(self).__name__}.setTimeCorrection", "val", val))
        changed()

    def setTimeTolerance(self, mstol: int) -> None:
        """Drop pictures that are older than `mstol` ms; 0: none."""
        self._tolerance_ms = whole(f"{type(self).__name__}.setTimeTolerance", "mstol", mstol, 0)
        changed()

    def nexts(self) -> Iterable[FrameFilter]:
        """Return what its pictures go to."""
        return () if self._outfilter is None else (self._outfilter,)

    def receive(self, way: Way, planner: Planner) -> Way | None:
        if way.kind != "packets":
            return None
        # Before it is started, too: to have another number of threads later, a stream is opened anew.
        planner.decode(threads=self._n_threads, cpu=self._cpu, corrects=self._corrects)
        if not self._running:
            return None
        node = planner.node(self.label, way)
        pictures = planner.put(Gate(id=node, source=way.stream, opened=self._decodes), way)
        if self._tolerance_ms:
            fresh = Fresh(
                id=f"{node}.fresh", source=pictures.stream, oldest_ms=min(self._tolerance_ms, MAX_MS)
            )
            pictures = planner.put(fresh, pictures)
        return replace(pictures, kind="pictures", setups=False)

    def _turn(self, decodes: bool) -> None:
        if decodes != self._decodes:
            self._decodes = decodes
            changed()


class AVThread(DecoderThread):
    """Decodes."""


class VAAPIThread(DecoderThread):
    """Decodes, as `AVThread` does."""
