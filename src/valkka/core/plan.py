"""What is to run, as told by what the playing connections reach: pure, nothing is started or sent here."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

import msgspec

from camgraph.base.errors import GraphError
from camgraph.control.messages import NodeEvent
from camgraph.graph.builder import GraphBuilder
from camgraph.graph.nodes import Node, Publish, Source
from camgraph.graph.spec import GraphSpec, check_node
from valkka.core.frame_filter import FrameFilter

Kind = Literal["packets", "pictures", "boxes"]
"""Boxes are those of fragmented MP4."""

MOST_DESCRIPTORS = 8
"""A node takes no more."""


@dataclass(frozen=True)
class Way:
    """How frames arrive at a filter."""

    stream: str
    """The stream of the graph that they are."""
    source: str
    slot: int
    kind: Kind = "packets"
    size: tuple[int, int] | None = None
    """What pictures are scaled to, (width, height) in px; None: as they are."""
    headers: int = 0
    """How often the beginning of fragmented MP4 was asked for anew."""
    setups: bool = True
    """Set-up frames come this way."""


@dataclass(frozen=True)
class Connection:
    """A connection that plays, as it was registered."""

    id: str
    """Of its source; another one each time it plays."""
    where: str
    """What a person is told in a log."""
    rtsp: bool
    address: str
    slot: int
    framefilter: FrameFilter | None
    options: Mapping[str, Any] = field(default_factory=dict)
    """As camgraph's sources take them."""
    raw_times: bool = False
    """The times of the camera's own clock are wanted, uncorrected."""


class Sees(Protocol):
    """Who is told of what a node saw."""

    def on_event(self, event: NodeEvent, sight: "Sight") -> None:
        """Hear of it, in the dispatcher's thread."""
        ...

    def on_setup(self, codec: str, sight: "Sight") -> None:
        """Hear that a stream begins."""
        ...


class HasDescriptor(Protocol):
    """Who owns an event file descriptor."""

    def getFd(self) -> int:
        """Return it."""
        ...


@dataclass(frozen=True)
class Sight:
    """A node that tells what it sees: whom, and as what frames."""

    node: str
    who: Sees
    way: Way


class PlannedGraph(GraphBuilder):
    """A graph whose names are known not to clash: it is checked as a whole, once, when it is applied."""

    @property
    def names(self) -> Collection[str]:
        """The names of its nodes."""
        return self._nodes.keys()

    def add(self, node: Node) -> None:
        """Add a node; raise GraphError if it can't be."""
        check_node(node)
        self._nodes[node.id] = node

    def change(self, node: str, **changes: Any) -> None:
        """Change a node that was added."""
        self.add(msgspec.structs.replace(self._nodes[node], **changes))

    def _add(self, node: Node) -> None:
        self.add(node)


@dataclass
class Plan:
    """What is to run."""

    graph: PlannedGraph = field(default_factory=PlannedGraph)
    routes: dict[str, dict[int, str]] = field(default_factory=dict)
    """By the label of an OpenGLThread: the stream of each slot."""
    sights: dict[str, Sight] = field(default_factory=dict)
    """By node."""
    setups: dict[str, list[Sight]] = field(default_factory=dict)
    """By source: those that set-up frames reach."""
    where: dict[str, str] = field(default_factory=dict)
    """By source: what a person is told in a log."""
    descriptors: dict[str, tuple[HasDescriptor, ...]] = field(default_factory=dict)
    """By the node of a ring: who is woken by its frames."""
    problems: list[str] = field(default_factory=list)
    """What could not be planned, in sentences."""


def make_plan(connections: Iterable[Connection], running: GraphSpec | None = None) -> Plan:
    """Plan what these connections reach.

    A source that is `running` already keeps what it could not change without being opened anew.
    """
    planner = Planner()
    before = {node.id: node for node in running.nodes} if running else {}
    for connection in connections:
        planner.connect(connection, before.get(connection.id))
    return planner.plan


