"""The states of all streams of one camera: its own, and those that filters make of it."""

import time
from collections.abc import Callable

import msgspec

from camgraph.control.messages import HAS_PICTURES, StreamStatus
from camgraph.media.filters import Filters


class Statuses:
    """Tells each change by `tell`: a derived stream fares as its camera does, unless a filter keeps all back.

    Belongs to the loop's thread.
    """

    def __init__(self, filters: Filters, tell: Callable[[StreamStatus], None]) -> None:
        self._filters, self._tell = filters, tell
        self._told: dict[str, StreamStatus] = {}
        self._source: StreamStatus | None = None

    def tell(self, source: StreamStatus) -> None:
        """Tell how the camera's stream fares, and so the others."""
        self._source = source
        self._tell_changed(source)
        for stream in sorted(self._filters.streams - {source.stream}):
            self._tell_changed(self._derived(source, stream))

    def follow_filters(self) -> None:
        """Tell what the filters, as they are now, have changed."""
        for stream in self._told.keys() - self._filters.streams:
            last = self._told.pop(stream)
            self._tell(StreamStatus(stream=stream, state="stopped", sentence="Stopped.", epoch=last.epoch))
        if self._source is not None:
            self.tell(self._source)

    def _derived(self, source: StreamStatus, stream: str) -> StreamStatus:
        tap = self._filters.tap(stream)
        reason, sentence = tap.why_closed() if tap is not None and source.state in HAS_PICTURES else ("", "")
        if not reason:
            return msgspec.structs.replace(source, stream=stream)
        last = self._told.get(stream)
        stays = last is not None and (last.state, last.reason) == ("stopped", reason)
        return msgspec.structs.replace(
            source,
            stream=stream,
            state="stopped",
            reason=reason,
            sentence=sentence,
            since_ns=last.since_ns if last is not None and stays else time.monotonic_ns(),
        )

    def _tell_changed(self, status: StreamStatus) -> None:
        if self._told.get(status.stream) != status:
            self._told[status.stream] = status
            self._tell(status)
