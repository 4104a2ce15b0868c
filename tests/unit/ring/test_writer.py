"""The writer: what it copies, which slots it takes, whom it tells, and that it waits for nobody."""

import os
import resource
import socket
from typing import TYPE_CHECKING

import numpy as np
import pytest

from camgraph.base.errors import BrokenError, ClosedError
from camgraph.ring.frame import Frame
from camgraph.ring.protocol import Hello, Refused, RingRequest, decode_answer
from camgraph.ring.writer import FrameMeta, RingWriter, planned_bytes

if TYPE_CHECKING:
    from tests.unit.ring.conftest import Site


def test_planes_may_be_strided_and_have_pixels_or_bytes(site: "Site") -> None:
    writer = site.writer("bgr24", 32, 16)
    reader = site.reader(writer)
    wide = np.random.default_rng(1).integers(0, 256, (20, 40, 3), dtype=np.uint8)
    for plane in (wide[2:18, 4:36], wide.reshape(20, 120)[2:18, 12:108], wide[2:18, 4:36].copy()):
        assert writer.publish([plane], FrameMeta())
        assert np.array_equal(reader.read(1).array, wide[2:18, 4:36])
    assert writer.publish([wide[16:0:-1, 4:36]], FrameMeta())
    assert np.array_equal(reader.read(1).array, wide[16:0:-1, 4:36])


@pytest.mark.parametrize(
    "planes",
    [
        [],
        [np.zeros((16, 96), np.uint8), np.zeros((16, 96), np.uint8)],
        [np.zeros((1, 96), np.uint8)],
        [np.zeros((16, 32), np.uint8)],
        [np.zeros((16, 32, 1), np.uint8)],
        [np.zeros((16, 96), np.int8)],
        [np.zeros(16 * 96, np.uint8)],
    ],
    ids=lambda planes: str([plane.shape for plane in planes]),
)
def test_planes_of_another_shape_are_refused_and_cost_nothing(site: "Site", planes: list[np.ndarray]) -> None:
    writer = site.writer("bgr24", 32, 16)
    reader = site.reader(writer)
    for _ in range(30):
        with pytest.raises(ValueError, match="plane"):
            writer.publish(planes, FrameMeta())
    assert writer.statistics().slots_touched == 1
    picture = site.picture(1, "bgr24")
    assert writer.publish(picture, FrameMeta())
    assert reader.read(1).array.tobytes() == picture[0].tobytes()


def test_without_readers_nothing_is_done(site: "Site") -> None:
    writer = site.writer()
    assert not site.publish(writer, 1)
    assert (writer.readers, writer.statistics().slots_touched) == (0, 0)


def test_a_slow_reader_delays_nobody(site: "Site") -> None:
    writer = site.writer()
    slow, quick = site.reader(writer), site.reader(writer)
    for number in range(1, 500):
        assert site.publish(writer, number)
        assert quick.read(1).pts == number
    assert writer.statistics().behind > 400
    assert slow.read(1).pts == 499


def test_slots_are_touched_only_when_they_are_needed(site: "Site") -> None:
    writer = site.writer(fps=10)
    reader = site.reader(writer, leases=5)
    site.publish(writer, 1)
    assert writer.statistics().slots_touched == 1
    held: list[Frame] = []
    for number in range(2, 50):
        site.publish(writer, number)
        if len(held) < 4:
            held.append(reader.read(1))
    # The leases, one that is being written, and 0.1 s of frames (two at least).
    assert writer.statistics().slots_touched <= 5 + 1 + 2


def test_memory_is_resident_only_as_touched(site: "Site") -> None:
    writer = site.writer("bgra", 1280, 720, fps=10)
    reader = site.reader(writer, leases=1)
    picture = [np.zeros((720, 1280 * 4), np.uint8)]
    for _ in range(20):
        writer.publish(picture, FrameMeta())
        reader.read(1).release()
    resident = sum(
        os.stat(f"/proc/self/fd/{name}").st_blocks * 512
        for name in os.listdir("/proc/self/fd")
        if "memfd:camgraph-door" in _link(name)
    )
    # The writer's descriptor and the reader's are two of the same memory.
    touched = writer.statistics().slots_touched
    assert touched <= 4
    assert resident <= 2 * (touched * 1280 * 720 * 4 + 300_000)


def test_no_more_is_touched_than_was_planned_whatever_is_held(site: "Site") -> None:
    writer = site.writer("bgr24", 320, 180, fps=10)
    held: list[Frame] = []
    planned = planned_bytes("bgr24", 320, 180, fps=10, leases=5)
    assert writer.planned_bytes(5) == planned
    reader = site.reader(writer, policy="every", leases=5)
    assert (writer.leases, writer.planned_bytes()) == (5, planned)
    assert writer.touched_bytes < 10_000
    for number in range(200):
        writer.publish(site.picture(number, "bgr24", 320, 180), FrameMeta())
        if len(held) < 5:
            held.append(reader.read(1))
    assert writer.statistics().slots_touched == 5 + 3
    assert writer.touched_bytes == planned
    writer.close()
    assert (writer.planned_bytes(), writer.touched_bytes) == (0, 0)


