"""Events that front and back ends share, told by their numbers in messages."""

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any

from camgraph.base.event import Event
from valkka.multiprocess.descriptor import readable
from valkka.multiprocess.forked import ForkedProcess, running
from valkka.multiprocess.process import messaged

_log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.1


class NotEnoughEvents(BaseException):
    """All events of a group are in use."""


class EventGroup:
    """Events to be made before the processes that share them start; `event_class` has set and clear."""

    def __init__(self, n: int = 10, event_class: Callable[[], Any] = Event) -> None:
        self.events = [event_class() for _ in range(n)]
        self._free = list(range(n))
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.events)

    def __str__(self) -> str:
        return f"<EventGroup: {len(self._free)} of {len(self.events)} events are free>"

    def set(self, i: int) -> None:
        """Set the event with this number."""
        self.events[i].set()

    def reserve(self) -> tuple[int, Any]:
        """Return number and event of one that nobody uses, cleared. Raises NotEnoughEvents."""
        with self._lock:
            if not self._free:
                raise NotEnoughEvents(f"all {len(self.events)} events are in use")
            index = self._free.pop(0)
        event = self.events[index]
        # Some must be set before they may be cleared.
        event.set()
        event.clear()
        return index, event

    def release(self, event: Any) -> None:
        """Give back an event."""
        self.release_ind(self.asIndex(event))

    def release_ind(self, index: int) -> None:
        """Give back the event with this number; twice does nothing."""
        self.fromIndex(index)
        with self._lock:
            if index not in self._free:
                self._free.append(index)

    def fromIndex(self, i: int) -> Any:
        """Return the event with this number; raises IndexError."""
        return self.events[i]

    def asIndex(self, event: Any) -> int:
        """Return the number of an event of this group; raises ValueError."""
        for index, each in enumerate(self.events):
            if each is event:
                return index
        raise ValueError(f"{event!r} is no event of this group")


class SyncIndex:
    """``with SyncIndex(group) as i:`` send `i` in a message; the end of the block waits for ``group.set(i)``.

    When the processes that were sent messages in the block end before that (all that run, if none were), it
    logs so and goes on.
    """

    def __init__(self, event_group: EventGroup) -> None:
        self.event_group = event_group
        self.index = -1
        self.event: Any = None
        self._collecting: AbstractContextManager[set[ForkedProcess]] | None = None
        self._asked: set[ForkedProcess] = set()

    def __enter__(self) -> int:
        self.index, self.event = self.event_group.reserve()
        self._collecting = messaged()
        self._asked = self._collecting.__enter__()
        return self.index

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._collecting is not None
        self._collecting.__exit__(None, None, None)
        # After an error before any message nobody will set it.
        if error is None or self._asked:
            self._wait()
        self.event_group.release_ind(self.index)

    def _wait(self) -> None:
        asked = tuple(self._asked or running())
        while not _is_set(self.event, asked):
            if all(process._has_ended() for process in asked) and not _is_set(self.event, (), 0):
                names = ", ".join(process.name for process in asked) or "no process"
                _log.error("event %d is not set, and will not be: %s ended before that", self.index, names)
                return


def _is_set(event: Any, asked: tuple[ForkedProcess, ...], timeout: float | None = None) -> bool:
    """Wait until it's set, or one more of the processes has ended; tell whether it's set."""
    get_fd = getattr(event, "fileno", None) or getattr(event, "getFd", None)
    if get_fd is None:
        return bool(event.wait(LOOK_EVERY_S))
    ends = tuple(
        process._pidfd for process in asked if process._pidfd is not None and not process._has_ended()
    )
    if not ends:
        timeout = 0
    return get_fd() in readable((get_fd(), *ends), timeout)
