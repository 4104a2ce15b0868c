"""The doors of published rings, with real sockets."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from uuid import uuid4

import pytest

from camgraph.base.descriptors import ring_address, site_address
from camgraph.base.loop import Loop
from camgraph.control.channel import GREETING
from camgraph.graph.nodes import Publish, SyntheticSource
from camgraph.graph.spec import GraphSpec
from camgraph.ring.protocol import Hello, Refused, RingRequest, decode_answer
from camgraph.supervisor.broker import Broker
from camgraph.supervisor.doors import RingDoors

HELLO = Hello(RingRequest("whatever", "gray8", 10, 10, 5.0), leases=7).encode()


class Site:
    """Doors whose readers are handed to `taken` while `serving`."""

    def __init__(self) -> None:
        self.loop = Loop()
        self.serving = True
        self.taken: list[tuple[str, Hello]] = []
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(site_address(f"doors-{uuid4().hex[:8]}"))
        self._listener.listen(1)
        self.broker = Broker(
            self.loop,
            self._listener,
            knows=lambda stream: True,
            was_removed=lambda stream: False,
            hand_over=self._take,
            join=lambda sock: sock.close(),
        )
        self.doors = RingDoors(self.loop, self.broker)

    def _take(self, stream: str, data: bytes, sock: socket.socket) -> bool:
        if self.serving:
            self.taken.append((stream, Hello.decode(data)))
        return self.serving

    def run_until(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + 10
        while not condition():
            assert time.monotonic() < deadline
            self.loop.run_once(0.1)

    def close(self) -> None:
        self.doors.close()
        self.broker.close()
        self._listener.close()
        self.loop.close()


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


@pytest.fixture
def ring() -> str:
    return f"/any name/of {uuid4().hex[:8]}, however long it may be: {'ü' * 100}"


def graph(**rings: str) -> GraphSpec:
    nodes = [
        Publish(id=name, source="door", ring=ring, format="rgb24", size=(320, 180))
        for name, ring in rings.items()
    ]
    return GraphSpec(nodes=(SyntheticSource(id="door"), *nodes))


def connect(ring: str) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        sock.connect(ring_address(ring))
    except OSError:
        sock.close()
        raise
    sock.setblocking(False)
    return sock


def listens(ring: str) -> bool:
    with suppress(ConnectionRefusedError):
        connect(ring).close()
        return True
    return False


def ended(sock: socket.socket) -> bool:
    with suppress(BlockingIOError):
        return sock.recv(2048) == b""
    return False


def test_who_asks_for_a_ring_gets_what_its_node_says(site: Site, ring: str) -> None:
    site.doors.follow(graph(shown=ring))
    with connect(ring) as reader:
        reader.send(HELLO)
        site.run_until(lambda: site.taken)
    assert site.taken == [("shown", Hello(RingRequest("shown", "rgb24", 320, 180), leases=7))]


def test_who_waits_gets_the_node_that_has_the_ring_by_then(site: Site, ring: str) -> None:
    site.serving = False
    site.doors.follow(graph(shown=ring))
    with connect(ring) as reader:
        reader.send(HELLO)
        site.run_until(lambda: any(waiting.hello for waiting in site.broker._waiting.values()))
        site.doors.follow(graph(later=ring))
        site.serving = True
        site.broker.serve()
        assert [stream for stream, _ in site.taken] == ["later"]


def test_without_the_node_nobody_is_let_in_and_who_waits_is_sent_away(site: Site, ring: str) -> None:
    site.serving = False
    site.doors.follow(graph(shown=ring))
    with connect(ring) as reader:
        reader.send(HELLO)
        site.run_until(lambda: any(waiting.hello for waiting in site.broker._waiting.values()))
        site.doors.follow(graph())
        assert ended(reader)
    assert not listens(ring)


def test_a_program_does_not_join_the_site_there(site: Site, ring: str) -> None:
    site.doors.follow(graph(shown=ring))
    with connect(ring) as program:
        program.send(GREETING)
        answers: list[bytes] = []

        def answered() -> bool:
            with suppress(BlockingIOError):
                answers.append(program.recv(2048))
            return bool(answers)

        site.run_until(answered)
    assert isinstance(decode_answer(answers[0]), Refused)


def test_a_name_that_somebody_else_has_is_waited_for(
    site: Site, ring: str, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as other:
        other.bind(ring_address(ring))
        site.doors.follow(graph(shown=ring))
        site.doors.follow(graph(shown=ring))
        assert caplog.text.count("'shown'") == 1
        assert not listens(ring)
    site.run_until(lambda: listens(ring))
    assert caplog.text.count("'shown'") == 1
