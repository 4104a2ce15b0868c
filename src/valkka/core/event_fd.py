"""An event that processes share by inheritance, and that can be selected on."""

import contextlib
import os
import select

__all__ = ["EventFd"]


class EventFd:
    """An eventfd, made before the processes that share it are forked; closed when collected."""

    def __init__(self) -> None:
        self._fd = -1
        self._fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def __del__(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            with contextlib.suppress(OSError):
                os.close(fd)

    def getFd(self) -> int:
        """Return the descriptor, which stays this object's; readable while the event is set."""
        return self._fd

    def fileno(self) -> int:
        """Return the descriptor, for `select`."""
        return self._fd

    def set(self) -> None:
        """Set it."""
        with contextlib.suppress(BlockingIOError):
            os.eventfd_write(self._fd, 1)

    def clear(self) -> int:
        """Take that back, and return how often it was set; nothing happens if it wasn't."""
        try:
            return os.eventfd_read(self._fd)
        except BlockingIOError:
            return 0

    def is_set(self, timeout_s: float = 0.0) -> bool:
        """Tell whether it is set, or becomes so within `timeout_s` seconds."""
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        return bool(poll.poll(int(timeout_s * 1000)))
