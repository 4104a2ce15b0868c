"""The feeds of a presenter: each is opened with its first window, and closed with its last."""

import logging
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from camgraph.base.errors import BrokenError, ClosedError
from camgraph.present.display import Display, Served
from camgraph.present.feed import Feed, FeedKey, Shower, request_of
from camgraph.present.timers import Timers
from camgraph.process.declare import MessageProcess

_log = logging.getLogger(__name__)


class Feeds:
    """Opens readers, has what they bring drawn, and closes them."""

    def __init__(
        self,
        home: MessageProcess,
        display: Display,
        timers: Timers,
        *,
        finish: Callable[[], None],
        lost: Callable[[Feed], None],
    ) -> None:
        """`finish` is called when a reader has woken us, at the end; `lost` tells of a feed that breaks."""
        self._home, self._display, self._timers = home, display, timers
        self._finish, self._lost = finish, lost
        self._open: dict[FeedKey, Feed] = {}
        self._closing: list[Feed] = []
        """The server still reads their pictures."""

    def feed(self, key: FeedKey) -> Feed | None:
        """Return the feed for that, opened now if it was not; None: it can't be."""
        feed = self._open.get(key)
        if feed is not None:
            return feed
        try:
            reader = self._home.read(request_of(key))
        except BrokenError as error:
            _log.debug("stream %s: %s", key.stream, error)
            return None
        feed = self._open[key] = Feed(key, reader, self._display, self._pause, self._wake_at)
        if feed.delay_ms != key.delay_ms:
            _log.warning(
                "stream %s is shown %s ms after capture, not %s: more frames can't be kept waiting",
                key.stream,
                feed.delay_ms,
                key.delay_ms,
            )
        self._pause(feed, False)
        return feed

    def leave(self, feed: Feed, window: Shower) -> None:
        """Show in a window no more; the last one closes the feed."""
        if window in feed.windows:
            feed.count_lost()
            feed.windows.remove(window)
        if not feed.windows:
            self._close(feed)

    def take(self, feed: Feed) -> None:
        """Draw what has come."""
        self._run(feed, feed.take)

    def look(self) -> bool:
        """See how far the server has come, and go on where that was waited for; False: no farther.

        Raises BrokenError when it is gone.
        """
        served = [event.number for event in self._display.events() if isinstance(event, Served)]
        if not served:
            return False
        for feed in list(self._open.values()):
            feed.served(served[-1])
        self._closing = [feed for feed in self._closing if not feed.served(served[-1])]
        return True

    @property
    def wait_for_server(self) -> bool:
        """Something is to be done as soon as the server has come farther; else `look` now and then."""
        return bool(self._closing) or any(feed.waits_for_server for feed in self._open.values())

    def count_lost(self) -> None:
        """Count what readers have lost."""
        for feed in self._open.values():
            feed.count_lost()

    def close(self) -> None:
        """Close all."""
        for feed in self._open.values():
            feed.close()

    def _on_readable(self, feed: Feed) -> None:
        self.take(feed)
        self._finish()

    def _close(self, feed: Feed) -> None:
        if self._open.get(feed.key) is feed:
            del self._open[feed.key]
        self._pause(feed, True)
        self._timers.forget(feed)
        if feed.close():
            self._closing.append(feed)

    def _run(self, feed: Feed, step: Callable[[], None]) -> None:
        with suppress(BrokenError):  # When it is sent what was drawn, that is told.
            self.look()
        try:
            step()
        except (BrokenError, ClosedError) as error:
            _log.debug("stream %s: %s", feed.key.stream, error)
            self._lost(feed)
            if self._open.get(feed.key) is feed:
                self._close(feed)

    def _pause(self, feed: Feed, pausing: bool) -> None:
        if pausing:
            self._home.remove_reader(feed.reader)
        else:
            self._home.add_reader(feed.reader, partial(self._on_readable, feed))

    def _wake_at(self, feed: Feed, seconds: float) -> None:
        self._timers.later("due", feed, seconds, partial(self._run, feed, feed.woken))
