"""The filters behind one camera: which of its packets and pictures each stream gets, and what is told."""

from collections.abc import Callable, Mapping, Sequence

from camgraph.base.descriptors import close_all
from camgraph.base.pixels import PIXEL_FORMATS
from camgraph.control.messages import NodeEvent
from camgraph.graph.nodes import Filter, Fork, Fresh, Gate, Interval, Movement, Observe, Publish, Rate, Stamp
from camgraph.graph.spec import StreamPath
from camgraph.media.decode import Picture
from camgraph.media.movement import WatchMovement
from camgraph.media.observing import Bells, PassAndRing, TellFrames
from camgraph.media.source import Packet
from camgraph.media.taps import KeepFresh, PassAll, Space, StampArrival, Step, Thin

Tell = Callable[[NodeEvent], None]


class Tap:
    """One stream that a filter makes. Each packet, and each picture, is decided on once, for all who ask.

    `follow` may be called in any thread; what decides belongs to the stream's.
    """

    def __init__(self, before: "Tap | None", node: Filter, stream: str, step: Step) -> None:
        self.before = before
        self._branch = stream.removeprefix(f"{node.id}.")
        self._node = node
        self._step = step
        self._picture_number = self._packet_number = -1
        self._picture: Picture | None = None
        self._packet: Packet | None = None

    @property
    def node(self) -> Filter:
        """What it does."""
        return self._node

    @property
    def watches_pictures(self) -> bool:
        """Whether every picture is to come here, even if nobody reads."""
        match self._node, self._step:
            case (Movement(), _) | (Observe(of="pictures"), _):
                return True
            case Publish(format=format_), PassAndRing(bells=bells):
                return bool(bells) and format_ in PIXEL_FORMATS
        return False

    @property
    def watches_packets(self) -> bool:
        """Whether every packet is to come here, even if nobody reads."""
        match self._node, self._step:
            case Observe(), _:
                return True
            case Publish(format=format_), PassAndRing(bells=bells):
                return bool(bells) and format_ not in PIXEL_FORMATS
        return False

    @property
    def tag(self) -> int:
        """What the program has each frame of this stream's rings carry."""
        node = self._node
        return node.tag if isinstance(node, Publish) else 0

    def follow(self, node: Filter) -> None:
        """Do from the next frame on as the node says."""
        self._step.follow(node)
        self._node = node

    def serves(self, before: "Tap | None", node: Filter) -> bool:
        """Tell whether this tap can be had to `follow` a node that is fed so."""
        return self.before is before and type(self._node) is type(node)

    def picture(self, number: int, picture: Picture) -> Picture | None:
        """Return a picture as it reaches the stream; `number` is another for each. None: it does not."""
        if number != self._picture_number:
            self._picture_number = number
            reached = picture if self.before is None else self.before.picture(number, picture)
            passes = reached is not None and not self._is_closed()
            self._picture = self._step.picture(reached) if passes and reached is not None else None
        return self._picture

    def packet(self, number: int, packet: Packet, codec: str) -> Packet | None:
        """Return a packet as it reaches the stream; `number` is another for each. None: it does not."""
        if number != self._packet_number:
            self._packet_number = number
            reached = packet if self.before is None else self.before.packet(number, packet, codec)
            passes = reached is not None and not self._is_closed()
            self._packet = self._step.packet(reached, codec) if passes and reached is not None else None
        return self._packet

    def ring(self) -> None:
        """Tell programs that wait for them of the frame that was decided on last, if it passed."""
        if isinstance(self._step, PassAndRing):
            self._step.bells.ring()

    def why_closed(self) -> tuple[str, str]:
        """Return why no frame passes, as a reason and a sentence; both are empty if some do."""
        reason, sentence = ("", "") if self.before is None else self.before.why_closed()
        if not reason and self._is_closed():
            if isinstance(self._node, Gate):
                return "gate_closed", f"The gate {self._node.id!r} is closed."
            return "branch_detached", f"The branch {self._branch!r} of {self._node.id!r} is detached."
        return reason, sentence

    def _is_closed(self) -> bool:
        match self._node:
            case Gate(opened=opened):
                return not opened
            case Fork(detached=detached):
                return self._branch in detached
        return False


class Filters:
    """The taps behind one camera, by the streams they make; belongs to the loop's thread.

    `stream` is the camera's name; `tell` is called in the stream's thread.
    """

    def __init__(self, stream: str, tell: Tell) -> None:
        self._stream, self._tell = stream, tell
        self._taps: dict[str, Tap | None] = {}
        self._bells: dict[str, Bells] = {}
        self.on_attached: Callable[[], None] = lambda: None
        """Called when descriptors were attached to a node."""

    @property
    def streams(self) -> frozenset[str]:
        """The camera's own stream, and those made of it."""
        return frozenset(self._taps)

    @property
    def taps(self) -> tuple[Tap, ...]:
        """All taps that frames can pass as gates and branches are now, those first that come first."""
        return tuple(tap for tap in self._taps.values() if tap is not None and not tap.why_closed()[0])

    @property
    def published(self) -> tuple[Publish, ...]:
        """The nodes that publish rings."""
        nodes = [tap.node for tap in self._taps.values() if tap is not None]
        return tuple(node for node in nodes if isinstance(node, Publish))

    def tap(self, stream: str) -> Tap | None:
        """Return what decides over a stream's frames; None: all pass, or there is no such stream."""
        return self._taps.get(stream)

    def configure(self, paths: Mapping[str, StreamPath]) -> None:
        """Do from the next frame on as these paths say, those that the camera feeds; others end."""
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
        for name in self._bells.keys() - {node.id for node in self.published}:
            self._bells.pop(name).replace(())

    def attach(self, node: str, descriptors: Sequence[int]) -> None:
        """Have frames that pass a `Publish` node told by these descriptors, in place of those before.

        Owns them from now on; they are closed at once if there is no such node here.
        """
        bells = self._bells.get(node)
        if bells is None:
            close_all(list(descriptors))
            return
        bells.replace(descriptors)
        self.on_attached()

    def close(self) -> None:
        """Close the descriptors of all nodes. Closing twice does nothing."""
        for name in list(self._bells):
            self._bells.pop(name).replace(())

    def _tap_for(self, before: Tap | None, node: Filter, stream: str) -> Tap:
        tap = self._taps.get(stream)
        if tap is None or not tap.serves(before, node):
            return Tap(before, node, stream, self._step_for(node))
        tap.follow(node)
        return tap

    def _step_for(self, node: Filter) -> Step:
        match node:
            case Rate():
                return Thin(node)
            case Interval():
                return Space(node)
            case Fresh():
                return KeepFresh(node)
            case Stamp():
                return StampArrival()
            case Movement():
                return WatchMovement(node, self._stream, self._tell)
            case Observe():
                return TellFrames(node, self._stream, self._tell)
            case Publish():
                return PassAndRing(self._bells.setdefault(node.id, Bells()))
            case Gate() | Fork():
                return PassAll()
