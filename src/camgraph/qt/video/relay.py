"""News of a site, brought from the site's thread into the GUI's."""

import threading
import weakref
from collections.abc import Callable
from contextlib import suppress

from qtpy.QtCore import QObject, QSocketNotifier, Signal

from camgraph.base.wakeup import Wakeup
from camgraph.client.site import Site
from camgraph.control.messages import StreamStatus

_TOLD_WITHIN_S = 0.5
_relays: dict[Site, "SiteRelay"] = {}


class SiteRelay(QObject):
    """Emits the states of a site's streams, and its closing, in the thread of the GUI.

    One per site, as long as somebody uses it.
    """

    status_changed = Signal(object)
    """A stream's newest `StreamStatus`."""
    closing = Signal()
    """The site is being closed: let go of its readers."""

    def __init__(self, site: Site) -> None:
        super().__init__()
        self._site = site
        self._users = 0
        self._news = _News(weakref.WeakMethod(self._bring))
        self._notifier = QSocketNotifier(self._news.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._bring)
        self._forget_close = site.on_close(self._news.on_close)
        self._unsubscribe = site.subscribe(self._news.on_status)

    @classmethod
    def of(cls, site: Site) -> "SiteRelay":
        """Return the relay of a site; each call needs one `leave`. In the thread of the GUI."""
        relay = _relays.get(site)
        if relay is None:
            relay = _relays[site] = cls(site)
        relay._users += 1
        return relay

    def leave(self) -> None:
        """Stop using the relay; the last user ends it."""
        self._users -= 1
        if self._users == 0:
            _relays.pop(self._site, None)
            self._unsubscribe()
            self._forget_close()
            with suppress(RuntimeError):  # Qt, ending, may have deleted the notifier before the widgets.
                self._notifier.setEnabled(False)
            self._news.close()

    def _bring(self) -> None:
        statuses, closing = self._news.take()
        for status in statuses:
            self.status_changed.emit(status)
        if closing:
            self.closing.emit()
            self._news.tell()


class _News:
    """What the site's thread leaves for the GUI's.

    Not a Qt object: the site's thread may be the last to hold it, and must not be the one that deletes a
    QObject.
    """

    def __init__(self, bring: "weakref.WeakMethod[Callable[[], None]]") -> None:
        self._bring = bring
        self._gui_thread = threading.get_ident()
        self._lock = threading.Lock()
        self._wakeup = Wakeup()
        self._closed = False
        self._statuses: dict[str, StreamStatus] = {}
        self._site_closing = False
        self._told = threading.Event()

    def fileno(self) -> int:
        """Return the descriptor that is readable while there is something to `take`."""
        return self._wakeup.fileno()

    def on_status(self, status: StreamStatus) -> None:
        """Leave a status; only the newest of a stream is kept."""
        with self._lock:
            if not self._closed:
                self._statuses[status.stream] = status
                self._wakeup.set()

    def on_close(self) -> None:
        """Leave word that the site is being closed, and wait until the GUI has let go of its readers."""
        with self._lock:
            if self._closed:
                return
            self._site_closing = True
            self._wakeup.set()
        if threading.get_ident() == self._gui_thread:
            bring = self._bring()
            if bring is not None:
                bring()
        else:
            # Bounded: the GUI may be waiting for the very thread that closes the site.
            self._told.wait(_TOLD_WITHIN_S)

    def take(self) -> tuple[list[StreamStatus], bool]:
        """Return the statuses left, and whether the site is being closed."""
        with self._lock:
            if self._closed:
                return [], False
            self._wakeup.clear()
            statuses, self._statuses = self._statuses, {}
            closing, self._site_closing = self._site_closing, False
        return list(statuses.values()), closing

    def tell(self) -> None:
        """Let a closing site go on: the GUI has let go of its readers."""
        self._told.set()

    def close(self) -> None:
        """Release the descriptor; news that come later are dropped."""
        with self._lock:
            self._closed = True
            self._wakeup.close()
        self._told.set()
