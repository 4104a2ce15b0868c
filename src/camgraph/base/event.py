"""An event that processes share by inheritance, and that can be selected on."""

import os
import select
from contextlib import suppress


class Event:
    """As `multiprocessing.Event`, but nobody who is killed meanwhile leaves it locked.

    To be made before the processes that share it are forked; closed when collected.
    """

    def __init__(self) -> None:
        self._fd = -1
        self._fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def __del__(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            with suppress(OSError):
                os.close(fd)

    def fileno(self) -> int:
        """Return a descriptor that is readable while the event is set; it stays this object's."""
        return self._fd

    def set(self) -> None:
        """Set it, for all that wait and all that will."""
        with suppress(BlockingIOError):
            os.eventfd_write(self._fd, 1)

    def clear(self) -> int:
        """Take that back, and return how often it was set; nothing happens if it wasn't."""
        try:
            return os.eventfd_read(self._fd)
        except BlockingIOError:
            return 0

    def is_set(self) -> bool:
        """Tell whether it is set."""
        return self.wait(0)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until it is set, `timeout_s` seconds at most; tell whether it is."""
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        return bool(poll.poll(None if timeout_s is None else max(0.0, timeout_s) * 1000))
