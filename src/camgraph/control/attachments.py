"""Descriptors of programs that belong to nodes of a graph."""

from collections.abc import Collection

from camgraph.base.descriptors import close_all


class Attachments:
    """Owns the descriptors by node. Not thread-safe."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[int, ...]] = {}

    @property
    def nodes(self) -> tuple[str, ...]:
        """The nodes that have some."""
        return tuple(self._held)

    def of(self, node: str) -> tuple[int, ...]:
        """Return those of a node; they stay owned here."""
        return self._held.get(node, ())

    def put(self, node: str, descriptors: tuple[int, ...]) -> None:
        """Own these from now on, in place of those that the node had; none: it has none any more."""
        before = self._held.pop(node, ())
        if descriptors:
            self._held[node] = descriptors
        close_all(before)

    def keep_only(self, nodes: Collection[str]) -> None:
        """Release those of all other nodes."""
        for node in self._held.keys() - set(nodes):
            self.put(node, ())

    def close(self) -> None:
        """Release all; closing twice does nothing."""
        self.keep_only(())
