"""The process that draws into the windows of one X display."""

import logging
import os
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import ClassVar

from camgraph.base.errors import BrokenError, CannotStart, ClosedError, MissingDependency
from camgraph.client.graph import attach
from camgraph.client.wording import Message, message_of
from camgraph.control.messages import StreamStatus
from camgraph.present.canvas import Canvas, Pens
from camgraph.present.display import Destroyed, Display, Event, Exposed, Mapped, Resized, Served
from camgraph.present.feed import Feed, FeedKey, request_of
from camgraph.present.nosignal import FilePictures
from camgraph.present.placing import Box, Size, wanted
from camgraph.present.window import Window
from camgraph.present.wishes import WindowStatistics, Wish
from camgraph.process.declare import MessageProcess, Restart, Timer, backend
from camgraph.process.message import message

_log = logging.getLogger(__name__)

SETTLED_S = 0.1
"""A window keeps a size for so long before pictures of that size are asked for."""
AGAIN_S = 0.1
"""A toolkit that is exposed paints its background, maybe after us: then all is drawn once more."""
RETRY_S = 1.0


class Presenter(MessageProcess):
    """Draws the streams of a site into windows, as it was told last. It owns no window."""

    restart: ClassVar[bool | Restart] = Restart(crashes=0)

    gone = message(window=int)
    """A window was destroyed, or there was none with that id."""
    display_lost = message(reason=str)
    """The X server does not answer, or is gone; the process ends."""

    def __init__(self, site: str, display: str, authority: str | None) -> None:
        self._site_name, self._display_name, self._authority = site, display, authority
        self.files = FilePictures()
        self._windows: dict[int, Window] = {}
        self._feeds: dict[FeedKey, Feed] = {}
        self._closing: list[Feed] = []
        self._statuses: dict[str, StreamStatus] = {}
        self._timers: dict[tuple[str, object], Timer] = {}

    def setup(self) -> None:
        """Connect to the display and to the site."""
        if self._authority is not None:
            os.environ["XAUTHORITY"] = self._authority
        try:
            self.display = Display(self._display_name)
        except (CannotStart, MissingDependency) as error:
            self._lose(str(error))
        self._pens = Pens(self.display)
        self.add_reader(self.display, self._on_events)
        try:
            self._site = attach(self._site_name)
        except BrokenError as error:
            # The program ends while we start, which is nobody's mistake; else another one is started.
            _log.debug("%s", error)
            raise SystemExit(1) from error
        self._site.subscribe(lambda status: self._soon(partial(self._on_status, status)))

    def cleanup(self) -> None:
        """Release everything; the windows keep what is in them."""
        self._site.close()
        for feed in self._feeds.values():
            feed.close()
        self.display.close()

    @backend
    def desire(self, wishes: dict[int, Wish]) -> None:
        """Make windows show what is wished, and those that are not named nothing any more."""
        for window in list(self._windows.values()):
            if window.id not in wishes:
                self._forget(window)
                self.display.forget(window.id)
        for number, wish in wishes.items():
            known = self._windows.get(number)
            if known is None:
                self._begin(number, wish)
            elif known.wish != wish:
                self._change(known, wish)
        self._finish()

    @backend
    def outline(self, window: int, boxes: tuple[Box, ...]) -> None:
        """Draw boxes over what a window shows."""
        known = self._windows.get(window)
        if known is not None and known.wish.boxes != boxes:
            self._change(known, replace(known.wish, boxes=boxes))
            self._finish()

    @backend
    def counts(self) -> dict[int, WindowStatistics]:
        """Return what became of the frames, by window."""
        for feed in self._feeds.values():
            feed.count_lost()
        return {window.id: window.statistics() for window in self._windows.values()}

    def message_of(self, window: Window) -> Message | None:
        """Return what to tell in a window without a picture."""
        stream = window.wish.stream
        if stream is None:
            return None
        status = self._statuses.get(stream)
        if status is None:
            return Message(stream, "not found", "The site has no stream of that name.")
        seen = window.feed is not None
        return message_of(status, seen=seen, silent_s=window.wish.no_signal_after_s)

    def source_of(self, window: Window) -> Size:
        """Return the size of the camera's picture."""
        status = self._statuses.get(window.wish.stream or "")
        return (0, 0) if status is None else (status.width, status.height)

    def leave(self, feed: Feed, window: Window) -> None:
        """Have a feed show in a window no more; the last one closes it."""
        if window in feed.windows:
            feed.count_lost()
            feed.windows.remove(window)
        if not feed.windows:
            self._close(feed)

    def watch_silence(self, window: Window) -> None:
        """Look, when it is time, whether pictures have ceased to come."""
        left_s = window.wish.no_signal_after_s - (time.monotonic_ns() - window.last_ns) / 1e9
        self._later("silence", window, max(0.0, left_s), partial(self._check_silence, window))

    def _begin(self, number: int, wish: Wish) -> None:
        facts = self.display.look_at(number)
        if facts is None:
            self.gone.emit(window=number)
            return
        canvas = Canvas(self.display, self._pens, number, facts)
        if not canvas.can_draw:
            _log.warning(
                "window %#x has colours of a table: camgraph draws into TrueColor windows only", number
            )
        window = self._windows[number] = Window(self, canvas, wish)
        window.draw_no_signal()
        self._refresh(window)

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
        self._refresh(window)
        if old.boxes != wish.boxes or not window.has_signal:
            window.redraw()

    def _refresh(self, window: Window) -> None:
        """Read what a window is to show now, if that is not done already."""
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
        feed = self._feeds.get(key) or self._open(key)
        if feed is None:
            return
        old, window.coming = window.coming, feed
        feed.join(window)
        if old is not None:
            self.leave(old, window)
        if feed.picture is not None:
            # The first picture is there already, in another window.
            number = window.show(feed, feed.picture, tell=True)
            feed.sent(number or self.display.ask_when_served(), feed.picture)

    def _key_of(self, window: Window) -> FeedKey | None:
        source, stream = self.source_of(window), window.wish.stream
        if stream is None or 0 in source or not window.canvas.is_mapped:
            return None
        roi, size = wanted(window.wish.fit, source, window.canvas.size)
        return FeedKey(stream, roi, size, window.wish.delay_ms)

    def _open(self, key: FeedKey) -> Feed | None:
        try:
            reader = self.read(request_of(key))
        except BrokenError as error:
            _log.debug("stream %s: %s", key.stream, error)
            self._later("retry", None, RETRY_S, self._retry)
            return None
        feed = self._feeds[key] = Feed(key, reader, self.display, self._pause, self._wake_at)
        if feed.delay_ms != key.delay_ms:
            _log.warning(
                "stream %s is shown %s ms after capture, not %s: more frames can't be kept waiting",
                key.stream,
                feed.delay_ms,
                key.delay_ms,
            )
        self._pause(feed, False)
        return feed

    def _close(self, feed: Feed) -> None:
        if self._feeds.get(feed.key) is feed:
            del self._feeds[feed.key]
        self._pause(feed, True)
        self._cancel("due", feed)
        if feed.close():
            self._closing.append(feed)

    def _leave_all(self, window: Window) -> None:
        feeds, window.feed, window.coming = (window.feed, window.coming), None, None
        for feed in feeds:
            if feed is not None:
                self.leave(feed, window)

    def _forget(self, window: Window) -> None:
        del self._windows[window.id]
        for what in ("silence", "settled", "again"):
            self._cancel(what, window)
        self._leave_all(window)

    def _retry(self) -> None:
        for window in self._windows.values():
            if window.feed is None and window.coming is None:
                self._refresh(window)
        self._finish()

    def _take(self, feed: Feed) -> None:
        self._run(feed, feed.take)

    def _wake(self, feed: Feed) -> None:
        self._run(feed, feed.woken)

    def _run(self, feed: Feed, step: Callable[[], None]) -> None:
        try:
            step()
        except (BrokenError, ClosedError) as error:
            _log.debug("stream %s: %s", feed.key.stream, error)
            for window in list(self._windows.values()):
                if feed in (window.feed, window.coming):
                    self._leave_all(window)
            self._close(feed)
            self._later("retry", None, RETRY_S, self._retry)
        self._finish()

    def _pause(self, feed: Feed, pausing: bool) -> None:
        if pausing:
            self.remove_reader(feed.reader)
        else:
            self.add_reader(feed.reader, partial(self._take, feed))

    def _wake_at(self, feed: Feed, seconds: float) -> None:
        self._later("due", feed, seconds, partial(self._wake, feed))

    def _on_status(self, status: StreamStatus) -> None:
        if status.reason == "removed":
            self._statuses.pop(status.stream, None)
        else:
            self._statuses[status.stream] = status
        for window in self._windows.values():
            if window.wish.stream == status.stream:
                self._refresh(window)
                if not window.has_signal:
                    window.draw_no_signal()
        self._finish()

    def _check_silence(self, window: Window) -> None:
        feed = window.feed
        if feed is not None:
            # What came while all was busy elsewhere counts.
            self._take(feed)
        if time.monotonic_ns() - window.last_ns < window.wish.no_signal_after_s * 1e9:
            self.watch_silence(window)
        elif window.has_signal:
            window.lose_signal()
            self._finish()

    def _on_events(self) -> None:
        try:
            for event in self.display.events():
                self._handle(event)
        except BrokenError as error:
            self._lose(str(error))
        self._finish()

    def _finish(self) -> None:
        """Send what was drawn, and look at what libxcb has received meanwhile."""
        try:
            self.display.flush()
            for event in self.display.events(queued=True):
                self._handle(event)
            self.display.flush()
        except BrokenError as error:
            self._lose(str(error))

    def _handle(self, event: Event) -> None:
        if isinstance(event, Served):
            for feed in list(self._feeds.values()):
                feed.served(event.number)
            self._closing = [feed for feed in self._closing if not feed.served(event.number)]
            return
        window = self._windows.get(event.window)
        if window is None:
            return
        match event:
            case Exposed():
                window.redraw()
                self._later("again", window, AGAIN_S, partial(self._redraw, window))
            case Resized(width=width, height=height) if (width, height) != window.canvas.size:
                window.canvas.size = (width, height)
                window.redraw()
                self._later("settled", window, SETTLED_S, partial(self._settle, window))
            case Mapped(is_mapped=is_mapped) if is_mapped != window.canvas.is_mapped:
                window.canvas.is_mapped = is_mapped
                if is_mapped:
                    self._refresh(window)
                else:
                    self._leave_all(window)
            case Destroyed():
                self._forget(window)
                self.gone.emit(window=window.id)

    def _redraw(self, window: Window) -> None:
        window.redraw()
        self._finish()

    def _settle(self, window: Window) -> None:
        self._refresh(window)
        # Toolkits paint after a resize, too.
        window.redraw()
        self._finish()

    def _lose(self, reason: str) -> None:
        self.display_lost.emit(reason=reason)
        # With exit code 0 it is not started again.
        raise SystemExit(0)

    def _soon(self, callback: Callable[[], object]) -> None:
        self.call_later(0.0, callback)

    def _later(self, what: str, of: object, seconds: float, callback: Callable[[], object]) -> None:
        """Have one timer for a purpose: the last one counts."""
        self._cancel(what, of)
        self._timers[what, of] = self.call_later(seconds, callback)

    def _cancel(self, what: str, of: object) -> None:
        timer = self._timers.pop((what, of), None)
        if timer is not None:
            timer.cancel()
