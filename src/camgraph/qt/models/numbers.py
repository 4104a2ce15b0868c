"""A site's numbers, asked for in a thread, told in the GUI's, and only while somebody wants them."""

import logging
import threading

from qtpy.QtCore import QObject, QSocketNotifier, QTimer, Signal

from camgraph.base.errors import CamgraphError
from camgraph.base.wakeup import Wakeup
from camgraph.client.site import Site
from camgraph.control.messages import SiteStatistics
from camgraph.qt.ending import when_destroyed

_log = logging.getLogger(__name__)

EVERY_MS = 1000
ANSWER_WITHIN_S = 2.0


class SiteNumbers(QObject):
    """Tells a site's numbers once a second while they are wanted. In the thread of the GUI."""

    came = Signal(object)
    """`SiteStatistics`, or None: the site does not answer."""

    def __init__(self, site: Site, parent: QObject) -> None:
        super().__init__(parent)
        self._site = site
        self._wanted = False
        self._over = False
        self._asking = False
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(EVERY_MS)
        self._pause.timeout.connect(self._ask_again)
        self._answer = _Answer()
        self._notifier = QSocketNotifier(self._answer.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._on_answer)
        answer = self._answer
        when_destroyed(self._notifier, answer.close)

    def want(self) -> None:
        """Have them told once more: now, or a second after they were told last."""
        self._wanted = True
        if not self._asking and not self._pause.isActive():
            self._ask_again()

    def end(self) -> None:
        """Ask no more."""
        self._over = True
        self._pause.stop()

    def _ask_again(self) -> None:
        if not self._wanted or self._over:
            return
        self._wanted = False
        self._asking = True
        threading.Thread(
            target=_ask, args=(self._site, self._answer), name="camgraph-numbers", daemon=True
        ).start()

    def _on_answer(self) -> None:
        numbers = self._answer.take()
        self._asking = False
        if not self._over:
            # Who is told reads them, and so wants the next ones.
            self._pause.start()
            self.came.emit(numbers)


class _Answer:
    """What a thread leaves for the GUI's; not a Qt object, which that thread might be the one to delete."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wakeup = Wakeup()
        self._closed = False
        self._numbers: SiteStatistics | None = None

    def fileno(self) -> int:
        """Return the descriptor that is readable while there is an answer to `take`."""
        return self._wakeup.fileno()

    def leave(self, numbers: SiteStatistics | None) -> None:
        """Leave an answer."""
        with self._lock:
            if not self._closed:
                self._numbers = numbers
                self._wakeup.set()

    def take(self) -> SiteStatistics | None:
        """Return the answer."""
        with self._lock:
            if not self._closed:
                self._wakeup.clear()
            return self._numbers

    def close(self) -> None:
        """Release the descriptor; an answer that comes later is dropped."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._wakeup.close()


def _ask(site: Site, answer: _Answer) -> None:
    numbers = None
    try:
        numbers = site.statistics(ANSWER_WITHIN_S)
    except (CamgraphError, TimeoutError) as error:
        _log.debug("site %s tells no numbers: %s", site.name, error)
    finally:
        answer.leave(numbers)
