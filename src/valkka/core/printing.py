"""Filters that print what passes, from the process of the program."""

import contextlib
import time
from dataclasses import dataclass

from camgraph.control.messages import NodeEvent
from camgraph.graph.filter_values import MAX_MS
from camgraph.graph.nodes import Observe, Observed
from valkka.core.arguments import whole
from valkka.core.frame_filter import FrameFilter
from valkka.core.plan import Planner, Sight, Way

__all__ = ["BriefInfoFrameFilter", "DummyFrameFilter", "FPSCountFrameFilter", "InfoFrameFilter"]

_START_CODE = b"\0\0\0\1"
_SHOWN_BYTES = 20


class _Prints(FrameFilter):
    _of_coded: Observed = "units"
    _every_ms = 0
    _data_bytes = 5
    """Enough to tell what kind of NAL unit it is."""

    def __init__(self, name: str, next: FrameFilter | None = None) -> None:
        super().__init__(name, next)

    def pass_on(self, way: Way, planner: Planner) -> Way | None:
        node = Observe(
            id=planner.node(self.label, way),
            source=way.stream,
            of="pictures" if way.kind == "pictures" else self._of_coded,
            every_ms=min(self._every_ms, MAX_MS),
            data_bytes=self._data_bytes,
        )
        return planner.see(node, way, self)

    def on_event(self, event: NodeEvent, sight: Sight) -> None:
        """Print it."""

    def on_setup(self, codec: str, sight: Sight) -> None:
        """Print it."""


class DummyFrameFilter(_Prints):
    """Prints what passes, if `verbose`."""

    def __init__(self, name: str, verbose: bool = True, next: FrameFilter | None = None) -> None:
        super().__init__(name, next)
        self.verbose = bool(whole("DummyFrameFilter", "verbose", verbose))

    def pass_on(self, way: Way, planner: Planner) -> Way | None:
        return super().pass_on(way, planner) if self.verbose else way

    def on_event(self, event: NodeEvent, sight: Sight) -> None:
        _say(f"DummyFrameFilter: {self.name} got frame : {described(event, sight.way)}")

    def on_setup(self, codec: str, sight: Sight) -> None:
        _say(f"DummyFrameFilter: {self.name} got frame : {_setup(codec, sight.way)}")


class InfoFrameFilter(_Prints):
    """Prints what passes: frame, first bytes, and its time compared with now."""

    _data_bytes = _SHOWN_BYTES

    def on_event(self, event: NodeEvent, sight: Sight) -> None:
        ms = milliseconds(event)
        _say(
            f"InfoFrameFilter: {self.name} start dump>> ",
            f"InfoFrameFilter: FRAME   : {described(event, sight.way)}",
            f"InfoFrameFilter: PAYLOAD : [{' '.join(map(str, event.data))} ]",
            f"InfoFrameFilter: timediff: {ms - _now_ms()}",
            f"InfoFrameFilter: {self.name} <<end dump   ",
        )

    def on_setup(self, codec: str, sight: Sight) -> None:
        _say(
            f"InfoFrameFilter: {self.name} start dump>> ",
            f"InfoFrameFilter: FRAME   : {_setup(codec, sight.way)}",
            f"InfoFrameFilter: {self.name} <<end dump   ",
        )


class BriefInfoFrameFilter(_Prints):
    """Prints a line for each frame that passes."""

    def on_event(self, event: NodeEvent, sight: Sight) -> None:
        ms = milliseconds(event)
        _say(
            f"BriefInfoFrameFilter: {self.name} : {described(event, sight.way)} dT={ms - _now_ms()}",
        )

    def on_setup(self, codec: str, sight: Sight) -> None:
        _say(f"BriefInfoFrameFilter: {self.name} : {_setup(codec, sight.way)}")


@dataclass
class _Count:
    count: int
    arrival_ns: int


class FPSCountFrameFilter(_Prints):
    """Prints every `msinterval` ms how many frames a second pass."""

    _of_coded = "packets"
    _data_bytes = 0

    def __init__(self, name: str, msinterval: int, next: FrameFilter | None = None) -> None:
        super().__init__(name, next)
        self._every_ms = whole("FPSCountFrameFilter", "msinterval", msinterval, 1)
        self._last: dict[str, _Count] = {}

    def on_event(self, event: NodeEvent, sight: Sight) -> None:
        now = _Count(event.count, event.arrival_ns)
        last, self._last[event.node] = self._last.get(event.node), now
        # The count begins anew with another media process.
        if last is not None and now.count > last.count and now.arrival_ns > last.arrival_ns:
            fps = (now.count - last.count) * 1e9 / (now.arrival_ns - last.arrival_ns)
            _say(f"FPSCount {self.name} : {fps:.2f}")


def described(event: NodeEvent, way: Way) -> str:
    """Return a frame in words as the documented API has them."""
    about = f"timestamp={milliseconds(event)} subsession_index=0 slot={way.slot}"
    if way.kind != "pictures":
        return f"<BasicFrame: {about} / payload size={event.size_bytes} / {_coded(event)}>"
    if way.size is not None:
        return f"<RGBFrame: {about} / size={way.size[0]}x{way.size[1]}>"
    return f"<AVBitmapFrame: {about} / size={event.width}x{event.height} / {event.format}>"


def milliseconds(event: NodeEvent) -> int:
    """Return a frame's time in ms since the epoch."""
    return event.capture_ns // 1_000_000


def _setup(codec: str, way: Way) -> str:
    return f"<SetupFrame: subsession_index=0 slot={way.slot} / stream init / video {codec.upper()}>"


def _coded(event: NodeEvent) -> str:
    name = event.format.upper() or "?"
    if event.format == "h264" and event.data.startswith(_START_CODE) and len(event.data) > 4:
        return f"{name}: slice_type={event.data[4] & 0x1F}"
    return f"{name}: keyframe={int(event.keyframe)}"


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _say(*lines: str) -> None:
    # Who reads it may be gone, as after ``program | head``.
    with contextlib.suppress(OSError, ValueError):
        print(*lines, sep="\n", flush=True)
