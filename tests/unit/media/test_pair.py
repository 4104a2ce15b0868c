"""Which of a camera's two streams is received."""

from camgraph.media.sources.pair import SMALL_AGAIN_NS, Pair
from camgraph.ring.protocol import RingRequest

NATIVE = RingRequest("door")
TILE = RingRequest("door", "bgra", 320, 180)
LARGE = RingRequest("door", "bgra", 640, 360)
REGION = RingRequest("door", "bgra", 32, 18, roi=(0, 0, 32, 18))
PACKETS, CUT = RingRequest("door", "fmp4"), RingRequest("door", "nal", 100, 1)


def shown() -> Pair:
    """A pair whose smaller stream is known."""
    pair = Pair("door", lambda: None)
    pair.note_picture(320, 180)
    return pair


def test_the_smaller_stream_serves_who_asks_for_no_more_than_it_has() -> None:
    pair = shown()
    pair.follow([], 1)
    assert pair.wants_small(1)
    pair.follow([TILE], 1)
    assert pair.wants_small(1)
    assert not pair.holds(TILE)


def test_one_larger_reader_needs_the_other_and_waits_for_it() -> None:
    for request in (NATIVE, LARGE, REGION, PACKETS, CUT):
        pair = shown()
        pair.follow([TILE, request], 1)
        assert not pair.wants_small(1)
        assert pair.holds(request)
        assert not pair.holds(TILE)
        pair.show(small=False)
        assert not pair.holds(request)


def test_the_smaller_one_comes_back_a_moment_after_the_last_larger_reader() -> None:
    pair = shown()
    pair.follow([NATIVE], 10)
    pair.show(small=False)
    pair.note_picture(1280, 720)
    pair.follow([TILE], 20)
    assert not pair.wants_small(20 + SMALL_AGAIN_NS - 1)
    assert pair.wants_small(20 + SMALL_AGAIN_NS)
    assert not pair.holds(TILE)


def test_a_size_that_is_not_known_yet_is_tried_with_the_smaller_stream() -> None:
    pair = Pair("door", lambda: None)
    pair.follow([LARGE], 1)
    assert pair.wants_small(1)
    pair.note_picture(320, 180)
    pair.follow([LARGE], 2)
    assert not pair.wants_small(2)


def test_a_smaller_stream_that_cannot_be_had_is_done_without_for_so_long() -> None:
    pair = shown()
    pair.do_without_small(100)
    assert not pair.wants_small(99)
    assert pair.wants_small(100)
    pair.show(small=False)
    assert not pair.holds(NATIVE)


def test_while_the_larger_stream_cannot_be_had_its_readers_get_the_smaller_one() -> None:
    released: list[None] = []
    pair = Pair("door", lambda: released.append(None))
    pair.note_picture(320, 180)
    pair.follow([NATIVE], 1)
    assert pair.holds(NATIVE)
    assert pair.do_without_main(100), "that is new"
    assert not pair.do_without_main(200), "that is known"
    assert (len(released), pair.holds(NATIVE)) == (1, False)
    assert pair.wants_small(199)
    assert not pair.wants_small(200)
    pair.show(small=False)
    pair.show(small=True)
    assert pair.holds(NATIVE)