class Planner:
    """Follows frames from the connections on; filters tell it what is to run where they are."""

    def __init__(self) -> None:
        self.plan = Plan()
        self._ids: dict[tuple[str, Way], str] = {}
        self._ways: dict[str, int] = {}
        self._seen: set[tuple[str, Way]] = set()
        self._rings: dict[str, str] = {}
        self._threads = 1
        self._cpu = -1
        self._corrects = False

    def connect(self, connection: Connection, running: Node | None) -> None:
        """Follow the frames of one connection."""
        graph = self.plan.graph
        try:
            if connection.rtsp:
                graph.rtsp(connection.id, connection.address, **connection.options)
            else:
                graph.sdp(connection.id, connection.address, **connection.options)
        except (GraphError, TypeError, ValueError) as error:
            self.plan.problems.append(f"{connection.where} can't be played: {error}")
            return
        self.plan.where[connection.id] = connection.where
        self._threads, self._cpu, self._corrects = 1, -1, False
        if connection.framefilter is not None:
            self._walk(connection.framefilter, Way(connection.id, connection.id, connection.slot), ())
        self._finish_source(connection, running)

    def node(self, label: str, way: Way) -> str:
        """Return the name of the node that stands for a filter on this way; the same each time."""
        known = self._ids.get((label, way))
        if known is None:
            known = f"{label}.{way.source.rpartition('-')[2]}"
            ways = self._ways[known] = self._ways.get(known, 0) + 1
            if ways > 1:
                # From one source by several ways.
                known = f"{known}.{ways}"
            self._ids[label, way] = known
        return known

    def put(self, node: Node, way: Way) -> Way:
        """Have a node run, fed by the frames that arrive; return how they go on behind it."""
        self.plan.graph.add(node)
        return replace(way, stream=node.id)

    def see(self, node: Node, way: Way, who: Sees) -> Way:
        """Have a node run that tells what it sees."""
        behind = self.put(node, way)
        sight = self.plan.sights[node.id] = Sight(node.id, who, way)
        if way.setups:
            self.plan.setups.setdefault(way.source, []).append(sight)
        return behind

    def publish(self, node: Publish, way: Way, woken: tuple[HasDescriptor, ...]) -> None:
        """Have frames published as a ring, by the name that no other stream's frames are."""
        if self._rings.setdefault(node.ring, node.id) != node.id:
            self.plan.problems.append(
                f"{node.source} can't go into ring {node.ring!r}, too: one stream is in there already"
            )
            return
        self.put(node, way)
        if woken:
            self.plan.descriptors[node.id] = woken[-MOST_DESCRIPTORS:]

    def show(self, screen: str, way: Way) -> None:
        """Have frames go to an OpenGLThread."""
        slots = self.plan.routes.setdefault(screen, {})
        if slots.setdefault(way.slot, way.stream) != way.stream:
            self.plan.problems.append(
                f"two streams reach {screen} with slot {way.slot}; the first one, {slots[way.slot]}, is shown"
            )

    def decode(self, *, threads: int, cpu: int, corrects: bool) -> None:
        """Have the source decoded so; of several, as the most demanding one wants it."""
        self._threads = max(self._threads, threads)
        self._cpu = cpu if cpu >= 0 else self._cpu
        if corrects:
            self.correct()

    def correct(self) -> None:
        """Have the times of the source's frames corrected."""
        self._corrects = True

    def _walk(self, filter_: FrameFilter, way: Way, passed: tuple[str, ...]) -> None:
        if filter_.label in passed:
            self.plan.problems.append(f"{filter_!r} is fed by itself")
            return
        if (filter_.label, way) in self._seen:
            return
        self._seen.add((filter_.label, way))
        try:
            behind = filter_.pass_on(way, self)
        except (GraphError, TypeError, ValueError) as error:
            self.plan.problems.append(f"{filter_!r} can't run: {error}")
            return
        if behind is not None:
            for next_ in filter_.nexts():
                self._walk(next_, behind, (*passed, filter_.label))

    def _finish_source(self, connection: Connection, running: Node | None) -> None:
        wanted: dict[str, Any] = {}
        if self._threads > 1:
            wanted["decode_threads"] = self._threads
        if self._cpu >= 0:
            wanted["cpu"] = self._cpu
        if connection.raw_times and not self._corrects:
            wanted["clock"] = "camera"
        if isinstance(running, Source):
            # A stream is not opened anew because a decoder was connected to it.
            wanted = {name: getattr(running, name) for name in ("decode_threads", "cpu", "clock")}
        try:
            self.plan.graph.change(connection.id, **wanted)
        except (GraphError, TypeError, ValueError) as error:
            self.plan.problems.append(f"{connection.where}: {error}")
