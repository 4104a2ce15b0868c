"""Who hangs its media process twice within a minute runs apart; and a real process that a FIFO hangs."""

import msgspec

from camgraph.graph.nodes import RtspSource
from camgraph.supervisor.hangs import TWICE_WITHIN_NS, Hangs

DOOR = RtspSource(id="door", url="rtsp://h/1")


def test_two_hangs_within_a_minute_set_a_stream_apart_once() -> None:
    hangs = Hangs()
    assert not hangs.note(DOOR, 0)
    assert not hangs.note(DOOR, TWICE_WITHIN_NS + 1)
    assert not hangs.is_apart("door")
    assert hangs.note(DOOR, 2 * TWICE_WITHIN_NS + 1)
    assert hangs.is_apart("door")
    assert not hangs.note(DOOR, 2 * TWICE_WITHIN_NS + 2)
    assert not hangs.is_apart("yard")


def test_each_stream_counts_for_itself() -> None:
    hangs = Hangs()
    hangs.note(DOOR, 0)
    assert not hangs.note(RtspSource(id="yard", url="rtsp://h/2"), 1)


def test_a_stream_declared_anew_is_trusted_anew() -> None:
    hangs = Hangs()
    hangs.note(DOOR, 0)
    hangs.note(DOOR, 1)
    hangs.keep_only({"door": msgspec.structs.replace(DOOR, keep_warm=True)})
    assert hangs.is_apart("door")
    hangs.keep_only({"door": msgspec.structs.replace(DOOR, url="rtsp://h/3")})
    assert not hangs.is_apart("door")
    hangs.keep_only({})
    assert not hangs.note(DOOR, 2)
