"""Readers that wait for an item to begin with."""

from typing import TYPE_CHECKING

from camgraph.ring.protocol import Hello
from camgraph.ring.writer import FrameMeta

if TYPE_CHECKING:
    from tests.unit.ring.conftest import Site

META = FrameMeta()


def test_who_waits_gets_the_ring_with_an_item_that_begins_and_has_lost_nothing(site: "Site") -> None:
    writer = site.writer("nal", 100, 1)
    reader = site.reader(policy="every")
    sock = site.waiting.popleft()
    assert writer.add_reader(sock, Hello.decode(sock.recv(4096)), waits=True)
    assert (writer.readers, writer.waiting) == (1, True)
    assert not writer.publish_bytes(b"before", META)
    assert reader.read_nowait() is None
    writer.reshape("nal", 200, 1)
    assert writer.publish_bytes(b"begins", META, begins=True)
    assert not writer.waiting
    assert writer.publish_bytes(b"goes on", META)
    assert [bytes(reader.read(5).memory) for _ in range(2)] == [b"begins", b"goes on"]
    counts = reader.statistics()
    assert (counts.received, counts.late, counts.behind, counts.generation) == (2, 0, 0, 2)


def test_others_are_served_meanwhile(site: "Site") -> None:
    writer = site.writer("nal", 100, 1)
    early = site.reader(writer, policy="every")
    late = site.reader(policy="every")
    sock = site.waiting.popleft()
    writer.add_reader(sock, Hello.decode(sock.recv(4096)), waits=True)
    for data, begins in ((b"1", False), (b"2", True), (b"3", False)):
        writer.publish_bytes(data, META, begins=begins)
    assert [bytes(early.read(5).memory) for _ in range(3)] == [b"1", b"2", b"3"]
    assert [bytes(late.read(5).memory) for _ in range(2)] == [b"2", b"3"]
    assert late.statistics().behind == 0


def test_who_leaves_while_it_waits_leaves_nothing(site: "Site") -> None:
    writer = site.writer("nal", 100, 1)
    reader = site.reader(policy="every")
    sock = site.waiting.popleft()
    leases = writer.planned_bytes()
    writer.add_reader(sock, Hello.decode(sock.recv(4096)), waits=True)
    reader.close()
    writer.remove_reader(sock)
    assert (writer.readers, writer.waiting, writer.planned_bytes()) == (0, False, leases)
    assert not writer.publish_bytes(b"begins", META, begins=True)
