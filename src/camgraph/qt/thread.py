"""The one QThread that hears all processes, and the way of what it hears into the thread of the GUI."""

import atexit
import logging
import threading
import weakref
from collections import deque
from contextlib import suppress
from typing import Any, NamedTuple

from qtpy.QtCore import QCoreApplication, QObject, Qt, QThread, Signal

from camgraph.base.loop import Loop
from camgraph.process.front import FrontEnd

_log = logging.getLogger(__name__)

JOIN_MS = 5000
_hub: "MessageHub | None" = None


class Delivery(NamedTuple):
    """A signal to emit in the thread of the GUI; nobody is told if its object is gone by then."""

    target: "weakref.ref[QObject]"
    signal: str
    values: tuple[Any, ...]


class MessageThread(QThread):
    """Runs a loop that serves front ends."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.loop = Loop()
        self.setObjectName("camgraph-messages")

    def run(self) -> None:
        """Serve until the loop is stopped; Qt calls it in the thread."""
        self.loop.run()
        # What other threads have handed over last is done, not forgotten.
        self.loop.run_once(0.0)
        self.loop.close()


class MessageHub(QObject):
    """Runs the thread while there are front ends to serve, and emits in the GUI's thread what they post.

    Lives in the thread of the GUI. `post` may be called from any thread.
    """

    _posted = Signal()

    def __init__(self, app: QCoreApplication) -> None:
        super().__init__(app)
        self._lock = threading.Lock()
        self._deliveries: deque[Delivery] = deque()
        self._thread: MessageThread | None = None
        self._ending: list[MessageThread] = []
        self._home: dict[FrontEnd, Loop] = {}
        # One event per delivery, so that a slot which runs a dialog of its own holds nobody up.
        self._posted.connect(self._deliver, Qt.ConnectionType.QueuedConnection)
        app.aboutToQuit.connect(self.stop)
        # Destroying a QThread that runs aborts the program: it is a child of the hub, which ends it first.
        self.destroyed.connect(lambda *_: stop_at_exit())

    @classmethod
    def of(cls, app: QCoreApplication) -> "MessageHub":
        """Return the hub of an application; it goes with it."""
        global _hub
        if app.findChild(cls) is None or _hub is None:
            stop_at_exit()
            _hub = cls(app)
        return _hub

    def serve(self, front: FrontEnd) -> None:
        """Have the thread serve a front end until it has ended; starts the thread if there is none."""
        self._join_ended()
        with self._lock:
            if self._thread is None:
                self._thread = MessageThread(self)
                self._thread.finished.connect(self._join_ended)
                self._thread.start()
            self._home[front] = front._loop
            front._attach(self._thread.loop)
        ended = weakref.ref(front)
        front.exited.connect(lambda how: self._left(ended()))

    def post(self, delivery: Delivery) -> None:
        """Have a signal emitted in the thread of the GUI."""
        self._deliveries.append(delivery)
        with suppress(RuntimeError):  # Qt has ended before the site.
            self._posted.emit()

    def stop(self) -> None:
        """End the thread; front ends that live on are served by their sites' threads again."""
        with self._lock:
            for front, home in self._home.items():
                if self._thread is not None and front._loop is self._thread.loop:
                    front._attach(home)
            self._home.clear()
            self._end_thread()
        self._join_ended()

    def _left(self, front: FrontEnd | None) -> None:
        with self._lock:
            if front in self._home:
                del self._home[front]
                if not self._home:
                    self._end_thread()

    def _end_thread(self) -> None:
        if self._thread is not None:
            # In turn: the loop has let go of what was attached elsewhere before it ends.
            self._thread.loop.call_soon_threadsafe(self._thread.loop.stop)
            self._ending.append(self._thread)
            self._thread = None

    def _join_ended(self) -> None:
        with self._lock:
            ending, self._ending = self._ending, []
        for thread in ending:
            if thread.wait(JOIN_MS):
                thread.deleteLater()
            else:
                _log.error("the thread of messages does not end: a callback connected to a process is busy")
                self._ending.append(thread)

    def _deliver(self) -> None:
        target, signal, values = self._deliveries.popleft()
        sender = target()
        if sender is not None:
            getattr(sender, signal).emit(*values)


def stop_at_exit() -> None:
    """End the thread before Qt does, and for want of an event loop."""
    if _hub is not None:
        _hub.stop()


atexit.register(stop_at_exit)
