"""The process that draws into the windows of one X display."""

import logging
import os
from functools import partial
from typing import ClassVar

from camgraph.base.errors import BrokenError, CannotStart, MissingDependency
from camgraph.client.graph import attach
from camgraph.control.messages import StreamStatus
from camgraph.present.display import Display
from camgraph.present.feeds import Feeds
from camgraph.present.placing import Box
from camgraph.present.reactions import Reactions
from camgraph.present.timers import Timers
from camgraph.present.windows import Windows
from camgraph.present.wishes import WindowStatistics, Wish
from camgraph.process.declare import MessageProcess, Restart, backend
from camgraph.process.message import message

_log = logging.getLogger(__name__)


class Presenter(MessageProcess):
    """Draws the streams of a site into windows, as it was told last. It owns no window."""

    restart: ClassVar[bool | Restart] = Restart(crashes=0)

    gone = message(window=int)
    """A window was destroyed, or there was none with that id."""
    display_lost = message(reason=str)
    """The X server does not answer, or is gone; the process ends."""

    def __init__(self, site: str, display: str, authority: str | None) -> None:
        self._site_name, self._display_name, self._authority = site, display, authority
        self._is_waiting = False

    def setup(self) -> None:
        """Connect to the display and to the site."""
        if self._authority is not None:
            os.environ["XAUTHORITY"] = self._authority
        try:
            # Two connections: of each frame the server tells that it was read, which is to wake nobody.
            self._display, self._hearing = (Display(self._display_name) for _ in range(2))
        except (CannotStart, MissingDependency) as error:
            self._lose(str(error))
        timers = Timers(self.call_later, self._finish)
        self._feeds = Feeds(
            self,
            self._display,
            timers,
            finish=self._finish,
            lost=lambda feed: self._windows.lost(feed),
        )
        self._windows = Windows(
            self._display, self._hearing, self._feeds, timers, lambda window: self.gone.emit(window=window)
        )
        self._reactions = Reactions(self._hearing, self._windows, timers)
        self.add_reader(self._hearing, self._on_events)
        try:
            self._site = attach(self._site_name)
        except BrokenError as error:
            # The program ends while we start, which is nobody's mistake; else another one is started.
            _log.debug("%s", error)
            raise SystemExit(1) from error
        self._site.subscribe(self._tell_status)

    def cleanup(self) -> None:
        """Release everything; the windows keep what is in them."""
        self._site.close()
        self._feeds.close()
        self._display.close()
        self._hearing.close()

    @backend
    def desire(self, wishes: dict[int, Wish]) -> None:
        """Make windows show what is wished, and those that are not named nothing any more."""
        self._windows.desire(wishes)
        self._on_events()

    @backend
    def outline(self, window: int, boxes: tuple[Box, ...]) -> None:
        """Draw boxes over what a window shows."""
        self._windows.outline(window, boxes)
        self._finish()

    @backend
    def counts(self) -> dict[int, WindowStatistics]:
        """Return what became of the frames, by window."""
        return self._windows.statistics()

    def _tell_status(self, status: StreamStatus) -> None:
        # In the site's thread.
        self.call_later(0.0, partial(self._on_status, status))

    def _on_status(self, status: StreamStatus) -> None:
        self._windows.hear(status)
        self._finish()

    def _on_events(self) -> None:
        try:
            self._reactions.react()
        except BrokenError as error:
            self._lose(str(error))
        self._finish()

    def _finish(self) -> None:
        """Send what was drawn, and see how far the server has come."""
        try:
            self._display.flush()
            while self._feeds.look():
                self._display.flush()
        except BrokenError as error:
            self._lose(str(error))
        if self._feeds.wait_for_server != self._is_waiting:
            self._is_waiting = not self._is_waiting
            if self._is_waiting:
                self.add_reader(self._display, self._finish)
            else:
                self.remove_reader(self._display)

    def _lose(self, reason: str) -> None:
        self.display_lost.emit(reason=reason)
        # With exit code 0 it is not started again.
        raise SystemExit(0)
