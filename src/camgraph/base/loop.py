"""One thread's wait on descriptors, timers and calls from other threads."""

import heapq
import itertools
import logging
import selectors
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from camgraph.base.parking import park_for_forks
from camgraph.base.wakeup import Wakeup

_log = logging.getLogger(__name__)


class HasFileno(Protocol):
    """Anything with a descriptor."""

    def fileno(self) -> int:
        """Return the descriptor."""
        ...


class Timer:
    """A call due later; `cancel` forgets it."""

    __slots__ = ("callback", "due_ns")

    def __init__(self, due_ns: int, callback: Callable[[], None]) -> None:
        self.due_ns = due_ns
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        """Forget the call; cancelling twice, or after it ran, does nothing."""
        self.callback = None


class Loop:
    """Calls back when descriptors are ready or times have come; all callbacks run in the thread of `run`.

    Everything but `call_soon_threadsafe` and `stop` belongs to the thread that runs the loop, or to its
    creator before it runs. An exception that leaves a callback is logged and ends nothing.

    Forks of the process come between its turns (see `parking`). In a forked child it is closed.
    """

    def __init__(self) -> None:
        self.turn = threading.RLock()
        """Held while callbacks are called; not while the loop waits."""
        self._selector = selectors.EpollSelector()
        self._wakeup = Wakeup()
        self._soon: deque[Callable[[], None]] = deque()
        self._timers: list[tuple[int, int, Timer]] = []
        self._order = itertools.count()
        self._stopping = False
        self._closed = False
        self._lock = threading.Lock()
        self._thread_id = 0
        self.own_thread = 0
        """The native id of the thread that is in `run` (0: none is)."""
        self._selector.register(self._wakeup, selectors.EVENT_READ, (self._wakeup.clear, None))
        park_for_forks(self)

    @property
    def thread_id(self) -> int:
        """The ident of the thread that ran it last (0: none, or it is over)."""
        return self._thread_id

    def add(
        self,
        source: HasFileno | int,
        on_readable: Callable[[], None] | None,
        on_writable: Callable[[], None] | None = None,
    ) -> None:
        """Watch a descriptor, or change what is watched of it; it must be removed before it is closed."""
        events = (selectors.EVENT_READ if on_readable else 0) | (selectors.EVENT_WRITE if on_writable else 0)
        callbacks = (on_readable, on_writable)
        if source in self._selector.get_map():
            self._selector.modify(source, events, callbacks)
        else:
            self._selector.register(source, events, callbacks)

    def remove(self, source: HasFileno | int) -> None:
        """Stop watching a descriptor; removing one that is not watched does nothing."""
        if not self._closed and source in self._selector.get_map():
            self._selector.unregister(source)

    def call_at(self, due_ns: int, callback: Callable[[], None]) -> Timer:
        """Call back when `time.monotonic_ns()` has reached `due_ns`."""
        timer = Timer(due_ns, callback)
        heapq.heappush(self._timers, (due_ns, next(self._order), timer))
        return timer

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> Timer:
        """Call back after `delay_s` seconds."""
        return self.call_at(time.monotonic_ns() + int(delay_s * 1e9), callback)

    def call_soon_threadsafe(self, callback: Callable[[], None]) -> bool:
        """Call back in the loop's thread; from any thread. False: the loop is closed and never will."""
        with self._lock:
            if self._closed:
                return False
            self._soon.append(callback)
            self._wakeup.set()
            return True

    def stop(self) -> None:
        """Make `run` return after the callbacks under way; from any thread."""
        with self._lock:
            self._stopping = True
            self._wakeup.set()

    def in_thread(self) -> bool:
        """Tell whether the caller runs in the thread that runs the loop."""
        return self._thread_id == threading.get_ident()

    def run(self) -> None:
        """Call back until `stop`."""
        self.own_thread = threading.get_native_id()
        while not self._stopping:
            self.run_once(None)
        self._thread_id = self.own_thread = 0

    def fileno(self) -> int:
        """Return a descriptor that is readable while `run_once` has something to do; for timers, `due_in_s`."""
        return self._selector.fileno()

    def due_in_s(self) -> float | None:
        """Return when the next timer is due; None: there is none."""
        while self._timers and self._timers[0][2].callback is None:
            heapq.heappop(self._timers)
        return max(0.0, (self._timers[0][0] - time.monotonic_ns()) / 1e9) if self._timers else None

    def run_once(self, timeout_s: float | None) -> None:
        """Wait for the next events, `timeout_s` at most (None: until the next timer), and serve them."""
        self._thread_id = threading.get_ident()
        due_in_s = self.due_in_s()
        if due_in_s is not None:
            timeout_s = due_in_s if timeout_s is None else min(timeout_s, due_in_s)
        events = self._selector.select(timeout_s)
        with self.turn:
            self._serve(events)

    def _serve(self, events: list[tuple[selectors.SelectorKey, int]]) -> None:
        for key, mask in events:
            on_readable, on_writable = key.data
            if mask & selectors.EVENT_READ and on_readable and self._still(key):
                self._call(on_readable)
            if mask & selectors.EVENT_WRITE and on_writable and self._still(key):
                self._call(on_writable)
        now_ns = time.monotonic_ns()
        while self._timers and self._timers[0][0] <= now_ns:
            timer = heapq.heappop(self._timers)[2]
            callback, timer.callback = timer.callback, None
            if callback:
                self._call(callback)
        for _ in range(len(self._soon)):
            self._call(self._soon.popleft())

    def close(self) -> None:
        """Release the descriptors of the loop itself; those it watched stay their owners'."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._selector.close()
            self._wakeup.close()

    def abandon_in_child(self) -> None:
        """Close it in a forked child. What it watches is left as it is: the parent shares the epoll."""
        self._lock = threading.Lock()  # Another thread may have held it.
        self._stopping = True
        self._thread_id = self.own_thread = 0
        self.close()

    def _still(self, key: selectors.SelectorKey) -> bool:
        # By number: what the last callback has closed has none any more.
        return not self._closed and self._selector.get_map().get(key.fd) is key

    def _call(self, callback: Callable[[], None]) -> None:
        try:
            callback()
        except Exception:
            _log.exception("a callback of the loop failed")
