"""One thread's wait on descriptors, timers and calls from other threads."""

import heapq
import itertools
import logging
import select
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple, Protocol

from camgraph.base.parking import give_way, park_for_forks
from camgraph.base.wakeup import Wakeup

_log = logging.getLogger(__name__)

_FEW_TIMERS = 64
_BUSY_NS = 5_000_000
_IDLE_NS = 50_000
_LET_OTHERS_S = 0.0001
_LONGEST_WAIT_S = 1e6
"""The kernel takes 24 days at most."""


class HasFileno(Protocol):
    """Anything with a descriptor."""

    def fileno(self) -> int:
        """Return the descriptor."""
        ...


class _Watched(NamedTuple):
    source: HasFileno | int
    on_readable: Callable[[], None] | None
    on_writable: Callable[[], None] | None


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
        # Not `selectors`, which costs as much again for each event.
        self._epoll = select.epoll()
        self._watched: dict[int, _Watched] = {}
        self._wakeup = Wakeup()
        self._soon: deque[Callable[[], None]] = deque()
        self._timers: list[tuple[int, int, Timer]] = []
        self._most_timers = _FEW_TIMERS
        """With so many, those that were cancelled are looked for."""
        self._order = itertools.count()
        self._busy_ns = 0
        """How long it has served since it waited last."""
        self._stopping = False
        self._closed = False
        self._lock = threading.Lock()
        self._thread_id = 0
        self.own_thread = 0
        """The native id of the thread that is in `run` (0: none is)."""
        self.add(self._wakeup, self._wakeup.clear)
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
        fd = source if isinstance(source, int) else source.fileno()
        events = (select.EPOLLIN if on_readable else 0) | (select.EPOLLOUT if on_writable else 0)
        if fd in self._watched:
            try:
                self._epoll.modify(fd, events)
            except FileNotFoundError:
                # It was closed without having been removed, and another has its number.
                self._epoll.register(fd, events)
        else:
            self._epoll.register(fd, events)
        self._watched[fd] = _Watched(source, on_readable, on_writable)

    def remove(self, source: HasFileno | int) -> None:
        """Stop watching a descriptor; removing one that is not watched does nothing."""
        if self._closed:
            return
        fd = source if isinstance(source, int) else source.fileno()
        if fd < 0:
            # It was closed already, and has no number any more.
            fd = next((number for number, watched in self._watched.items() if watched.source is source), -1)
        if self._watched.pop(fd, None) is not None:
            with suppress(OSError):  # The kernel forgets what is closed by itself.
                self._epoll.unregister(fd)

    def call_at(self, due_ns: int, callback: Callable[[], None]) -> Timer:
        """Call back when `time.monotonic_ns()` has reached `due_ns`."""
        timer = Timer(due_ns, callback)
        if len(self._timers) >= self._most_timers:
            # Timeouts that are set and cancelled with each frame must not pile up until they are due.
            self._timers = [entry for entry in self._timers if entry[2].callback is not None]
            heapq.heapify(self._timers)
            self._most_timers = max(_FEW_TIMERS, 2 * len(self._timers))
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
            if self._busy_ns > _BUSY_NS:
                # Python gives its lock to who has waited for it, but a thread that lets go of it for moments
                # only, again and again, has taken it back before another has woken up; for seconds.
                time.sleep(_LET_OTHERS_S)
                self._busy_ns = 0
        self._thread_id = self.own_thread = 0

    def fileno(self) -> int:
        """Return what is readable while `run_once` has something to do; for timers, see `due_in_s`."""
        return self._epoll.fileno()

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
        if timeout_s is not None:
            timeout_s = min(timeout_s, _LONGEST_WAIT_S)
        began_ns = time.monotonic_ns()
        events = self._epoll.poll(timeout_s, len(self._watched))
        waited_ns = time.monotonic_ns()
        give_way()
        with self.turn:
            self._serve(events)
        if waited_ns - began_ns > _IDLE_NS:
            self._busy_ns = 0
        self._busy_ns += time.monotonic_ns() - waited_ns

    def _serve(self, events: list[tuple[int, int]]) -> None:
        watched = self._watched
        for fd, mask, entry in [(fd, mask, watched.get(fd)) for fd, mask in events]:
            # What the last callback has removed, or has watched otherwise, waits for the next turn.
            if entry is None or watched.get(fd) is not entry or self._closed:
                continue
            if mask & ~select.EPOLLOUT and entry.on_readable:
                self._call(entry.on_readable)
                if watched.get(fd) is not entry or self._closed:
                    continue
            if mask & ~select.EPOLLIN and entry.on_writable:
                self._call(entry.on_writable)
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
            self._epoll.close()
            self._watched.clear()
            self._wakeup.close()

    def abandon_in_child(self) -> None:
        """Close it in a forked child. What it watches is left as it is: the parent shares the epoll."""
        self._lock = threading.Lock()  # Another thread may have held it.
        self._stopping = True
        self._thread_id = self.own_thread = 0
        self.close()

    def _call(self, callback: Callable[[], None]) -> None:
        try:
            callback()
        except Exception:
            _log.exception("a callback of the loop failed")
