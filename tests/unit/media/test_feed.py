import threading
from fractions import Fraction

import pytest

from camgraph.base.errors import SourceUnavailable
from camgraph.media.feed import BEHIND_NS, MOST_WAITING_BYTES, Feed, Reopen
from camgraph.media.source import Packet

_S = 1_000_000_000


def _packet(at_s: float, *, keyframe: bool = False, size: int = 10) -> Packet:
    return Packet(bytes(size), int(at_s * 90000), Fraction(1, 90000), keyframe, int(at_s * _S), 0, "arrival")


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
