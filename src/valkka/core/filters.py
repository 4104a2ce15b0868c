"""Filters that pass, thin out, scale and stamp frames."""

from dataclasses import replace

from camgraph.graph.filter_values import MAX_MS
from camgraph.graph.nodes import Interval, Stamp
from valkka.core.arguments import a_or_none, text, whole
from valkka.core.constants import TIMESTAMP_CORRECT_TRESHOLD
from valkka.core.frame_filter import FrameFilter
from valkka.core.plan import Planner, Way
from valkka.core.runtime import changed

__all__ = [
    "DummyTimestampFrameFilter",
    "ForkFrameFilter",
    "ForkFrameFilter3",
    "ForkFrameFilterN",
    "PassSlotFrameFilter",
    "RepeatH264ParsFrameFilter",
    "SetSlotFrameFilter",
    "SlotFrameFilter",
    "SwScaleFrameFilter",
    "ThreadSafeFrameFilter",
    "TimeIntervalFrameFilter",
    "TimestampFrameFilter",
    "TimestampFrameFilter2",
]


class _Passes(FrameFilter):
    """Passes all: what it is for is done where frames are received, or needs not be done."""

    def __init__(self, name: str, next: FrameFilter | None = None) -> None:
        super().__init__(name, next)

    def pass_on(self, way: Way, planner: Planner) -> Way | None:
        return way


class ThreadSafeFrameFilter(_Passes):
    """Has several threads write to what is behind it: any filter does."""


class RepeatH264ParsFrameFilter(_Passes):
    """Repeats parameter sets before key frames: who reads packets here gets them first anyway."""


class TimestampFrameFilter(FrameFilter):
    """Corrects times where their connection does not: by each stream's own history, for all readers."""

    def __init__(
        self, name: str, next: FrameFilter | None = None, msdiff_max: int = TIMESTAMP_CORRECT_TRESHOLD
    ) -> None:
        whole(type(self).__name__, "msdiff_max", msdiff_max)
        super().__init__(name, next)

    def pass_on(self, way: Way, planner: Planner) -> Way | None:
        planner.correct()
        return way


class TimestampFrameFilter2(TimestampFrameFilter):
    """Corrects times, and learns anew by the minute."""


class DummyTimestampFrameFilter(FrameFilter):
    """Gives frames the time of their arrival."""

    def __init__(self, name: str, next: FrameFilter | None = None) -> None:
        super().__init__(name, next)

    def pass_on(self, way: Way, planner: Planner) -> Way | None:
        return planner.put(Stamp(id=planner.node(self.label, way), source=way.stream), way)


class SlotFrameFilter(FrameFilter):
    """Gives frames a slot."""

    def __init__(self, name: str, slot: int, next: FrameFilter | None = None) -> None:
        super().__init__(name, next)
        self._slot = whole("SlotFrameFilter", "slot", slot, 0)

    def pass_on(self, way: Way, planner: Planner) -> Way | None:
        return replace(way, slot=self._slot)


class SetSlotFrameFilter(FrameFilter):
    """Gives frames the slot that was set last; 0, as at first: their own."""

    def __init__(self, name: str, next: FrameFilter | None = None) -> None:
        super().__init__(name, next)
        self._slot = 0

    def setSlot(self, n: int = 0) -> None:
        """Set it; takes effect while frames pass."""
        self._slot = whole("SetSlotFrameFilter.setSlot", "n", n, 0)
        changed()

    def pass_on(self, way: Way, planner: Planner) -> Way | None:
        return replace(way, slot=self._slot or way.slot)


class PassSlotFrameFilter(FrameFilter):
    """Passes the frames of one slot."""

    def __init__(self, name: str, slot: int, next: FrameFilter | None = None) -> None:
        super().__init__(name, next)
        self._slot = whole("PassSlotFrameFilter", "slot", slot, 0)

    def pass_on(self, way: Way, planner: Planner) -> Way | None:
        return way if way.slot == self._slot else None


class TimeIntervalFrameFilter(FrameFilter):
    """Passes a frame if it is `mstimedelta` ms or more younger than the last one that passed."""

    def __init__(self, name: str, mstimedelta: int, next: FrameFilter | None = None) -> None:
        super().__init__(name, next)
        self._ms = whole("TimeIntervalFrameFilter", "mstimedelta", mstimedelta, 0)

    def pass_on(self, way: Way, planner: Planner) -> Way | None:
        node = Interval(
            id=planner.node(self.label, way), source=way.stream, shortest_ms=min(self._ms, MAX_MS)
        )
        return planner.put(node, way)


class SwScaleFrameFilter(FrameFilter):
    """Has what is behind it get RGB pictures of `target_width` × `target_height`, stretched."""

    def __init__(
        self, name: str, target_width: int, target_height: int, next: FrameFilter | None = None
    ) -> None:
        super().__init__(name, next)
        where = "SwScaleFrameFilter"
        self._size = (
            whole(where, "target_width", target_width, 1),
            whole(where, "target_height", target_height, 1),
        )

    def pass_on(self, way: Way, planner: Planner) -> Way | None:
        return replace(way, size=self._size) if way.kind == "pictures" else None


class ForkFrameFilter(FrameFilter):
    """Passes to two."""

    def __init__(self, name: str, next: FrameFilter | None = None, next2: FrameFilter | None = None) -> None:
        super().__init__(name, next, next2)

    def pass_on(self, way: Way, planner: Planner) -> Way | None:
        return way


class ForkFrameFilter3(FrameFilter):
    """Passes to three."""

    def __init__(
        self,
        name: str,
        next: FrameFilter | None = None,
        next2: FrameFilter | None = None,
        next3: FrameFilter | None = None,
    ) -> None:
        super().__init__(name, next, next2, next3)

    def pass_on(self, way: Way, planner: Planner) -> Way | None:
        return way


class ForkFrameFilterN(FrameFilter):
    """Passes to any number, which come and go while frames pass."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._by_tag: dict[str, tuple[FrameFilter | None]] = {}

    def connect(self, tag: str, filter: FrameFilter | None) -> bool:
        """Pass to this one, too; False: the tag is taken."""
        tag = text("ForkFrameFilterN.connect", "tag", tag)
        a_or_none("ForkFrameFilterN.connect", "filter", filter, FrameFilter)
        # One step, whatever other threads do; a lock would not survive a fork.
        entry = (filter,)
        if self._by_tag.setdefault(tag, entry) is not entry:
            return False
        changed()
        return True

    def disconnect(self, tag: str) -> bool:
        """Pass to this one no longer; False: there is none of this tag."""
        tag = text("ForkFrameFilterN.disconnect", "tag", tag)
        if self._by_tag.pop(tag, None) is None:
            return False
        changed()
        return True

    def nexts(self) -> list[FrameFilter]:
        """Return what gets the frames, in order of the tags."""
        return [it for _, (it,) in sorted(self._by_tag.copy().items()) if it is not None]

    def pass_on(self, way: Way, planner: Planner) -> Way | None:
        return way
