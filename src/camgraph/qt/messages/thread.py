"""Who hears processes for a Qt program: one QThread for all, or the event loop of the GUI."""

import atexit
import logging
import threading
import time
import weakref
from contextlib import suppress

from qtpy.QtCore import QCoreApplication, QObject, QSocketNotifier, QThread, QTimer

from camgraph.base.loop import Loop
from camgraph.process.front import FrontEnd
from camgraph.qt.messages.emitter import SLICE_NS, Emitter, Mailbox

_log = logging.getLogger(__name__)

JOIN_MS = 5000
LOOK_AGAIN_MS = 20
_hub: "MessageHub | None" = None


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


class FrontNotifier:
    """Has a front end served by the event loop of the GUI, in its thread."""

    def __init__(self, front: FrontEnd, box: Mailbox, emitter: Emitter) -> None:
        self.home = front._loop
        self._front, self._box, self._emitter = front, box, emitter
        self._has_read = False
        self._has_ended = False
        self._notifier = QSocketNotifier(front.fileno(), QSocketNotifier.Type.Read, emitter)
        self._notifier.activated.connect(self._serve)

    def _serve(self) -> None:
        if self._front._serving.in_callback:
            # It runs an event loop of its own, which would be told without a pause of what can't be read now.
            self._notifier.setEnabled(False)
            QTimer.singleShot(LOOK_AGAIN_MS, self._look_again)
            return
        # What was read before is emitted first: a process that floods fills its socket, not our memory.
        if self._box.letters:
            return
        if not self._emitter.idle:
            # Others have their turns: emitting here, each would have one in every turn of the event loop.
            self._front.dispatch()
            return
        if not self._serve_one():
            self._emitter.collect(self._front.dispatch)
            return
        # Emitted one by one: the answer to what a slot has called is often there when it returns.
        end_ns = time.monotonic_ns() + SLICE_NS
        while self._serve_one():
            if time.monotonic_ns() >= end_ns:
                self._emitter.rest()
                return

    def _look_again(self) -> None:
        if not self._has_ended:
            with suppress(RuntimeError):
                self._notifier.setEnabled(True)

    def _serve_one(self) -> bool:
        self._emitter.collect(self._read_one)
        return self._has_read

    def _read_one(self) -> None:
        self._has_read = self._front._serving.serve(self._front._dispatch_one, 1) > 0

    def end(self) -> None:
        """Leave the descriptor alone from now on."""
        self._has_ended = True
        with suppress(RuntimeError):  # Qt, ending, may have deleted it.
            self._notifier.setEnabled(False)
            self._notifier.deleteLater()


class MessageHub(QObject):
    """Runs the thread while there are front ends for it to serve; has the `emitter`.

    Lives in the thread of the GUI.
    """

    def __init__(self, app: QCoreApplication) -> None:
        super().__init__(app)
        self.emitter = Emitter(self)
        self._lock = threading.Lock()
        self._thread: MessageThread | None = None
        self._ending: list[MessageThread] = []
        self._home: dict[FrontEnd, Loop] = {}
        self._notifiers: dict[FrontEnd, FrontNotifier] = {}
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

    def serve_here(self, front: FrontEnd, box: Mailbox) -> None:
        """Have the event loop of the GUI serve a front end until its end is emitted, after its messages.

        Raises TimeoutError when a callback keeps the thread busy that has served it.
        """
        self._notifiers[front] = FrontNotifier(front, box, self.emitter)
        ended = weakref.ref(front)
        front.exited.connect(lambda how: self.emitter.post(box, self._forget, (ended,)))

    def stop(self) -> None:
        """End the thread; front ends that live on are served by their sites' threads again."""
        with self._lock:
            for front, home in self._home.items():
                if self._thread is not None and front._loop is self._thread.loop:
                    front._attach(home)
            self._home.clear()
            self._end_thread()
        notifiers, self._notifiers = self._notifiers, {}
        for front, notifier in notifiers.items():
            notifier.end()
            front._attach(notifier.home)
        self._join_ended()

    def _forget(self, ended: "weakref.ref[FrontEnd]") -> None:
        front = ended()
        if front is not None and front in self._notifiers:
            self._notifiers.pop(front).end()

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


def stop_at_exit() -> None:
    """End the thread before Qt does, and for want of an event loop."""
    if _hub is not None:
        _hub.stop()


atexit.register(stop_at_exit)
