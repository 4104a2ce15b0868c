"""What a program that does not read for a while is told once it reads again."""

import socket
import time
from collections.abc import Iterator

import msgspec
import pytest

from camgraph.base.loop import Loop
from camgraph.control.channel import MAX_MESSAGE_BYTES, channel_pair
from camgraph.control.messages import (
    Answer,
    EventKind,
    FromSupervisor,
    GraphChanged,
    MediaStatus,
    NodeEvent,
    Ping,
    Pong,
    StreamStatus,
    ToSupervisor,
)
from camgraph.graph.changes import GraphDiff
from camgraph.graph.nodes import RtspSource
from camgraph.graph.spec import GraphSpec
from camgraph.supervisor.program import Program


class Listening:
    """A program, and the other end of its connection."""

    def __init__(self) -> None:
        self.loop = Loop()
        self.heard: list[ToSupervisor] = []
        self.closed = 0
        theirs, self.sock = channel_pair()
        self.program = Program(
            self.loop,
            theirs,
            site="any",
            on_message=lambda program, message, descriptors: self.heard.append(message),
            on_closed=lambda program: self._note_closed(),
        )

    def fill(self) -> int:
        """Tell what must be told, until the program's socket takes no more; return how much that was."""
        for count in range(100_000):
            if self.program._channel.queued:
                return count
            self.program.tell(MediaStatus(name="media-1", pid=count, running=True, epoch=1))
        raise AssertionError("a socket has no end")

    def read_all(self) -> list[FromSupervisor]:
        decoder = msgspec.msgpack.Decoder(FromSupervisor)
        told: list[FromSupervisor] = []
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                told.append(decoder.decode(self.sock.recv(MAX_MESSAGE_BYTES)))
            except BlockingIOError:
                if not (self.program._channel.queued or self.program._statuses or self.program._graph):
                    return told
                self.loop.run_once(0.05)
        raise AssertionError("it is told on and on")

    def close(self) -> None:
        self.program.close()
        self.sock.close()
        self.loop.close()

    def _note_closed(self) -> None:
        self.closed += 1


@pytest.fixture
def listening() -> Iterator[Listening]:
    listening = Listening()
    yield listening
    listening.close()


def graph(port: int) -> GraphChanged:
    return GraphChanged(spec=GraphSpec(nodes=(RtspSource(id="door", url=f"rtsp://h:{port}/1"),)))


def test_of_streams_and_graph_the_last_is_told_and_of_the_rest_all(listening: Listening) -> None:
    filled = listening.fill()
    tell = listening.program.tell
    for number in range(1, 3001):
        for stream in ("door", "yard"):
            tell(StreamStatus(stream=stream, state="live", attempt=number))
        tell(graph(number))
        if number % 1000 == 0:
            tell(MediaStatus(name="media-2", pid=number, running=True, epoch=1))
    told = listening.read_all()
    assert [one for one in told if isinstance(one, GraphChanged)] == [graph(3000)]
    statuses = [one for one in told if isinstance(one, StreamStatus)]
    assert {(one.stream, one.attempt) for one in statuses} == {("door", 3000), ("yard", 3000)}
    media = [one.pid for one in told if isinstance(one, MediaStatus)]
    assert media == [*range(filled), 1000, 2000, 3000]
    # The graph comes first, so that no status is of a stream that is not known.
    assert told.index(graph(3000)) < min(map(told.index, statuses))


