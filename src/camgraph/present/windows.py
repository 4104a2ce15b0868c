"""The windows of a presenter, and which pictures each of them reads."""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from camgraph.client.wording import Message
from camgraph.control.messages import StreamStatus
from camgraph.present.canvas import Canvas, Pens
from camgraph.present.display import Display
from camgraph.present.feed import Feed, FeedKey
from camgraph.present.feeds import Feeds
from camgraph.present.nosignal import FilePictures
from camgraph.present.placing import Box, Size, wanted
from camgraph.present.silence import Silence
from camgraph.present.streams import Streams
from camgraph.present.timers import Timers
from camgraph.present.window import Window
from camgraph.present.wishes import WindowStatistics, Wish

_log = logging.getLogger(__name__)

RETRY_S = 1.0
COVERED_S = 0.5
"""A window that is covered for so long is not drawn into, if pictures come meanwhile."""


class Windows:
    """Has each window show what is wished for it. All that is drawn is sent with the next flush."""

    def __init__(
        self,
        display: Display,
        hearing: Display,
        feeds: Feeds,
        timers: Timers,
        gone: Callable[[int], object],
    ) -> None:
        """`display` is drawn to, `hearing` tells what happens to windows; `gone` is told of windows that are
        no more, or never were.
        """
        self.display = display
        self._hearing = hearing
        self.files = FilePictures()
        self._pens = Pens(display)
        self._feeds, self._timers, self._gone = feeds, timers, gone
        self._silence = Silence(feeds, timers)
        self._streams = Streams()
        self._windows: dict[int, Window] = {}

    def get(self, number: int) -> Window | None:
        """Return a window by its id."""
        return self._windows.get(number)

    def desire(self, wishes: dict[int, Wish]) -> None:
        """Show what is wished; in windows that are not named nothing any more."""
        for window in list(self._windows.values()):
            if window.id not in wishes:
                self._forget(window)
                self._hearing.forget(window.id)
                self.display.clear(window.id)
        for number, wish in wishes.items():
            known = self._windows.get(number)
            if known is None:
                self._begin(number, wish)
            elif known.wish != wish:
                self._change(known, wish)

    def outline(self, number: int, boxes: tuple[Box, ...]) -> None:
        """Draw boxes over what a window shows."""
        known = self._windows.get(number)
        if known is not None and known.wish.boxes != boxes:
            self._change(known, replace(known.wish, boxes=boxes))

    def hear(self, status: StreamStatus) -> None:
        """A stream is another, in some way."""
        self._streams.hear(status)
        for window in self._windows.values():
            if window.wish.stream == status.stream:
                self.refresh(window)
                if not window.has_signal:
                    window.draw_no_signal()

    def refresh(self, window: Window) -> None:
        """Read what a window is to show now, if that is not done already; nothing, if it can't be seen."""
        if not window.canvas.is_seen:
            self._leave_all(window)
            return
        key = self._key_of(window)
        if key is None:
            return
        if window.feed is not None and window.feed.key == key:
            coming, window.coming = window.coming, None
            if coming is not None:
                self.leave(coming, window)
            return
        if window.coming is not None and window.coming.key == key:
            return
        feed = self._feeds.feed(key)
        if feed is None:
            self._retry_later()
            return
        old, window.coming = window.coming, feed
        feed.join(window)
        if old is not None:
            self.leave(old, window)
        feed.show_to(window)

    def look_again(self) -> None:
        """See which windows are mapped."""
        for window in self._windows.values():
            was_seen = window.canvas.is_seen
            window.canvas.is_viewable = self._hearing.is_viewable(window.id)
            self._see(window, was_seen)

    def cover(self, window: Window, is_covered: bool) -> None:
        """Others lie over all of a window, or not any more."""
        window.lies_under = is_covered
        if is_covered:
            self._timers.later("covered", window, COVERED_S, partial(self._hide_covered, window))
        else:
            was_seen, window.canvas.is_covered = window.canvas.is_seen, False
            self._see(window, was_seen)

    def _hide_covered(self, window: Window) -> None:
        if not window.lies_under:
            return
        if window.has_signal and time.monotonic_ns() - window.last_ns > COVERED_S * 1e9:
            # It stands still, which costs nothing; what it shows could not be had again.
            self._timers.later("covered", window, COVERED_S, partial(self._hide_covered, window))
            return
        was_seen, window.canvas.is_covered = window.canvas.is_seen, True
        self._see(window, was_seen)

    def lost(self, feed: Feed) -> None:
        """A feed has broken."""
        for window in self._windows.values():
            if feed in (window.feed, window.coming):
                self._leave_all(window)
        self._retry_later()

    def destroyed(self, window: Window) -> None:
        """A window is no more."""
        self._forget(window)
        self._gone(window.id)

    def statistics(self) -> dict[int, WindowStatistics]:
        """Return what became of the frames, by window."""
        self._feeds.count_lost()
        return {window.id: window.statistics() for window in self._windows.values()}

    def message_of(self, window: Window) -> Message | None:
        """Return what to tell in a window without a picture."""
        wish = window.wish
        return self._streams.message_of(
            wish.stream, seen=window.feed is not None, silent_s=wish.no_signal_after_s
        )

    def source_of(self, window: Window) -> Size:
        """Return the size of the camera's picture."""
        return self._streams.size_of(window.wish.stream)

    def leave(self, feed: Feed, window: Window) -> None:
        """Have a feed show in a window no more."""
        self._feeds.leave(feed, window)

    def watch_silence(self, window: Window) -> None:
        """Look, when it is time, whether pictures have ceased to come."""
        self._silence.watch(window)

    def _begin(self, number: int, wish: Wish) -> None:
        facts = self._hearing.look_at(number)
        if facts is None:
            self._gone(number)
            return
        canvas = Canvas(self.display, self._pens, number, facts)
        if not canvas.can_draw:
            _log.warning(
                "window %#x has colours of a table: camgraph draws into TrueColor windows only", number
            )
        window = self._windows[number] = Window(self, canvas, wish)
        window.draw_no_signal()
        self.refresh(window)

    def _change(self, window: Window, wish: Wish) -> None:
        old, window.wish = window.wish, wish
        if (old.stream, old.no_signal_after_s) != (wish.stream, wish.no_signal_after_s):
            window.last_ns = time.monotonic_ns()
            if wish.stream is None:
                window.has_signal = False
            elif window.has_signal:
                self.watch_silence(window)
        if old.stream != wish.stream:
            self._leave_all(window)
        self.refresh(window)
        if old.boxes != wish.boxes or not window.has_signal:
            window.redraw()

    def _see(self, window: Window, was_seen: bool) -> None:
        if window.canvas.is_seen == was_seen:
            return
        window.last_ns = time.monotonic_ns()
        if not was_seen and window.has_signal:
            self.watch_silence(window)
        self.refresh(window)

    def _forget(self, window: Window) -> None:
        del self._windows[window.id]
        self._timers.forget(window)
        self._leave_all(window)

    def _leave_all(self, window: Window) -> None:
        feeds, window.feed, window.coming = (window.feed, window.coming), None, None
        for feed in feeds:
            if feed is not None:
                self.leave(feed, window)

    def _key_of(self, window: Window) -> FeedKey | None:
        source, stream = self.source_of(window), window.wish.stream
        if stream is None or 0 in source:
            return None
        roi, size = wanted(window.wish.fit, source, window.canvas.size)
        return FeedKey(stream, roi, size, window.wish.delay_ms)

    def _retry_later(self) -> None:
        self._timers.later("retry", None, RETRY_S, self._retry)

    def _retry(self) -> None:
        for window in self._windows.values():
            if window.feed is None and window.coming is None:
                self.refresh(window)
