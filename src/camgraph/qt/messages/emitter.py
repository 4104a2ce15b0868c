"""The way of messages from any thread into the thread of the GUI, a queue for each process."""

import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QObject, Qt, Signal

MAX_UNEMITTED = 4096
SLICE_NS = 2_000_000
"""For so long signals are emitted before the GUI's timers, painting and input have their turn."""


class Mailbox:
    """What came from one process and is not emitted yet, in order."""

    __slots__ = ("letters", "listed")

    def __init__(self) -> None:
        self.letters: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()
        self.listed = False
        """It waits for its turn."""


class Emitter(QObject):
    """Calls in the thread of the GUI what is posted from any thread; lives in the thread of the GUI.

    Processes have their turns one by one, so that one which floods delays nobody but itself.
    """

    _woken = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        # Garbage may be collected under the lock, and what is collected may post.
        self._lock = threading.RLock()
        self._waiting: deque[Mailbox] = deque()
        self._asleep = True
        """No event is under way that would empty the mailboxes."""
        self._collecting = 0
        """The thread whose letters need no event: it emits them itself, next."""
        self._exhausted = False
        """The turn is over; what is left waits for its event."""
        self._woken.connect(self._wake_up, Qt.ConnectionType.QueuedConnection)

    @property
    def idle(self) -> bool:
        """Nothing is waiting to be emitted, and the GUI has had its turn. In the thread of the GUI."""
        return not self._waiting and not self._exhausted

    def post(self, box: Mailbox, call: Callable[..., None], values: tuple[Any, ...]) -> None:
        """Have ``call(*values)`` called in the thread of the GUI, after what the mailbox holds already."""
        with self._lock:
            box.letters.append((call, values))
            if not box.listed:
                box.listed = True
                self._waiting.append(box)
            if not self._asleep or self._collecting == threading.get_ident():
                return
            self._asleep = False
        self._wake()

    def collect(self, dispatch: Callable[[], object]) -> None:
        """Call `dispatch`, then at once what it has posted; in the thread of the GUI."""
        before, self._collecting = self._collecting, threading.get_ident()
        try:
            dispatch()
        finally:
            self._collecting = before
            if not self._exhausted:
                self._emit_slice()

    def rest(self) -> None:
        """End the turn: the GUI is to have its own before more is emitted."""
        self._exhausted = True
        with self._lock:
            wake, self._asleep = self._asleep, False
        if wake:
            self._wake()

    def _wake_up(self) -> None:
        self._exhausted = False
        self._asleep = True
        self._emit_slice()

    def _emit_slice(self) -> None:
        """Call what is posted, for `SLICE_NS`; the rest has its event."""
        end_ns = time.monotonic_ns() + SLICE_NS
        while self._waiting:
            with self._lock:
                box = self._waiting.popleft()
                call, values = box.letters.popleft()
                if box.letters:
                    self._waiting.append(box)
                else:
                    box.listed = False
                # A slot may run a dialog of its own: the rest must have its event before it is called.
                wake = self._asleep and bool(self._waiting)
                if wake:
                    self._asleep = False
            if wake:
                self._wake()
            call(*values)
            if self._waiting and time.monotonic_ns() >= end_ns:
                self._exhausted = not self._asleep
                return

    def _wake(self) -> None:
        try:
            self._woken.emit()
        except RuntimeError:  # Qt has ended before the site.
            return


def signal_of(sender: QObject, name: str) -> Callable[..., None]:
    """Return what emits a signal; it does not keep `sender`, which only the GUI's thread may delete."""
    target = weakref.ref(sender)

    def emit(*values: object) -> None:
        found = target()
        if found is not None:
            try:
                getattr(found, name).emit(*values)
            except RuntimeError:  # The program has deleted it.
                return

    return emit
