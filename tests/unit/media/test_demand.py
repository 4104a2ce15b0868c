"""Decoding on demand: packets encoded here, and a switch for the demand."""

import itertools

import pytest
from tests.unit.media.encoded import INFO, encode, number_of

from camgraph.base.errors import ClosedError
from camgraph.graph.nodes import SyntheticSource
from camgraph.media import demand as module
from camgraph.media.decode import Drops, Picture, VideoDecoder
from camgraph.media.demand import Counts, OnDemand
from camgraph.media.source import Packet


class Viewer:
    """Somebody who wants pictures, or does not."""

    def __init__(self) -> None:
        self.wants = False
        self.cancelled = False
        self.counts = Counts()
        self.policy: SyntheticSource = SyntheticSource(id="x")
        self.decoder = VideoDecoder(INFO, self.counts.drops)
        self.demand = OnDemand(
            self.decoder, lambda: self.wants, lambda: self.policy, self.counts, self._check
        )

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
    total = Counts(1, 1, 0, 1, 5, Drops(1, 2, 3, 4))
    total.add(Counts(10, 5, 2, 3, 7, Drops(10, 20, 30, 40)))
    assert total == Counts(11, 6, 2, 4, 12, Drops(11, 22, 33, 44))
    assert total.dropped == sum(total.drops.by_cause().values()) == 110


def test_what_the_source_dropped_counts_as_received_and_dropped() -> None:
    counts = Counts(received=5, decoded=5)
    counts.note_behind(3)
    counts.note_behind(4)
    assert (counts.received, counts.dropped, counts.drops.behind) == (9, 4, 4)


def with_policy(**options: object) -> Viewer:
    viewer = Viewer()
    viewer.wants = True
    viewer.policy = SyntheticSource(id="x", **options)  # type: ignore[arg-type]
    return viewer


@pytest.mark.parametrize("bframes", [0, 2])
def test_key_frames_only_come_at_once(bframes: int) -> None:
    viewer, packets = with_policy(decode="keyframes"), encode(60, bframes=bframes)
    for packet in packets:
        assert viewer.feed([packet]) == (
            [packet.pts // 3600] if packet.keyframe and packet.pts is not None else []
        )
    assert (viewer.counts.decoded, viewer.counts.unread, viewer.counts.dropped) == (6, 54, 0)


@pytest.mark.parametrize("bframes", [0, 2])
def test_between_all_and_key_frames_nothing_is_lost_or_shown_twice(bframes: int) -> None:
    viewer, packets = with_policy(), encode(90, bframes=bframes)
    found = viewer.feed(packets[:25])
    viewer.policy = SyntheticSource(id="x", decode="keyframes")
    found += viewer.feed(packets[25:57])
    viewer.policy = SyntheticSource(id="x")
    found += viewer.feed(packets[57:])
    assert found == sorted(set(found))
    assert {*range(22), 30, 40, 50, *range(60, 86)} <= set(found)
    if not bframes:
        assert found == [*range(25), 30, 40, 50, *range(57, 90)]


def test_a_key_frame_shown_alone_is_not_shown_again() -> None:
    viewer, packets = with_policy(decode="keyframes"), encode(30, bframes=2)
    assert viewer.feed(packets[:5]) == [0]
    at = next(index for index, packet in enumerate(packets) if index and packet.keyframe)
    viewer.feed(packets[5 : at + 1])
    viewer.policy = SyntheticSource(id="x")
    assert 10 not in viewer.feed(packets[at + 1 :])


def test_going_over_to_key_frames_gives_no_more_than_the_rate() -> None:
    viewer, shown = with_policy(decode_fps=2.5), []
    for packet in encode(60, bframes=2):
        found = viewer.feed([packet])
        assert len(found) <= 1
        shown += found
    assert all(later - earlier >= 10 for earlier, later in itertools.pairwise(shown))
    assert len(shown) >= 5


def test_of_a_rate_that_key_frames_give_only_they_are_decoded() -> None:
    # A key frame each 0.4 s: 2.5 a second.
    viewer, packets = with_policy(decode_fps=2.5), encode(120)
    assert len(viewer.feed(packets[:30])) >= 2
    assert viewer.feed(packets[30:]) == list(range(30, 120, 10))
    assert viewer.counts.decoded <= 21
    viewer.policy = SyntheticSource(id="x", decode_fps=1.25)
    assert viewer.feed(again(packets, 1)) in (list(range(0, 120, 20)), list(range(10, 120, 20)))
    viewer.policy = SyntheticSource(id="x", decode_fps=5)
    shown = viewer.feed(again(packets, 2))
    assert {later - earlier for earlier, later in itertools.pairwise(shown)} == {5}
    assert viewer.counts.drops.total == 0


def again(packets: list[Packet], turn: int) -> list[Packet]:
    """Return packets whose arrival is a turn later."""
    return [packet._replace(arrival_ns=packet.arrival_ns + turn * 4_800_000_000) for packet in packets]


def test_key_frames_that_stop_coming_are_made_up_for() -> None:
    viewer, packets = with_policy(decode_fps=2.5), encode(60)
    viewer.feed(packets[:41])
    tail = [packet._replace(keyframe=False) for packet in packets[41:50]]
    late = [
        packet._replace(arrival_ns=packet.arrival_ns + 400_000_000, pts=packet.pts + 36_000)
        for packet in tail
        if packet.pts is not None
    ]
    pictures = [picture for packet in [*tail, *late] for picture in viewer.demand.pictures(packet)]
    assert pictures
    viewer.check()


def test_damaged_key_frames_are_not_shown_alone() -> None:
    viewer, packets = with_policy(decode="keyframes"), encode(40)
    packets[20] = packets[20]._replace(damaged=True)
    assert viewer.feed(packets) == [0, 10, 30]
    assert viewer.counts.drops.damaged == 1
    viewer.policy = SyntheticSource(id="x", decode="keyframes", show_damaged=True)
    assert viewer.feed(packets) == [0, 10, 20, 30]


def test_what_the_decoder_holds_is_shown_at_the_end() -> None:
    viewer, packets = with_policy(), encode(30, bframes=2)
    found = viewer.feed(packets)
    assert len(found) < 30
    found += [number_of(picture) for picture in viewer.demand.rest()]
    assert found == list(range(30))
    viewer.check()
    assert viewer.decoder.held == 0
