"""Decoding on demand: packets encoded here, and a switch for the demand."""

import pytest
from tests.unit.media.encoded import INFO, encode, number_of

from camgraph.base.errors import ClosedError
from camgraph.media import demand as module
from camgraph.media.decode import Picture, VideoDecoder
from camgraph.media.demand import Counts, OnDemand
from camgraph.media.source import Packet


class Viewer:
    """Somebody who wants pictures, or does not."""

    def __init__(self) -> None:
        self.wants = False
        self.cancelled = False
        self.counts = Counts()
        self.decoder = VideoDecoder(INFO)
        self.demand = OnDemand(self.decoder, lambda: self.wants, self.counts, self._check)

    def _check(self) -> None:
        if self.cancelled:
            raise ClosedError("cancelled")

    def feed(self, packets: list[Packet]) -> list[int]:
        """Return the numbers of the pictures that came."""
        found = []
        for packet in packets:
            pictures: list[Picture] = self.demand.pictures(packet)
            found += [number_of(picture) for picture in pictures]
            self.check()
        return found

    def check(self) -> None:
        counts = self.counts
        assert counts.received == counts.decoded + counts.dropped + counts.unread + self.decoder.held


def test_all_is_decoded_while_somebody_wants_it() -> None:
    viewer = Viewer()
    viewer.wants = True
    assert viewer.feed(encode()) == list(range(30))
    assert (viewer.counts.decoded, viewer.counts.unread) == (30, 0)


def test_without_demand_only_the_first_picture_is_decoded() -> None:
    viewer = Viewer()
    assert viewer.feed(encode()[3:]) == [10]
    assert (viewer.counts.decoded, viewer.counts.dropped, viewer.counts.unread) == (1, 7, 19)


@pytest.mark.parametrize("begin", [1, 5, 9, 10, 11, 15, 19, 20, 29])
def test_whoever_comes_gets_the_newest_picture_at_once_then_all(begin: int) -> None:
    viewer, packets = Viewer(), encode()
    assert viewer.feed(packets[:begin]) == [0]
    viewer.wants = True
    assert viewer.feed(packets[begin:]) == list(range(begin, 30))
    # Of the pictures before, only those that it takes were decoded: those since the last key frame.
    assert viewer.counts.unread == max(0, begin // 10 * 10 - 1)
    assert viewer.counts.decoded == 30 - viewer.counts.unread


@pytest.mark.parametrize(("end", "begin"), [(5, 8), (5, 12), (5, 25), (9, 10), (1, 29), (15, 16)])
def test_viewers_come_and_go(end: int, begin: int) -> None:
    viewer, packets = Viewer(), encode()
    viewer.wants = True
    assert viewer.feed(packets[:end]) == list(range(end))
    viewer.wants = False
    assert viewer.feed(packets[end:begin]) == []
    assert viewer.counts.decoded == end
    viewer.wants = True
    assert viewer.feed(packets[begin:]) == list(range(begin, 30))


def test_pictures_that_come_reordered_are_counted_too() -> None:
    viewer, packets = Viewer(), encode(60, bframes=2)
    for index in range(0, 60, 6):
        viewer.wants = index // 6 % 2 == 0
        viewer.feed(packets[index : index + 6])
    assert viewer.counts.unread > 0
    viewer.demand.end()
    counts = viewer.counts
    assert counts.received == counts.decoded + counts.dropped + counts.unread


@pytest.mark.parametrize(("limit", "value"), [("MOST_KEPT", 4), ("MOST_KEPT_BYTES", 700)])
def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch, limit: str, value: int) -> None:
    monkeypatch.setattr(module, limit, value)
    viewer, packets = Viewer(), encode()
    assert viewer.feed(packets[:18]) == [0]
    viewer.wants = True
    assert viewer.feed(packets[18:]) == list(range(20, 30))
    assert viewer.counts.decoded == 11


def test_damage_among_what_was_kept_costs_what_rests_on_it() -> None:
    viewer, packets = Viewer(), encode()
    packets[13] = packets[13]._replace(data=b"\0\0\0\1\x41" + b"\xff" * 40)
    assert viewer.feed(packets[:16]) == [0]
    viewer.wants = True
    # The newest whole picture there is.
    assert viewer.feed(packets[16:]) == [12, *range(20, 30)]
    assert viewer.counts.dropped == 7


def test_old_damage_is_forgotten_while_nobody_looks() -> None:
    viewer, packets = Viewer(), encode()
    viewer.wants = True
    nonsense = packets[3]._replace(data=b"\0\0\0\1\x41" + b"\xff" * 40)
    assert viewer.feed([*packets[:3], nonsense]) == [0, 1, 2]
    viewer.wants = False
    late = [packet._replace(arrival_ns=packet.arrival_ns + 60_000_000_000) for packet in packets[4:]]
    assert viewer.feed(late[:8]) == []
    viewer.wants = True
    assert viewer.feed(late[8:]) == list(range(12, 30))


def test_catching_up_can_be_cancelled() -> None:
    viewer, packets = Viewer(), encode()
    viewer.feed(packets[:9])
    viewer.wants = viewer.cancelled = True
    with pytest.raises(ClosedError):
        viewer.demand.pictures(packets[9])
    viewer.demand.end()
    viewer.check()


def test_counts_add_up() -> None:
    total = Counts(1, 1, 0, 0, 5)
    total.add(Counts(10, 5, 3, 2, 7))
    assert total == Counts(11, 6, 3, 2, 12)
