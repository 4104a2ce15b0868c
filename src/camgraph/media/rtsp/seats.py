"""A client's part in a stream, from SETUP to the end of its session."""

from dataclasses import dataclass
from typing import Protocol

from camgraph.media.rtsp.broadcast import Broadcast, Viewer
from camgraph.media.rtsp.routes import MulticastRoute, Route


class Seat(Protocol):
    """What SETUP gives a client."""

    broadcast: Broadcast

    @property
    def header(self) -> str:
        """The Transport header that answers SETUP."""

    def play(self) -> None:
        """Let the stream come, from the next keyframe on; playing twice is playing once."""

    def leave(self) -> None:
        """Let nothing more come, and release the way. To be called once."""


class UnicastSeat:
    """A way of the client's own."""

    def __init__(self, broadcast: Broadcast, route: Route) -> None:
        self.broadcast = broadcast
        self._route = route
        self._viewer = Viewer(route)

    @property
    def header(self) -> str:
        """The Transport header that answers SETUP."""
        return self._route.header

    def play(self) -> None:
        """Join the broadcast."""
        self.broadcast.join(self._viewer)

    def leave(self) -> None:
        """Leave the broadcast, close the way."""
        self.broadcast.leave(self._viewer)
        self._route.close()


class MulticastGroups:
    """The multicast groups of a server: one per stream and interface, there while a client has set it up."""

    def __init__(self) -> None:
        self._groups: dict[tuple[Broadcast, str], _Group] = {}

    def seat(self, broadcast: Broadcast, interface: str) -> "MulticastSeat":
        """Return a seat in the group of a stream; OSError if there can be none at that address."""
        key = broadcast, interface
        if (group := self._groups.get(key)) is None:
            group = self._groups[key] = _Group(MulticastRoute(interface))
        group.members += 1
        return MulticastSeat(self, key, group)

    def left(self, key: tuple[Broadcast, str]) -> None:
        """Close a group when its last member has gone."""
        group = self._groups[key]
        group.members -= 1
        if group.members == 0:
            del self._groups[key]
            group.route.close()


@dataclass(slots=True)
class _Group:
    route: MulticastRoute
    members: int = 0
    players: int = 0
    viewer: Viewer | None = None


class MulticastSeat:
    """A part in what a group gets: it is sent to while any of its members plays."""

    def __init__(self, groups: MulticastGroups, key: tuple[Broadcast, str], group: _Group) -> None:
        self.broadcast = key[0]
        self._groups = groups
        self._key = key
        self._group = group
        self._plays = False

    @property
    def header(self) -> str:
        """The Transport header that answers SETUP."""
        return self._group.route.header

    def play(self) -> None:
        """Have the stream sent to the group."""
        if self._plays:
            return
        self._plays = True
        self._group.players += 1
        if self._group.viewer is None:
            self._group.viewer = Viewer(self._group.route)
            self.broadcast.join(self._group.viewer)

    def leave(self) -> None:
        """Give up the part in the group."""
        if self._plays:
            self._group.players -= 1
            if self._group.players == 0 and self._group.viewer is not None:
                self.broadcast.leave(self._group.viewer)
                self._group.viewer = None
        self._groups.left(self._key)
