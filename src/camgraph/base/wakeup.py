"""A flag another thread can raise and a selector can wait on."""

import os

from camgraph.base.parking import close_in_children


class Wakeup:
    """A selectable flag: set from any thread, cleared by the one that waits on `fileno()`.

    A forked child has none: it is closed there.
    """

    def __init__(self) -> None:
        self._fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        close_in_children(self)

    def fileno(self) -> int:
        """Return the descriptor; readable while the flag is set."""
        return self._fd

    def set(self) -> None:
        """Raise the flag; setting it twice is setting it once, setting a closed one does nothing."""
        if self._fd >= 0:
            os.eventfd_write(self._fd, 1)

    def clear(self) -> None:
        """Lower the flag."""
        try:
            os.eventfd_read(self._fd)
        except BlockingIOError:
            return

    def close(self) -> None:
        """Release the descriptor."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)
