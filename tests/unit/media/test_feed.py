import threading
from fractions import Fraction

import pytest

from camgraph.base.errors import SourceUnavailable
from camgraph.media.source import Packet
from camgraph.media.sources.feed import BEHIND_NS, MOST_WAITING_BYTES, PATIENT_NS, Feed, Need, Reopen
from camgraph.testing.waiting import wait_until

_S = 1_000_000_000


def _packet(at_s: float, *, keyframe: bool = False, size: int = 10, refresh: bool = False) -> Packet:
    pts, arrival_ns = int(at_s * 90000), int(at_s * _S)
    return Packet(bytes(size), pts, Fraction(1, 90000), keyframe, arrival_ns, 0, "arrival", refresh=refresh)


def _arrivals_ms(feed: Feed) -> list[int]:
    found = []
    while feed.waiting:
        item = feed.get(0)
        assert isinstance(item, Packet)
        found.append(round(item.arrival_ns / 1e6))
    return found


def test_packets_come_out_as_they_went_in_and_words_between_them() -> None:
    feed = Feed()
    feed.put(_packet(1, keyframe=True))
    feed.tell(Reopen("rtsp://h/1", "tcp"))
    feed.put(_packet(1.04))
    assert isinstance(feed.get(0), Packet)
    assert feed.get(0) == Reopen("rtsp://h/1", "tcp")
    assert isinstance(feed.get(0), Packet)
    with pytest.raises(TimeoutError):
        feed.get(0)


def test_a_reader_that_is_behind_goes_on_at_the_next_key_frame() -> None:
    feed = Feed()
    for number in range(40):
        feed.put(_packet(5 + number / 25, keyframe=number in (0, 35)))
    # Behind after a second, at number 26: all of these, and those until 35, are dropped.
    assert feed.dropped == 35
    assert _arrivals_ms(feed) == [5000 + 40 * number for number in range(35, 40)]


def test_a_burst_after_a_silence_is_no_sign_of_being_behind() -> None:
    feed = Feed()
    feed.put(_packet(1, keyframe=True))
    feed.get(0)
    for number in range(30):
        feed.put(_packet(1 + 10 * BEHIND_NS / _S + number / 1000))
    assert feed.dropped == 0


def test_packets_behind_a_word_that_was_not_taken_yet_are_not_late() -> None:
    feed = Feed()
    feed.tell(Reopen("rtsp://h/1", "tcp"))
    feed.put(_packet(5000, keyframe=True))
    feed.put(_packet(5000.04))
    assert (feed.waiting, feed.dropped) == (3, 0)


def test_what_waits_is_bounded_in_bytes() -> None:
    feed = Feed()
    for number in range(5):
        feed.put(_packet(1 + number / 1000, keyframe=number == 4, size=MOST_WAITING_BYTES // 2 + 1))
    assert feed.dropped == 4
    assert _arrivals_ms(feed) == [1004]


def test_what_is_told_survives_the_dropping_and_wakes_the_reader() -> None:
    feed = Feed()
    got: list[object] = []
    reader = threading.Thread(target=lambda: got.append(feed.get(10)))
    reader.start()
    feed.tell(SourceUnavailable("Gone.", reason="camera_closed"))
    reader.join(10)
    assert isinstance(got[0], SourceUnavailable)
    feed.tell(None)
    for number in range(40):
        feed.put(_packet(5 + number / 25))
    assert feed.get(0) is None


class _Reader:
    """Takes packets in a thread, until it is told the end."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self.taken_ms: list[int] = []
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "_Reader":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._feed.tell(None)
        self._thread.join(10)

    def sleeps(self) -> None:
        wait_until(lambda: self._feed._asleep, what="the reader waits")

    def has(self, *taken_ms: int) -> None:
        wait_until(lambda: self.taken_ms == list(taken_ms), what=f"{taken_ms} were taken")
        self.sleeps()

    def _run(self) -> None:
        while (item := self._feed.get(10)) is not None:
            assert isinstance(item, Packet)
            self.taken_ms.append(round(item.arrival_ns / 1e6))


def test_a_reader_without_hurry_is_woken_for_key_frames_and_for_what_came_in_a_moment() -> None:
    feed = Feed(need=lambda: "keyframes")
    with _Reader(feed) as reader:
        reader.sleeps()
        feed.put(_packet(1, keyframe=True))
        reader.has(1000)
        feed.put(_packet(1.1))
        feed.put(_packet(1.2))
        assert (feed.waiting, feed._asleep, feed.arrived_ns) == (2, True, 1_200_000_000)
        feed.put(_packet(1.1 + PATIENT_NS / _S))
        reader.has(1000, 1100, 1200, 1500)
        feed.put(_packet(1.6))
        feed.put(_packet(1.7, keyframe=True))
        reader.has(1000, 1100, 1200, 1500, 1600, 1700)


def test_a_reader_gets_what_waited_with_the_first_packet_that_finds_it_in_a_hurry() -> None:
    need: list[Need] = ["nothing"]
    feed = Feed(need=lambda: need[0])
    with _Reader(feed) as reader:
        reader.sleeps()
        feed.put(_packet(1))
        assert feed.waiting == 1
        need[0] = "all"
        feed.put(_packet(1.04))
        reader.has(1000, 1040)
        feed.put(_packet(1.08))
        reader.has(1000, 1040, 1080)


def test_pictures_of_a_stream_without_key_pictures_do_not_wait() -> None:
    feed = Feed(need=lambda: "nothing")
    with _Reader(feed) as reader:
        reader.sleeps()
        feed.put(_packet(1, keyframe=True, refresh=True))
        reader.has(1000)
        feed.put(_packet(1.04))
        reader.has(1000, 1040)


def test_a_reader_whose_time_is_over_takes_what_waits() -> None:
    feed = Feed(need=lambda: "nothing")
    got: list[Packet] = []
    reader = threading.Thread(target=lambda: got.append(feed.get(0.05)))  # type: ignore[arg-type]
    reader.start()
    wait_until(lambda: feed._asleep, what="the reader waits")
    feed.put(_packet(1))
    reader.join(10)
    assert [packet.arrival_ns for packet in got] == [_S]
