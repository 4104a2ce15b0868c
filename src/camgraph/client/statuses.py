"""What a site knows of each camera now, and who wants to hear of it."""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from camgraph.control.messages import StreamStatus

_log = logging.getLogger(__name__)


def removed(status: StreamStatus) -> StreamStatus:
    """Return what the status of a stream is when it is no longer in the graph."""
    return msgspec.structs.replace(
        status,
        state="stopped",
        reason="removed",
        sentence="The stream was removed.",
        next_attempt_ns=0,
        since_ns=time.monotonic_ns(),
    )


class StatusBoard:
    """The last status of every stream, and who wants to hear of changes. Thread-safe."""

    def __init__(self, names: list[str]) -> None:
        self._lock = threading.Lock()
        self._order = threading.RLock()
        self._statuses = {name: StreamStatus(stream=name, state="starting") for name in names}
        self._subscribers: list[Callable[[StreamStatus], None]] = []

    def set_names(self, names: Iterable[str]) -> None:
        """Make these the streams of the site, and tell of those that are new, and that are no more."""
        wanted = dict.fromkeys(names)
        with self._lock:
            gone = [status for name, status in self._statuses.items() if name not in wanted]
            new = [
                StreamStatus(stream=name, state="starting") for name in wanted if name not in self._statuses
            ]
            self._statuses.update((status.stream, status) for status in new)
        for status in new:
            self.publish(status)
        for status in gone:
            self.publish(removed(status))
            with self._lock:
                self._statuses.pop(status.stream, None)

    def status_of(self, name: str) -> StreamStatus:
        """Return the last status of a stream."""
        with self._lock:
            return self._statuses.get(name) or removed(StreamStatus(stream=name, state="stopped"))

    def publish(self, status: StreamStatus) -> None:
        """Store a status and tell the subscribers, in this thread; what one of them raises is logged."""
        with self._order:
            with self._lock:
                if status.stream not in self._statuses:
                    return
                self._statuses[status.stream] = status
                subscribers = list(self._subscribers)
            for subscriber in subscribers:
                try:
                    subscriber(status)
                except (Exception, SystemExit):  # SystemExit would end the site's thread, and so the site.
                    _log.exception("a subscriber to the status of streams failed")

    def publish_all(self, **changes: Any) -> None:
        """Publish for every stream its last status with some fields changed."""
        with self._lock:
            statuses = list(self._statuses.values())
        for status in statuses:
            self.publish(msgspec.structs.replace(status, **changes))

    def subscribe(self, callback: Callable[[StreamStatus], None]) -> Callable[[], None]:
        """Tell `callback` each status known now, in this thread, then each change; return what ends it."""
        with self._order:
            with self._lock:
                self._subscribers.append(callback)
                statuses = list(self._statuses.values())
            for status in statuses:
                callback(status)

        def unsubscribe() -> None:
            with self._lock:
                if callback in self._subscribers:
                    self._subscribers.remove(callback)

        return unsubscribe

    def forget_in_child(self) -> None:
        """Leave the subscribers to the parent of this forked child; the last statuses can be asked for."""
        self._lock, self._order = threading.Lock(), threading.RLock()
        self._subscribers = []
