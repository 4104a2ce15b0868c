"""Live streams: handles by which a program asks for frames, and sees states."""

from collections.abc import ItemsView, Iterable, Iterator, Mapping, ValuesView
from typing import TYPE_CHECKING, Literal

from camgraph.base.pixels import PixelFormat
from camgraph.client.statuses import StatusBoard
from camgraph.control.messages import StreamStatus
from camgraph.graph.spec import FrameRequest, ReadPolicy
from camgraph.graph.stream import Stream

if TYPE_CHECKING:
    from camgraph.client.site import Site


class LiveStream:
    """One stream of a running site."""

    def __init__(self, site: "Site", name: str, statuses: StatusBoard) -> None:
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
        roi: tuple[int, int, int, int] | None = None,
        size: tuple[int, int] | None = None,
        fps: float | None = None,
        policy: ReadPolicy = "latest",
        leases: int = 3,
    ) -> FrameRequest:
        """Return a request for frames of this stream, as `Stream.frames` does."""
        return Stream(self._name).frames(
            format=format, roi=roi, size=size, fps=fps, policy=policy, leases=leases
        )

    def packets(
        self,
        *,
        format: Literal["nal", "fmp4"] = "nal",  # noqa: A002
        policy: ReadPolicy = "every",
        leases: int = 16,
    ) -> FrameRequest:
        """Return a request for this stream as the camera has encoded it, as `Stream.packets` does."""
        return Stream(self._name).packets(format=format, policy=policy, leases=leases)


class StreamTable(Mapping[str, LiveStream]):
    """The streams of a site by name, in the order of their declaration; it follows the graph."""

    def __init__(self, site: "Site", statuses: StatusBoard) -> None:
        self._site, self._statuses = site, statuses
        self._streams: dict[str, LiveStream] = {}

    @property
    def site(self) -> "Site":
        """The site whose streams these are."""
        return self._site

    def set_names(self, names: Iterable[str]) -> None:
        """Make these the streams; handles of those that stay stay the same."""
        old = self._streams
        self._streams = {
            name: old.get(name) or LiveStream(self._site, name, self._statuses) for name in names
        }

    def __getitem__(self, name: str) -> LiveStream:
        try:
            return self._streams[name]
        except KeyError:
            raise KeyError(f"no stream is named {name!r}; there are {', '.join(self._streams)}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._streams)

    def __len__(self) -> int:
        return len(self._streams)

    def items(self) -> ItemsView[str, LiveStream]:
        """Give names and streams as they are now, whatever the graph becomes meanwhile."""
        return self._streams.items()

    def values(self) -> ValuesView[LiveStream]:
        """Give the streams as they are now, whatever the graph becomes meanwhile."""
        return self._streams.values()

    def __repr__(self) -> str:
        return f"<StreamTable {list(self._streams.values())}>"
