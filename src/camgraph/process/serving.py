"""Which thread serves a front end: the site's, Qt's, or that of whoever dispatches."""

import os
import threading
import time
from collections import deque
from collections.abc import Callable

from camgraph.base.errors import BrokenError
from camgraph.base.loop import Loop
from camgraph.process.dispatched import DispatchedLoop

_LET_GO_S = 5.0


class Serving:
    """Callbacks run in the thread of `loop`, one at a time; it may move to another loop at any time.

    `on_attached(loop)` has the front end's channel follow. All methods may be called from any thread.
    """

    def __init__(self, home: Loop, on_attached: Callable[[Loop], None]) -> None:
        self.home = home
        """The site's; it has the timers, and tells how the process ends."""
        self.loop = home
        self._on_attached = on_attached
        self._lock = threading.Lock()
        self._serving = threading.RLock()
        self._server: int | None = None
        self._dispatched: DispatchedLoop | None = None
        self._news: deque[Callable[[], None]] = deque()
        self._has_postponed = False
        self._made_in = os.getpid()

    def attach(self, loop: Loop) -> None:
        """Be served by another loop from now on."""
        with self._lock:
            self.loop = loop
            self._on_attached(loop)
        if self._dispatched is not None and loop is not self._dispatched:
            # It lets go when it runs: whoever ran it may do so no more, or be waiting in it.
            self._dispatched.call_soon_threadsafe(lambda: None)
            self._dispatched.dispatch()

    def attach_again(self) -> None:
        """There is another channel, to be served by the same loop."""
        with self._lock:
            self._on_attached(self.loop)

    def take_over(self) -> DispatchedLoop:
        """Return the loop of the program that dispatches by itself; the first call attaches it.

        Raises TimeoutError if a callback in the thread that has served does not return.
        """
        if os.getpid() != self._made_in:
            raise BrokenError("this is a forked copy; the process belongs to the program that forked")
        with self._lock:
            if self._dispatched is None and self.loop is not self.home:
                raise RuntimeError(
                    "Qt serves this process, see camgraph.qt.signals(): its callbacks run there"
                )
            dispatched, is_first = self._dispatched, self._dispatched is None
            if dispatched is None:
                dispatched = self._dispatched = DispatchedLoop()
        if is_first:
            self.attach(dispatched)
            if not self._serving.acquire(timeout=_LET_GO_S):
                raise TimeoutError("a callback is busy in the thread that has served the process")
            self._serving.release()
        return dispatched

    def serve(self, deliver: Callable[[], bool], most: int) -> int:
        """Call `deliver` until it has nothing more, `most` times; return how often it had.

        In a callback, that is never.
        """
        with self._serving:
            if self._server is not None:
                return 0
            self._server = threading.get_ident()
            try:
                for count in range(most):
                    if not deliver():
                        return count
                return most
            finally:
                self._server = None
                if self._has_postponed:
                    self._has_postponed = False
                    self.call(self._hear)

    def serve_by(self, loop: Loop, deliver: Callable[[], bool], most: int) -> None:
        """Serve in the thread of `loop`, unless the serving has moved on meanwhile."""
        with self._serving:
            if loop is self.loop:
                self.serve(deliver, most)

    def hear_of(self, news: Callable[[], None]) -> None:
        """Take in what the client tells, in its order, in the thread that serves."""
        self._news.append(news)
        self.call(self._hear)

    def call(self, callback: Callable[[], None]) -> None:
        """Call back in the thread that serves; here, if its loop is closed."""
        loop = self.loop
        if not loop.call_soon_threadsafe(lambda: self._in_turn(loop, callback)):
            callback()

    @property
    def in_callback(self) -> bool:
        """Waiting here would be waiting for this thread."""
        if self._server == threading.get_ident() or self.home.in_thread():
            return True
        if self.loop is self._dispatched:
            return self._dispatched.in_callback
        return self.loop.in_thread()

    @property
    def is_here(self) -> bool:
        """The caller's is the thread that serves."""
        return self.in_callback or self.loop.in_thread()

    def dispatch_until(self, done: Callable[[], bool], timeout: float | None) -> float | None:
        """In the thread that dispatches, or once that has ended, do so until it is `done`; else do nothing.

        Returns what is left of the `timeout` (seconds; None: for ever), to be waited otherwise.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            remaining = None if deadline is None else max(0.0, deadline - time.monotonic())
            loop = self.loop
            if done() or remaining == 0.0 or not isinstance(loop, DispatchedLoop):
                return remaining
            if not (loop.in_thread() or loop.is_left):
                return remaining
            loop.dispatch(remaining)

    def leave_dispatcher(self) -> None:
        """Dispatch here what the thread that did it does no more."""
        if self._dispatched is not None and self.loop is self._dispatched:
            self._dispatched.dispatch()

    def _hear(self) -> None:
        with self._serving:
            if self._server is not None:
                # In a callback that runs a loop of its own: what came before is delivered first.
                self._has_postponed = True
                return
            while self._news:
                self._news.popleft()()

    def _in_turn(self, loop: Loop, callback: Callable[[], None]) -> None:
        """Call back in the thread of `loop`, unless the serving has moved on meanwhile."""
        with self._serving:
            if loop is self.loop:
                callback()
                return
        self.call(callback)
