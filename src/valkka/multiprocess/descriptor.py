"""Descriptors with an owner, and waiting for several."""

import os
import select
from contextlib import suppress

from camgraph.base.event import Event
from camgraph.base.parking import close_in_children, no_fork


class Descriptor:
    """Owns one descriptor: it's closed with its owner."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def __del__(self) -> None:
        self.close()

    def fileno(self) -> int:
        """The descriptor; raises ValueError when it's closed."""
        if self._fd < 0:
            raise ValueError("the descriptor is closed")
        return self._fd

    def close(self) -> None:
        """Close it; twice does nothing."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            with suppress(OSError):
                os.close(fd)


def lifeline() -> tuple[Descriptor, Descriptor]:
    """Return both ends of a pipe; forks close them in their children, but for those that are given them."""
    with no_fork():
        ends = tuple(map(Descriptor, os.pipe2(os.O_CLOEXEC)))
        for end in ends:
            close_in_children(end)
    return ends[0], ends[1]


def readable(files: "tuple[Descriptor | Event | int, ...]", timeout: float | None) -> list[int]:
    """Wait for the first of them, `timeout` seconds at most; return the descriptors that can be read."""
    poll = select.poll()
    for file in files:
        poll.register(file, select.POLLIN)
    return [fd for fd, _ in poll.poll(None if timeout is None else max(0.0, timeout) * 1000)]