def test_events_of_frames_are_lost_and_of_movement_the_last_is_told(
    listening: Listening, caplog: pytest.LogCaptureFixture
) -> None:
    tell = listening.program.tell
    listening.program.listen(frozenset({"eye", "hall", "yard"}))
    seen = NodeEvent(node="eye", kind="seen", stream="door", capture_ns=0, data=bytes(1000))
    for _ in range(20_000):
        tell(seen)
    assert listening.program._channel.queued == 0
    taken = len(listening.read_all())
    assert 10 < taken < 20_000
    filled = listening.fill()
    for number in range(1, 10_001):
        for node in ("hall", "yard"):
            kind: EventKind = "movement_began" if number % 2 else "movement_ended"
            tell(NodeEvent(node=node, kind=kind, stream="door", capture_ns=number))
        tell(seen)
    told = listening.read_all()
    assert len([one for one in told if isinstance(one, MediaStatus)]) == filled
    events = [one for one in told if isinstance(one, NodeEvent)]
    assert {(one.node, one.kind, one.capture_ns) for one in events} == {
        ("hall", "movement_ended", 10_000),
        ("yard", "movement_ended", 10_000),
    }
    with caplog.at_level("DEBUG"):
        tell(seen)
    assert listening.read_all() == [seen]
    assert f"did not take {20_000 - taken + 10_000} events" in caplog.text


def test_events_of_nodes_that_it_does_not_listen_to_are_not_told(listening: Listening) -> None:
    program, events = listening.program, dict[str, tuple[NodeEvent, NodeEvent]]()
    for node in ("hall", "yard"):
        events[node] = (
            NodeEvent(node=node, kind="seen", stream="door", capture_ns=1),
            NodeEvent(node=node, kind="movement_began", stream="door", capture_ns=2),
        )

    def tell_both() -> None:
        for event in (*events["hall"], *events["yard"]):
            program.tell(event)

    tell_both()
    assert listening.read_all() == []
    program.listen(frozenset({"hall"}))
    tell_both()
    assert listening.read_all() == [*events["hall"]]
    # What waits is not told either, once nobody listens to it.
    listening.fill()
    tell_both()
    program.listen(frozenset({"yard"}))
    tell_both()
    told = [one for one in listening.read_all() if isinstance(one, NodeEvent)]
    assert told == [events["yard"][1]]


def test_the_answer_comes_after_the_graph_it_is_about(listening: Listening) -> None:
    listening.fill()
    listening.program.tell(graph(1))
    listening.program.tell(Answer(token=7, diff=GraphDiff(changed=("door",))))
    listening.program.tell(graph(2))
    told = listening.read_all()
    kinds = [type(one) for one in told if not isinstance(one, MediaStatus)]
    assert kinds == [GraphChanged, Answer, GraphChanged]
    assert told[-1] == graph(2)


def test_a_pong_comes_after_all_that_was_told_before(listening: Listening) -> None:
    listening.fill()
    listening.program.tell(StreamStatus(stream="door", state="live"))
    listening.program.tell(graph(1))
    listening.program.tell(Pong())
    kinds = [type(one) for one in listening.read_all() if not isinstance(one, MediaStatus)]
    assert kinds == [GraphChanged, StreamStatus, Pong]


def test_one_that_never_reads_again_costs_a_bounded_amount_and_nobody_waits(listening: Listening) -> None:
    listening.fill()
    for number in range(20_000):
        listening.program.tell(MediaStatus(name="media-1", pid=number, running=True, epoch=1))
    assert listening.program._channel.queued < 5000


def test_one_that_dies_before_it_has_read_all_just_ends(listening: Listening) -> None:
    listening.fill()
    # What waits is to be sent when the socket takes more, which it does, in a way, when nobody is there.
    listening.loop.run_once(0.0)
    listening.sock.close()
    listening.loop.run_once(5)
    listening.program.tell(graph(1))
    assert listening.closed == 1


def test_what_it_says_is_heard_and_its_end_is_told_once(listening: Listening) -> None:
    listening.sock.send(msgspec.msgpack.encode(Ping()))
    listening.sock.send(b"what nobody understands")
    listening.sock.shutdown(socket.SHUT_WR)
    for _ in range(3):
        listening.loop.run_once(0.1)
    assert listening.heard == [Ping()]
    assert listening.closed == 1
    listening.program.tell(graph(1))
