"""What goes into a ring of packets, and what makes it."""

from typing import NamedTuple, Protocol

from camgraph.media.source import Packet


class Item(NamedTuple):
    """One frame of a ring of packets."""

    data: bytes
    keyframe: bool
    """It is part of a key frame, or begins a fragment that begins with one."""
    begins: bool = False
    """Who has seen nothing before can begin here."""


class ItemMaker(Protocol):
    """Makes the items of one stream's packets, in order."""

    @property
    def sets(self) -> tuple[bytes, ...]:
        """The newest parameter sets; empty: none came, or the codec has none."""
        ...

    def items(self, packet: Packet) -> list[Item]:
        """Return what a packet gives; nothing, where it can't be used without what is missing before it."""
        ...

    def skip(self, packet: Packet) -> None:
        """Take note of a packet that is left out."""
        ...

    def repeat_header(self) -> None:
        """Have what a new listener needs come once more, before what the next packet gives."""
        ...
