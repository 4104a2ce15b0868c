"""Rings of a site that others read by name, what is attached to them, and what nodes tell."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from uuid import uuid4

import msgspec
import pytest
from tests.faults.family import family_of

import camgraph as cg
from camgraph.base.descriptors import connect_site
from camgraph.control.channel import GREETING, MAX_MESSAGE_BYTES
from camgraph.control.messages import FromSupervisor, GraphChanged, Listen
from camgraph.errors import ClosedError, GraphError
from camgraph.testing.waiting import wait_until

READS = """
import sys, camgraph as cg
with cg.read(sys.argv[1]) as reader:
    for _ in range(3):
        print(reader.read(20).array.shape, flush=True)
"""
OBSERVES = """
import sys, threading, camgraph as cg
heard = threading.Event()
with cg.attach(sys.argv[1]) as site:
    site.observe("pictures", lambda event: heard.set())
    assert heard.wait(20)
"""


@pytest.fixture
def ring() -> str:
    return f"/a ring {uuid4().hex[:8]}"


@pytest.fixture
def graph(ring: str) -> cg.Graph:
    graph = cg.Graph()
    door = graph.test_picture("door", size=(320, 180))
    graph.publish("shown", door, ring=ring, size=(160, 90))
    return graph


@pytest.fixture
def bell() -> Iterator[int]:
    bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
    yield bell
    os.close(bell)


def rings(bell: int, within_s: float = 15.0) -> bool:
    """Tell whether the bell rings from now on; what it rang before does not count."""
    with suppress(BlockingIOError):
        os.eventfd_read(bell)
    return bool(select.select([bell], [], [], within_s)[0])


def newer(reader: cg.Reader, epoch: int) -> int:
    """Read up to a frame of a later epoch, and return that."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        frame = reader.read(20)
        if frame.epoch > epoch:
            assert frame.array.shape == (90, 160, 3)
            return frame.epoch
    raise AssertionError("the writer is the old one")


def test_readers_and_bells_outlive_whatever_process_dies(graph: cg.Graph, ring: str, bell: int) -> None:
    with cg.read(ring) as reader:
        assert reader.read_nowait() is None
        with graph.start() as site:
            site.attach("shown", bell)
            epoch = newer(reader, 0)
            assert rings(bell)
            subprocess.run([sys.executable, "-c", READS, ring], timeout=30, check=True)
            (media,) = family_of(os.getpid()).media
            os.kill(media.pid, signal.SIGKILL)
            epoch = newer(reader, epoch)
            assert rings(bell)
            os.kill(site.supervisor_pid, signal.SIGKILL)
            newer(reader, epoch)
            assert rings(bell)


def test_without_the_node_there_is_neither_ring_nor_bell(graph: cg.Graph, ring: str, bell: int) -> None:
    with graph.start() as site, cg.read(ring) as reader:
        site.attach("shown", bell)
        newer(reader, 0)
        graph.remove("shown")
        site.apply(graph)
        wait_until(lambda: not rings(bell, 0.2))
        while reader.read_nowait() is not None:
            pass
        with pytest.raises(TimeoutError):
            reader.read(0.5)
        graph.publish("again", "door", ring=ring, size=(160, 90))
        site.apply(graph)
        newer(reader, 0)
        # Nobody has attached anything to this one.
        assert not rings(bell, 0.2)


def test_a_ring_that_becomes_another_is_read_on_as_that(graph: cg.Graph, ring: str) -> None:
    with graph.start() as site, cg.read(ring) as reader, site.read(cg.Stream("shown").frames()) as beside:
        epoch = reader.read(20).epoch
        before = beside.read(20).seq
        graph.remove("shown")
        graph.publish("shown", "door", ring=ring, size=(80, 46), format="gray8")
        site.apply(graph)
        wait_until(lambda: reader.read(20).array.shape == (46, 80))
        assert reader.read(20).epoch == epoch
        # Who asked for something else did not notice.
        assert beside.read(20).seq > before
        assert beside.statistics().reconnects == 0


def test_bells_are_replaced_and_taken_away(graph: cg.Graph, bell: int) -> None:
    other = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
    with graph.start() as site:
        site.attach("shown", bell)
        site.attach("shown", other, bell)
        assert rings(other)
        assert rings(bell)
        site.attach("shown", other)
        wait_until(lambda: not rings(bell, 0.2))
        assert rings(other)
        site.attach("shown")
        wait_until(lambda: not rings(other, 0.2))
        with pytest.raises(GraphError, match="no publish is named 'door'"):
            site.attach("door", bell)
        with pytest.raises(OSError, match="Bad file"):
            site.attach("shown", 99_999)
        with pytest.raises(ValueError, match="8"):
            site.attach("shown", *[bell] * 9)
    os.close(other)
    with pytest.raises(ClosedError):
        site.attach("shown", bell)


def test_bells_of_a_program_that_has_joined_ring_until_it_leaves(graph: cg.Graph, bell: int) -> None:
    with graph.start(name=f"bells-{uuid4().hex[:8]}") as site:
        with cg.attach(site.name) as joined:
            joined.attach("shown", bell)
            assert rings(bell)
            supervisor = site.supervisor_pid
            os.kill(supervisor, signal.SIGKILL)
            wait_until(lambda: site.supervisor_pid != supervisor)
            assert rings(bell)
        wait_until(lambda: not rings(bell, 0.2))


