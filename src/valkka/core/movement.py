"""A filter that watches for movement."""

from collections.abc import Callable

from camgraph.control.messages import NodeEvent
from camgraph.graph.filter_values import MAX_MS
from camgraph.graph.nodes import Movement
from valkka.core.arguments import number, whole
from valkka.core.frame_filter import FrameFilter
from valkka.core.plan import Planner, Sight, Way
from valkka.core.printing import milliseconds
from valkka.core.runtime import changed

__all__ = ["MovementFrameFilter"]


class MovementFrameFilter(FrameFilter):
    """Compares a picture each `interval` ms with the one before; passes pictures while something moves.

    A mean difference of brightness above `treshold` (0 to 1) is movement, which ends after `duration` ms
    without.
    """

    def __init__(
        self, name: str, interval: int, treshold: float, duration: int, next: FrameFilter | None = None
    ) -> None:
        super().__init__(name, next)
        where = "MovementFrameFilter"
        self._interval = whole(where, "interval", interval, 0)
        self._treshold = number(where, "treshold", treshold)
        self._duration = whole(where, "duration", duration, 0)
        self._resets = 0
        self._callback: Callable[[tuple[bool, int, int]], object] | None = None

    def setCallback(self, callback: Callable[[tuple[bool, int, int]], object] | None) -> None:
        """Call back with (begins, slot, ms since the epoch) when movement begins, and when it has ended."""
        if callback is not None and not callable(callback):
            raise TypeError(f"MovementFrameFilter.setCallback: {callback!r} can't be called")
        self._callback = callback

    def reset(self) -> None:
        """Forget what was seen."""
        self._resets += 1
        changed()

    def pass_on(self, way: Way, planner: Planner) -> Way | None:
        if way.kind != "pictures":
            return None
        node = Movement(
            id=planner.node(self.label, way),
            source=way.stream,
            # 0: every frame is one.
            every_ms=min(max(1, self._interval), MAX_MS),
            threshold=min(max(0.0, self._treshold), 1.0),
            ends_after_ms=min(self._duration, MAX_MS),
            resets=self._resets,
        )
        return planner.see(node, way, self)

    def on_setup(self, codec: str, sight: Sight) -> None:
        """None comes behind a decoder."""

    def on_event(self, event: NodeEvent, sight: Sight) -> None:
        callback = self._callback
        if callback is not None and event.kind != "seen":
            callback((event.kind == "movement_began", sight.way.slot, milliseconds(event)))
