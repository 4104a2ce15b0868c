"""A descriptor that becomes readable at a time."""

import ctypes
import os
import time

_libc = ctypes.CDLL(None, use_errno=True)


class _Itimerspec(ctypes.Structure):
    _fields_ = (
        ("interval_s", ctypes.c_long),
        ("interval_ns", ctypes.c_long),
        ("value_s", ctypes.c_long),
        ("value_ns", ctypes.c_long),
    )


class Alarm:
    """A timerfd (`os.timerfd_create` came with Python 3.13): readable from its time on, until asked."""

    def __init__(self) -> None:
        self._fd: int = _libc.timerfd_create(time.CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
        if self._fd < 0:
            error = ctypes.get_errno()
            raise OSError(error, f"a timer can't be made: {os.strerror(error)}")

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._fd

    def ring_after(self, delay_s: float) -> None:
        """Become readable in `delay_s` seconds (at once for 0), and not before."""
        spec = _Itimerspec(0, 0, *divmod(max(1, int(delay_s * 1e9)), 1_000_000_000))
        _libc.timerfd_settime(self._fd, 0, ctypes.byref(spec), None)

    def rang(self) -> bool:
        """Return whether the time has come since this was last asked; it is unreadable then."""
        try:
            os.read(self._fd, 8)
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        """Release the descriptor; closing twice does nothing."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)