def test_a_reader_that_holds_more_than_its_leases_has_frames_dropped(site: "Site") -> None:
    writer = site.writer(fps=10)
    reader = site.reader(writer, policy="every", leases=8)
    # As a broken program would: the writer believes nobody.
    writer._links[0].leases, writer._budget = 2, writer._budget - 6
    planned = writer.planned_bytes()
    held = []
    for number in range(1, 6):
        assert site.publish(writer, number)
        held.append(reader.read(1))
    assert not site.publish(writer, 6)
    assert writer.statistics().no_slot == 1
    assert writer.touched_bytes <= planned


def test_what_those_who_have_left_still_hold_takes_nothing_from_the_others(site: "Site") -> None:
    writer = site.writer(fps=10)
    held, planned = [], []
    for number in range(5):
        reader = site.reader(writer, policy="every", leases=4)
        planned.append(writer.planned_bytes())
        for step in range(4):
            assert site.publish(writer, number * 4 + step)
            held.append(reader.read(1))
        reader.close()
        writer.remove_reader(writer.sockets()[0])
        assert writer.leases == 0
        assert writer.touched_bytes <= planned[-1]
    assert planned == sorted(set(planned))
    assert writer.statistics().no_slot == 0
    held.clear()
    # What has been touched stays, and serves for the next.
    assert writer.planned_bytes(4) <= planned[-1]
    assert not writer._kept


def test_the_next_geometry_is_planned_anew(site: "Site") -> None:
    writer = site.writer("gray8", 64, 64, fps=10)
    reader = site.reader(writer, policy="every", leases=4)
    writer.publish(site.picture(1, "gray8", 64, 64), FrameMeta())
    kept = reader.read(1)
    reader.close()
    writer.remove_reader(writer.sockets()[0])
    assert writer.planned_bytes() == planned_bytes("gray8", 64, 64, fps=10, leases=4)
    writer.reshape("gray8", 128, 64)
    assert writer.planned_bytes() == planned_bytes("gray8", 128, 64, fps=10, leases=writer.leases)
    assert kept.array.shape == (64, 64)


def _link(name: str) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{name}")
    except FileNotFoundError:
        return ""


def test_frames_stay_readable_for_the_grace_whatever_the_rate(site: "Site") -> None:
    writer = site.writer(fps=400)
    reader = site.reader(writer, policy="every", leases=64)
    site.publish(writer, *range(1, 41))
    frames = [reader.read(1) for _ in range(40)]
    assert [frame.pts for frame in frames] == list(range(1, 41))
    assert reader.statistics().late == 0


def test_after_the_grace_the_oldest_slot_is_taken_again(site: "Site") -> None:
    now_ns = 1_000_000_000
    writer = site.writer(fps=100, clock=lambda: now_ns)
    reader = site.reader(writer, policy="every", leases=64)
    site.publish(writer, 1, 2, 3)
    now_ns += 99_999_999
    site.publish(writer, 4)
    assert writer.statistics().slots_touched == 4
    now_ns += 1
    site.publish(writer, 5, 6, 7)
    assert writer.statistics().slots_touched == 4
    site.publish(writer, 8)
    assert writer.statistics().slots_touched == 5
    frames = [reader.read(1) for _ in range(5)]
    assert [(frame.pts, frame.publish_ns) for frame in frames] == [
        (4, now_ns - 1),
        *((number, now_ns) for number in (5, 6, 7, 8)),
    ]


def test_when_every_slot_is_held_the_frame_is_dropped_and_the_holder_named(site: "Site") -> None:
    writer = site.writer(fps=10, max_bytes=1)
    kept = site.reader(writer, policy="every", leases=8)
    held, number = [], 0
    for number in range(1, 9):
        site.publish(writer, number)
        held.append(kept.read(1))
    kept.close()
    site.publish(writer, 9)
    writer.remove_dead()
    reader = site.reader(writer, policy="every", leases=8)
    own = []
    for number in range(10, 13):
        assert site.publish(writer, number)
        own.append(reader.read(1))
    assert not site.publish(writer, 13)
    statistics = writer.statistics()
    assert (statistics.no_slot, statistics.published, statistics.slots_touched) == (1, 12, 11)
    assert statistics.holder == f"process {os.getpid()} (reader 1)"
    held.clear()
    assert site.publish(writer, 14)
    assert reader.read(1).pts == 14
    # The frame that nobody was told of is missing from the numbers.
    assert reader.statistics().behind == 1


