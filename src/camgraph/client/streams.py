"""Live streams: what a site knows of each camera now."""

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from camgraph.base.pixels import PixelFormat
from camgraph.control.messages import StreamStatus
from camgraph.graph.builder import Stream
from camgraph.graph.spec import FrameRequest, ReadPolicy

if TYPE_CHECKING:
    from camgraph.client.site import Site


class LiveStream:
    """One stream of a running site."""

    def __init__(self, site: "Site", name: str, statuses: "StatusBoard") -> None:
        self._site = site
        self._name = name
        self._statuses = statuses

    def __repr__(self) -> str:
        return f"<LiveStream {self._name} {self.status.state}>"

    @property
    def name(self) -> str:
        """The name it was declared with."""
        return self._name

    @property
    def site(self) -> "Site":
        """The site it belongs to."""
        return self._site

    @property
    def status(self) -> StreamStatus:
        """Its state, with one sentence fit to show a person."""
        return self._statuses.status_of(self._name)

    def frames(
        self,
        *,
        format: PixelFormat | None = None,  # noqa: A002
        size: tuple[int, int] | None = None,
        fps: float | None = None,
        policy: ReadPolicy = "latest",
        leases: int = 3,
    ) -> FrameRequest:
        """Return a request for frames of this stream, as `Stream.frames` does."""
        return Stream(self._name).frames(format=format, size=size, fps=fps, policy=policy, leases=leases)


class StreamTable(Mapping[str, LiveStream]):
    """The streams of a site by name, in the order of their declaration."""

    def __init__(self, streams: dict[str, LiveStream]) -> None:
        self._streams = streams

    def __getitem__(self, name: str) -> LiveStream:
        return self._streams[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._streams)

    def __len__(self) -> int:
        return len(self._streams)

    def __repr__(self) -> str:
        return f"<StreamTable {list(self._streams.values())}>"


class StatusBoard:
    """The last status of every stream, and who wants to hear of changes. Thread-safe."""

    def __init__(self, names: list[str]) -> None:
        self._lock = threading.Lock()
        self._order = threading.RLock()
        self._statuses = {name: StreamStatus(stream=name, state="starting") for name in names}
        self._subscribers: list[Callable[[StreamStatus], None]] = []

    def status_of(self, name: str) -> StreamStatus:
        """Return the last status of a stream."""
        with self._lock:
            return self._statuses[name]

    def publish(self, status: StreamStatus) -> None:
        """Store a status and tell the subscribers, in this thread."""
        with self._order:
            with self._lock:
                if status.stream not in self._statuses:
                    return
                self._statuses[status.stream] = status
                subscribers = list(self._subscribers)
            for subscriber in subscribers:
                subscriber(status)

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
