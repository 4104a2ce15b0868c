"""Going over from one stream of a pair to the other, with sources that are told what to give."""

import threading
from collections.abc import Iterator
from fractions import Fraction

import pytest

from camgraph.media.source import NetworkCounts, Packet, StreamInfo
from camgraph.media.sources.pair import Pair
from camgraph.media.sources.pair_source import PairSource
from camgraph.ring.protocol import RingRequest


class Endless:
    """Gives key frames, for ever."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.network = NetworkCounts()
        self.closed = False

    def resolve(self) -> None:
        pass

    def open(self) -> StreamInfo:
        return StreamInfo(self.name, None, 0, 0, 0.0)

    def packets(self) -> Iterator[Packet]:
        while True:
            yield Packet(b"", 0, Fraction(1, 90000), True, 1, 1, "arrival")

    def cancel(self) -> bool:
        return True

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def no_thread() -> Iterator[None]:
    """No thread can be started meanwhile: none has room for so large a stack."""
    before = threading.stack_size(1 << 47)
    yield
    threading.stack_size(before)


@pytest.mark.usefixtures("no_thread")
def test_without_a_further_thread_one_stream_ends_before_the_other_begins() -> None:
    made: list[Endless] = []

    def make(small: bool) -> Endless:
        made.append(Endless("small" if small else "main"))
        return made[-1]

    pair = Pair("door", lambda: None)
    source = PairSource(pair, make)
    source.resolve()
    assert source.open().codec == "small"
    packets = source.packets()
    next(packets)
    pair.follow([RingRequest("door", "bgra", 0, 0)], 0)
    assert next(packets, None) is not None
    assert next(packets, None) is None, "the other one takes over"
    assert source.open().codec == "main"
    assert [(one.name, one.closed) for one in made] == [
        ("small", True),
        ("main", True),
        ("main", False),
    ]
    source.close()
