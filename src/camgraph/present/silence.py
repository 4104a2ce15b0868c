"""Noticing that pictures have ceased to come into a window."""

import time
from functools import partial

from camgraph.present.feeds import Feeds
from camgraph.present.timers import Timers
from camgraph.present.window import Window


class Silence:
    """Looks at each window that shows pictures, and is seen, when the last is as old as it may bear."""

    def __init__(self, feeds: Feeds, timers: Timers) -> None:
        self._feeds, self._timers = feeds, timers

    def watch(self, window: Window) -> None:
        """Look at a window, when it is time."""
        self._timers.later("silence", window, max(0.0, _left_s(window)), partial(self._look, window))

    def _look(self, window: Window) -> None:
        if not window.canvas.is_seen:
            return
        if window.feed is not None:
            # What came while all was busy elsewhere counts.
            self._feeds.take(window.feed)
        if _left_s(window) > 0:
            self.watch(window)
        elif window.has_signal:
            window.lose_signal()


def _left_s(window: Window) -> float:
    return window.wish.no_signal_after_s - (time.monotonic_ns() - window.last_ns) / 1e9
