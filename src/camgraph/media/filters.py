"""Gates, rates and forks behind one camera: which of its pictures each stream gets."""

from collections.abc import Mapping

from camgraph.graph.nodes import Filter, Fork, Gate, Rate
from camgraph.graph.spec import StreamPath
from camgraph.media.decode import Picture
from camgraph.media.pace import Pace


class Tap:
    """One stream that a filter makes. Each picture is decided on once, for all who ask.

    `follow` may be called in any thread; the rest of them belongs to the stream's.
    """

    def __init__(self, before: "Tap | None", node: Filter, stream: str) -> None:
        self.before = before
        self._branch = stream.removeprefix(f"{node.id}.")
        self._pace: Pace | None = None
        self._number = -1
        self._passed = False
        self._node = node
        self.follow(node)

    def follow(self, node: Filter) -> None:
        """Do from the next picture on as the node says."""
        before, self._node = self._node, node
        if isinstance(node, Rate) and (self._pace is None or before != node):
            self._pace = Pace(node.fps)

    def serves(self, before: "Tap | None", node: Filter) -> bool:
        """Tell whether this tap can be had to `follow` a node that is fed so."""
        return self.before is before and type(self._node) is type(node)

    def passes(self, number: int, picture: Picture) -> bool:
        """Tell whether a picture reaches the stream; `number` is another for each picture."""
        if number != self._number:
            self._number = number
            reached = self.before is None or self.before.passes(number, picture)
            self._passed = reached and self._lets(picture)
        return self._passed

    def why_closed(self) -> tuple[str, str]:
        """Return why no picture passes, as a reason and a sentence; both are empty if some do."""
        reason, sentence = ("", "") if self.before is None else self.before.why_closed()
        if not reason and self._is_closed():
            if isinstance(self._node, Gate):
                return "gate_closed", f"The gate {self._node.id!r} is closed."
            return "branch_detached", f"The branch {self._branch!r} of {self._node.id!r} is detached."
        return reason, sentence

    def _lets(self, picture: Picture) -> bool:
        if self._is_closed():
            return False
        pace, packet = self._pace, picture.packet
        return pace is None or pace.accept(picture.frame.pts, packet.time_base, packet.arrival_ns)

    def _is_closed(self) -> bool:
        match self._node:
            case Gate(opened=opened):
                return not opened
            case Fork(detached=detached):
                return self._branch in detached
        return False


class Filters:
    """The taps behind one camera, by the streams they make; belongs to the loop's thread."""

    def __init__(self) -> None:
        self._taps: dict[str, Tap | None] = {}

    @property
    def streams(self) -> frozenset[str]:
        """The camera's own stream, and those made of it."""
        return frozenset(self._taps)

    def tap(self, stream: str) -> Tap | None:
        """Return what decides over a stream's pictures; None: all pass, or there is no such stream."""
        return self._taps.get(stream)

    def configure(self, paths: Mapping[str, StreamPath]) -> None:
        """Do from the next picture on as these paths say, those that the camera feeds; others end."""
        taps: dict[str, Tap | None] = {}
        for name, path in paths.items():
            before: Tap | None = None
            for node, stream in path.steps:
                tap = taps.get(stream)
                if tap is None:
                    tap = self._tap_for(before, node, stream)
                taps[stream] = before = tap
            taps.setdefault(name, before)
        self._taps = taps

    def _tap_for(self, before: Tap | None, node: Filter, stream: str) -> Tap:
        tap = self._taps.get(stream)
        if tap is None or not tap.serves(before, node):
            return Tap(before, node, stream)
        tap.follow(node)
        return tap
