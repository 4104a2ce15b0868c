"""Gates. What is behind closed ones, and nowhere else, is not even decoded."""

from camgraph.graph.nodes import Gate
from valkka.core.frame_filter import FrameFilter
from valkka.core.plan import Planner, Way
from valkka.core.runtime import changed

__all__ = ["CachingGateFrameFilter", "GateFrameFilter"]


class _Gate(FrameFilter):
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
        return planner.put(Gate(id=node, source=way.stream, opened=self._opened), way)


class GateFrameFilter(_Gate):
    """A gate, closed at first.

    What a decoder needs to begin it gets whenever it needs it: whether set-up frames pass while it is closed
    is remembered, and makes no difference.
    """

    def __init__(self, name: str, next: FrameFilter | None = None) -> None:
        super().__init__(name, next)
        self.config_frames_pass = True

    def passConfigFrames(self) -> None:
        """Have set-up frames pass while it is closed."""
        self.config_frames_pass = True

    def noConfigFrames(self) -> None:
        """Have no set-up frames pass while it is closed."""
        self.config_frames_pass = False


class CachingGateFrameFilter(_Gate):
    """A gate, closed at first, that gives what is behind it what it needs to begin when it opens."""
