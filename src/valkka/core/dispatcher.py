"""A thread of the documented API in a program; it halts around forks, and forked children lack it."""

import logging
import threading
from collections import deque
from collections.abc import Callable

from camgraph.base.loop import Loop, Timer
from camgraph.base.parking import no_fork
from camgraph.base.wakeup import Wakeup

_log = logging.getLogger("valkka.thread")

ENDS_WITHIN_S = 1.0


class Dispatcher:
    """Runs callbacks one after another; what they raise is logged.

    Nobody waits for it without bound, and asking it for a call takes no lock: finalizers do so.
    """

    def __init__(self, name: str) -> None:
        with no_fork():
            self._loop = Loop()
            self._asked = Wakeup()
        self._calls: deque[Callable[[], None]] = deque()
        self._loop.add(self._asked, self._run_calls)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def in_thread(self) -> bool:
        """Tell whether the caller runs in the dispatcher's thread."""
        return threading.current_thread() is self._thread

    @property
    def waiting(self) -> int:
        """How many calls wait."""
        return len(self._calls)

    def call(self, callback: Callable[[], None]) -> None:
        """Call back soon; from any thread."""
        self._calls.append(callback)
        self._asked.set()

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> Timer:
        """Call back after `delay_s` seconds; in the dispatcher's thread only."""
        return self._loop.call_later(delay_s, lambda: self._guarded(callback))

    def close(self) -> None:
        """End the thread; it is not waited for longer than a second, nor in itself."""
        self._loop.stop()
        if not self.in_thread():
            self._thread.join(ENDS_WITHIN_S)
            if self._thread.is_alive():
                _log.warning("thread %s has not ended: a callback is busy", self._thread.name)

    def _run(self) -> None:
        self._loop.run()
        self._loop.close()
        self._asked.close()

    def _run_calls(self) -> None:
        self._asked.clear()
        for _ in range(len(self._calls)):
            self._guarded(self._calls.popleft())

    def _guarded(self, callback: Callable[[], None]) -> None:
        try:
            callback()
        except (Exception, SystemExit):  # SystemExit would end the thread, and with it all callbacks.
            _log.exception("a callback failed")
