"""What a transport is."""

from collections.abc import Callable
from typing import Protocol

Heard = Callable[[int], None]
Ended = Callable[[], None]


class BackEnd(Protocol):
    """A process that was started."""

    def pid(self) -> int:
        """Return its process id; once its first message is there."""
        ...

    def ping(self, value: int) -> None:
        """Have the value sent back."""
        ...

    def say(self, count: int, hz: float) -> None:
        """Have messages sent, so many a second; ``hz=0``: as fast as it can."""
        ...


class Transport(Protocol):
    """The front end of all processes of a run; made and called in the thread of the GUI.

    `heard` and `ended` are methods of a QObject of that thread, to be called there by Qt: with each message,
    and with each process that was found to have ended.
    """

    tells_death: bool
    """Whether it calls `ended`."""

    def start(self, heard: Heard, ended: Ended) -> BackEnd:
        """Start a process."""
        ...

    def close(self) -> None:
        """End all, and wait for it."""
        ...