def test_the_newest_frame_is_overwritten_only_when_there_is_nothing_else(site: "Site") -> None:
    writer = site.writer(fps=10, max_bytes=1)
    reader = site.reader(writer, policy="every", leases=8)
    held = []
    for number in range(1, 8):
        site.publish(writer, number)
        held.append(reader.read(1))
    kept, held = held, []
    reader.close()
    site.publish(writer, 8)
    reader = site.reader(writer, policy="every", leases=8)
    for number in range(9, 12):
        site.publish(writer, number)
        held.append(reader.read(1))
    # Of eleven slots ten are held. The last one holds the newest frame again and again.
    for number in range(12, 15):
        assert site.publish(writer, number)
    assert writer.statistics().slots_touched == 11
    assert [frame.pts for frame in (*kept, *held)] == [*range(1, 8), *range(9, 12)]
    assert reader.read(1).pts == 14
    assert reader.statistics().late == 2


def test_readers_whose_leases_have_no_room_are_refused_with_the_remedy(site: "Site") -> None:
    writer = site.writer(max_bytes=1)
    assert site.reader(writer, leases=8) is not None
    second = site.reader(leases=1)
    assert site.serve(writer) == [False]
    with pytest.raises(BrokenError, match="ask for fewer leases, or close other readers"):
        second.read(1)
    assert writer.readers == 1


def test_a_256th_reader_is_refused(site: "Site") -> None:
    writer = site.writer("gray8", 2, 2)
    for _ in range(255):
        site.reader(writer, leases=1)
    assert writer.readers == 255
    last = site.reader(leases=1)
    assert site.serve(writer) == [False]
    with pytest.raises(BrokenError, match="255 readers"):
        last.read(1)


def test_ids_of_readers_are_not_reused_at_once(site: "Site") -> None:
    writer = site.writer()
    ids = set()
    for number in range(20):
        reader = site.reader(writer)
        site.publish(writer, number)
        reader.read(1)
        ring = reader._intake._ring
        assert ring is not None
        ids.add(ring.reader_id)
        reader.close()
        site.publish(writer, number)
        writer.remove_dead()
    assert len(ids) == 20


def test_a_reader_that_is_gone_is_noticed_and_its_socket_closed_by_its_watcher(site: "Site") -> None:
    writer = site.writer()
    gone, stays = site.reader(writer), site.reader(writer)
    sock = writer.sockets()[0]
    gone.close()
    assert site.publish(writer, 1)
    assert writer.readers == 1
    assert sock.fileno() >= 0
    assert len(writer.sockets()) == 2
    writer.remove_reader(sock)
    assert sock.fileno() == -1
    writer.remove_reader(sock)
    assert stays.read(1).pts == 1


def test_a_reader_can_be_removed_before_publishing_notices(site: "Site") -> None:
    writer = site.writer()
    reader = site.reader(writer)
    writer.remove_reader(writer.sockets()[0])
    assert writer.readers == 0
    assert reader.read_nowait() is None
    assert site.connected == 2


def test_a_ring_that_cant_be_sent_now_is_sent_later(site: "Site") -> None:
    writer = site.writer()
    reader = site.reader()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
    try:
        assert site.serve(writer) == [True]
        assert site.publish(writer, 1)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert reader.read_nowait() is None
    assert writer.statistics().behind == 1
    site.publish(writer, 2)
    assert reader.read(1).pts == 2
    assert reader.statistics().behind == 0


def test_dead_readers_give_their_slots_back(site: "Site") -> None:
    writer = site.writer(fps=10)
    for number in range(1, 40):
        reader = site.reader(writer, leases=8)
        site.publish(writer, number)
        reader.read(1)
        reader.close()
        site.publish(writer, number)
        writer.remove_dead()
    assert writer.statistics().slots_touched <= 1 + 2 + 8


def test_a_ring_is_closed_once(site: "Site") -> None:
    writer = site.writer()
    site.reader(writer)
    writer.close()
    writer.close()
    for use in (lambda: site.publish(writer, 1), lambda: writer.reshape("gray8", 8, 8)):
        with pytest.raises(ClosedError, match="door"):
            use()


def test_a_closed_ring_sends_readers_back_to_the_site(site: "Site") -> None:
    writer = site.writer()
    writer.close()
    reader = site.reader()
    assert site.serve(writer) == [False]
    assert reader.read_nowait() is None
    assert site.connected == 2


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (-1, 5)])
def test_a_picture_without_pixels_makes_no_ring(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="no pixels"):
        RingWriter("door", "gray8", *size, epoch=1)


def test_the_refusal_comes_as_a_datagram_and_then_the_end(site: "Site") -> None:
    writer = site.writer(max_bytes=1)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours:
        assert not writer.add_reader(theirs, Hello(RingRequest("door"), leases=64))
        assert isinstance(decode_answer(ours.recv(2048)), Refused)
        assert ours.recv(2048) == b""
    assert theirs.fileno() == -1
