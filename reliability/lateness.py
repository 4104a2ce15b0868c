"""How busy the machine is: how late a thread that sleeps for a moment gets a processor again."""

import threading
import time
from types import TracebackType
from typing import Self

_NAP_S = 0.01


class Lateness:
    """Measures from ``with`` on; `worst_s` is the longest delay so far."""

    def __init__(self) -> None:
        self.worst_s = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._nap, name="lateness")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _nap(self) -> None:
        due = time.monotonic() + _NAP_S
        while not self._over.wait(_NAP_S):
            now = time.monotonic()
            self.worst_s = max(self.worst_s, now - due)
            due = now + _NAP_S
