"""The layer of results, each over the picture that it was found in."""

import time
from collections.abc import Iterable
from math import inf
from typing import NamedTuple

from qtpy.QtGui import QPainter

from camgraph.qt import arguments
from camgraph.qt.video.layers import Canvas
from camgraph.qt.video.overlay.items import Item, checked
from camgraph.qt.video.overlay.layer import ItemPainter
from camgraph.qt.video.presentation import Hold
from camgraph.qt.video.results import Results, ResultStatistics
from camgraph.qt.video.view import Size
from camgraph.ring.frame import FrameKey

STANDS_MS = 500
_MOST = 0.95
_HALF = 0.5
_SLACK_MS = 5
"""A result that comes with its picture still has to be drawn."""
_SILENT_NS = 3_000_000_000
"""Nobody is waited for who has found nothing, nor nothing to find, in so long a time."""


class _Found(NamedTuple):
    items: tuple[Item, ...]
    size: Size


class ResultsLayer:
    """Draws results, and says for how long pictures have to be held back for them."""

    def __init__(self) -> None:
        self.hold: Hold | None = None
        """What is told how long; None: nothing is held back."""
        self._results = Results[_Found](STANDS_MS)
        self._painter = ItemPainter()

    def stand(self, stands_ms: float) -> None:
        """Have results stand for so long where none follows; raises ValueError for what is no time."""
        if not 0 <= stands_ms < inf:
            raise ValueError(f"stands_ms is 0 or more, not {stands_ms}")
        self._results.stands_ms = stands_ms

    def add(self, key: tuple[int, int, int | None], items: Iterable[Item] | None, size: Size) -> bool:
        """Take what was found in a picture, in px of one of that size; tell whether the picture is shown now,
        and to be drawn once more.
        """
        try:
            named = FrameKey(*key)
            arguments.number("epoch", named.epoch), arguments.number("arrival", named.arrival_ns)
        except TypeError:
            raise TypeError(
                f"a result's key is the key of its frame, frame.key, not {arguments.shown(key)}"
            ) from None
        again = self._results.add(named, _Found(checked(items), size), time.monotonic_ns())
        self._say_need()
        return again

    def clear(self) -> None:
        """Forget all: another stream is shown from now on."""
        self._results.clear(time.monotonic_ns())
        self._say_need()

    def statistics(self) -> ResultStatistics:
        """Return what became of the results."""
        return self._results.statistics(0.0 if self.hold is None else self.hold.needed_ms)

    def paint(self, painter: QPainter, canvas: Canvas) -> None:
        """Draw what belongs to the picture."""
        if canvas.picture is None:
            return
        found = self._results.show(canvas.picture.frame.key)
        if self.hold is not None and self._results.is_silent(_SILENT_NS):
            self.hold.needed_ms = 0.0
        if found is not None:
            self._painter.paint(painter, canvas.counted_in(found.size), found.items)

    def _say_need(self) -> None:
        """Ask for what most results take; for all that may be had, if that helps at least every other one."""
        hold = self.hold
        if hold is None:
            return
        most_ms = self._results.latency_ms(_MOST)
        needed_ms = most_ms + _SLACK_MS if most_ms else 0.0
        helps = needed_ms <= hold.longest_ms or self._results.latency_ms(_HALF) <= hold.longest_ms
        hold.needed_ms = needed_ms if helps else 0.0
