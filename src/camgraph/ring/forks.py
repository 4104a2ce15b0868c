"""What a forked child must forget: it shares its parent's descriptions, and so its leases and its sockets."""

import os
from typing import Protocol
from weakref import WeakSet


class Forgets(Protocol):
    """Something of the ring that belongs to the process that made it."""

    def forget_in_child(self) -> None:
        """Close the descriptors without unlocking or shutting down; take no lock: its holder is not here."""
        ...


_known: WeakSet[Forgets] = WeakSet()


def forget_in_children(thing: Forgets) -> None:
    """Have `thing` forget itself in every child forked from now on, for as long as it lives."""
    _known.add(thing)


def _in_child() -> None:
    for thing in list(_known):
        thing.forget_in_child()
    _known.clear()


os.register_at_fork(after_in_child=_in_child)
