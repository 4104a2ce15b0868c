"""Gates. What is behind closed ones, and nowhere else, is not even decoded."""

from dataclasses import replace

from camgraph.graph.nodes import Gate
from valkka.core.frame_filter import FrameFilter
from valkka.core.plan import Planner, Way
from valkka.core.runtime import changed

__all__ = ["CachingGateFrameFilter", "GateFrameFilter"]


class _Gate(FrameFilter):
    _setups_pass = False
    """Set-up frames do so while it is closed."""

    def __init__(self, name: str, next: FrameFilter | None = None) -> None:
        super().__init__(name, next)
        self._opened = False

    def set(self) -> None:
        """Open it."""
        self._turn(True)

    def unSet(self) -> None:
        """Close it."""
        self._turn(False)

    def _turn(self, opened: bool) -> None:
        if opened != self._opened:
            self._opened = opened
            changed()

    def pass_on(self, way: Way, planner: Planner) -> Way | None:
        node = planner.node(self.label, way)
        behind = planner.put(Gate(id=node, source=way.stream, opened=self._opened), way)
        return replace(behind, setups=way.setups and (self._opened or self._setups_pass))


class GateFrameFilter(_Gate):
    """A gate, closed at first; set-up frames pass all the same, if they are not told otherwise.

    What a decoder needs to begin it gets whenever it needs it.
    """

    _setups_pass = True

    def passConfigFrames(self) -> None:
        """Have set-up frames pass while it is closed."""
        self._setups_pass = True
        changed()

    def noConfigFrames(self) -> None:
        """Have no set-up frames pass while it is closed."""
        self._setups_pass = False
        changed()


class CachingGateFrameFilter(_Gate):
    """A gate, closed at first; set-up frames that came meanwhile pass when it opens."""
