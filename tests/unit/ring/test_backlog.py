"""A writer that keeps its newest frames, for readers that come later; pictures smaller than the ring's."""

from typing import TYPE_CHECKING

import numpy as np
import pytest

from camgraph.ring.writer import FrameMeta

if TYPE_CHECKING:
    from tests.unit.ring.conftest import Site


def test_a_reader_that_comes_later_gets_the_newest_in_order(site: "Site") -> None:
    writer = site.writer(keep=5)
    site.publish(writer, *range(1, 30))
    reader = site.reader(writer, policy="every", leases=20)
    frames = [reader.read(timeout=5) for _ in range(5)]
    assert [frame.seq for frame in frames] == [25, 26, 27, 28, 29]
    for frame in frames:
        assert np.array_equal(frame.array, site.picture(frame.pts or 0)[0])
    assert reader.read_nowait() is None
    site.publish(writer, 30)
    assert reader.read(timeout=5).seq == 30
    counts = reader.statistics()
    assert (counts.received, counts.behind, counts.late) == (6, 0, 0)


def test_latest_is_the_newest_of_them(site: "Site") -> None:
    writer = site.writer(keep=5)
    site.publish(writer, *range(1, 8))
    reader = site.reader(writer)
    assert reader.read(timeout=5).seq == 7
    assert reader.statistics().skipped == 4


def test_each_reader_gets_them_whatever_the_others_hold(site: "Site") -> None:
    writer = site.writer(keep=4)
    site.publish(writer, 1, 2)
    first = site.reader(writer, policy="every", leases=6)
    held = [first.read(timeout=5) for _ in range(2)]
    site.publish(writer, *range(3, 40))
    second = site.reader(writer, policy="every", leases=6)
    assert [second.read(timeout=5).seq for _ in range(4)] == [36, 37, 38, 39]
    assert [frame.seq for frame in held] == [1, 2]
    assert np.array_equal(held[0].array, site.picture(1)[0])


def test_many_are_announced_at_once(site: "Site") -> None:
    writer = site.writer(keep=200)
    site.publish(writer, *range(1, 251))
    reader = site.reader(writer, policy="every")
    assert [reader.read(timeout=5).seq for _ in range(200)] == list(range(51, 251))


def test_without_keeping_nothing_is_written_that_nobody_reads(site: "Site") -> None:
    writer = site.writer()
    assert not site.publish(writer, 1)
    assert writer.statistics().slots_touched == 0


def test_what_is_kept_was_planned(site: "Site") -> None:
    writer = site.writer(width=256, height=256, keep=7)
    planned = writer.planned_bytes()
    for number in range(30):
        writer.publish(site.picture(number, "gray8", 256, 256), FrameMeta())
    assert 7 * 256 * 256 < writer.touched_bytes <= planned


def test_smaller_pictures_have_their_own_size(site: "Site") -> None:
    writer = site.writer("rgb24", 64, 48, keep=8)
    sizes = [(64, 48), (20, 10), (96, 32), (64, 48), (1, 1)]
    for number, size in enumerate(sizes):
        picture = site.picture(number, "rgb24", *size)
        assert writer.publish(picture, FrameMeta(pts=number), size)
    with pytest.raises(ValueError, match="65x48 px have no place"):
        writer.publish(site.picture(9, "rgb24", 65, 48), FrameMeta(), (65, 48))
    reader = site.reader(writer, policy="every", leases=8)
    for number, (width, height) in enumerate(sizes):
        frame = reader.read(timeout=5)
        assert (frame.width, frame.height, len(frame.memory)) == (width, height, 3 * width * height)
        expected = site.picture(number, "rgb24", width, height)[0].reshape(height, width, 3)
        assert np.array_equal(frame.array, expected)


@pytest.mark.parametrize(("patient", "first"), [(True, 5), (False, 15)])
def test_frames_wait_for_slow_readers_if_the_writer_is_patient(
    site: "Site", patient: bool, first: int
) -> None:
    now_ns = 0
    writer = site.writer(patient=patient, clock=lambda: now_ns)
    reader = site.reader(writer, policy="every", leases=20)
    for number in range(1, 16):
        now_ns += 1_000_000_000
        site.publish(writer, number)
    assert [reader.read(timeout=5).seq for _ in range(first, 16)] == list(range(first, 16))
    assert reader.read_nowait() is None
    assert writer.statistics().slots_touched == 16 - first