def test_a_forked_child_holds_no_copies(graph: cg.Graph) -> None:
    read_end, write_end = os.pipe()
    with graph.start() as site:
        site.attach("shown", write_end)
        assert select.select([read_end], [], [], 15)[0]
        child = os.fork()
        if not child:
            name = os.readlink(f"/proc/self/fd/{write_end}")
            os.close(write_end)
            held = 0
            for number in os.listdir("/proc/self/fd"):
                with suppress(OSError):
                    held += os.readlink(f"/proc/self/fd/{number}") == name
            os._exit(held - 1)  # The end to read from has the same name.
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    os.close(read_end)
    os.close(write_end)


def test_what_nodes_see_is_told_whatever_process_dies(caplog: pytest.LogCaptureFixture) -> None:
    graph = cg.Graph()
    door = graph.test_picture("door", size=(320, 180))
    graph.observe("packets", door, of="packets", data_bytes=16)
    graph.observe("pictures", door, of="pictures", every_ms=200)
    told: dict[str, list[cg.NodeEvent]] = {"packets": [], "pictures": [], "first": []}

    def more(*names: str) -> None:
        counts = {name: len(told[name]) for name in names}
        wait_until(lambda: all(len(told[name]) > count + 1 for name, count in counts.items()), 20)

    def fail(event: cg.NodeEvent) -> None:
        raise ArithmeticError("this event is too much")

    with graph.start(name=f"told-{uuid4().hex[:8]}") as site:
        forget_failing = site.observe("packets", fail)
        for name in ("packets", "pictures"):
            site.observe(name, told[name].append)
        forget = site.observe("packets", told["first"].append)
        more("packets", "pictures", "first")
        assert "this event is too much" in caplog.text
        forget_failing()
        forget()
        forget()
        heard = len(told["first"])
        packet, picture = told["packets"][0], told["pictures"][0]
        assert (packet.kind, packet.stream, len(packet.data)) == ("seen", "door", 16)
        assert (picture.width, picture.height, picture.data) == (320, 180, b"")
        subprocess.run([sys.executable, "-c", OBSERVES, site.name], timeout=30, check=True)
        (media,) = family_of(os.getpid()).media
        os.kill(media.pid, signal.SIGKILL)
        wait_until(lambda: media.pid not in {one.pid for one in family_of(os.getpid()).media})
        more("packets", "pictures")
        supervisor = site.supervisor_pid
        os.kill(supervisor, signal.SIGKILL)
        wait_until(lambda: site.supervisor_pid != supervisor)
        more("packets", "pictures")
        assert len(told["first"]) == heard


def test_a_program_is_told_what_it_observes_and_nothing_else() -> None:
    graph, names = cg.Graph(), ("seen", "other")
    with graph.start(name=f"listens-{uuid4().hex[:8]}") as site, connect_site(site.name) as sock:
        sock.send(GREETING)
        told: dict[str, list[cg.NodeEvent]] = {name: [] for name in names}
        # Before there are such nodes.
        for name in names:
            site.observe(name, told[name].append)

        def come() -> list[FromSupervisor]:
            """Return what the second program is told, while the first is told of both nodes."""
            counts = {name: len(told[name]) for name in names}
            wait_until(lambda: all(len(told[name]) > counts[name] + 5 for name in names), 20)
            messages = []
            with suppress(BlockingIOError):
                while True:
                    messages.append(msgspec.msgpack.decode(sock.recv(MAX_MESSAGE_BYTES), type=FromSupervisor))
            return messages

        door = graph.test_picture("door", size=(320, 180))
        for name in names:
            graph.observe(name, door, of="packets")
        site.apply(graph)
        first = come()
        assert any(isinstance(one, GraphChanged) for one in first)
        assert not any(isinstance(one, cg.NodeEvent) for one in first)
        assert told["seen"][0].count == told["other"][0].count == 1
        sock.send(msgspec.msgpack.encode(Listen(nodes=frozenset({"other"}))))
        come()
        heard = [one.node for one in come() if isinstance(one, cg.NodeEvent)]
        assert set(heard) == {"other"}
        sock.send(msgspec.msgpack.encode(Listen(nodes=frozenset())))
        come()
        assert not any(isinstance(one, cg.NodeEvent) for one in come())


def test_a_callback_that_takes_its_time_loses_events_and_nothing_else() -> None:
    graph = cg.Graph()
    door = graph.test_picture("door", size=(320, 180), fps=200.0)
    graph.observe("seen", door, of="packets", data_bytes=1024)
    counts: list[int] = []

    def slow(event: cg.NodeEvent) -> None:
        counts.append(event.count)
        if len(counts) < 3:
            time.sleep(0.5)

    with graph.start() as site, site.read(door.frames()) as reader:
        before = reader.read(15).epoch
        site.observe("seen", slow)
        wait_until(lambda: len(counts) > 20)
        assert counts == sorted(set(counts))
        # Nobody was taken for dead, and all that must be told was.
        assert reader.read(5).epoch == before
        assert site.statistics().streams["door"].received > 100


def test_one_ring_is_published_once(graph: cg.Graph, ring: str) -> None:
    with pytest.raises(GraphError, match="'shown' and 'too'"):
        graph.publish("too", "door", ring=ring)
