"""What a back end counts, and tells its front end."""

import logging
import threading

from camgraph.base.errors import BrokenError
from camgraph.base.loop import Loop
from camgraph.process.channel import Channel
from camgraph.process.wire import REPORT, Kind

_log = logging.getLogger(__name__)

REPORT_EVERY_S = 1.0


class Report:
    """Counts, and tells what has changed, once a second at most; a back end that idles is not woken."""

    def __init__(self, loop: Loop, channel: Channel) -> None:
        self.frames = self.sent = self.lost = self.served = 0
        self._loop, self._channel = loop, channel
        self._told = (0, 0, 0, 0)
        self._is_due = False
        self._counting = threading.Lock()

    def count_frame(self) -> None:
        """Count a frame that is given to the instance. In the thread of the loop."""
        self.frames += 1
        self._tell_later()

    def count_call(self) -> None:
        """Count a call that is served; likewise."""
        self.served += 1
        self._tell_later()

    def count_message(self, *, taken: bool) -> None:
        """Count a message that the channel has taken, or had no room for; from any thread."""
        with self._counting:
            self.sent += taken
            self.lost += not taken
        self._tell_later()

    def tell(self, *, force: bool) -> bool:
        """Tell the numbers, if they have changed; False: there was no room. `force` goes beyond the bound."""
        numbers = (self.frames, self.sent, self.lost, self.served)
        try:
            if numbers != self._told:
                if not self._channel.send(Kind.REPORT, body=REPORT.pack(*numbers), force=force):
                    return False
                self._told = numbers
        except BrokenError:
            _log.debug("nobody is there to be told the numbers")
        return True

    def _tell_later(self) -> None:
        if not self._is_due:
            self._is_due = True
            self._loop.call_soon_threadsafe(self._start)

    def _start(self) -> None:
        self._loop.call_later(REPORT_EVERY_S, self._tell_what_changed)

    def _tell_what_changed(self) -> None:
        self._is_due = False
        if not self.tell(force=False):
            self._tell_later()
