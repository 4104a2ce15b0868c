"""Finding threads that do not come back; the threads here are real, and let go at the end."""

import threading
from collections.abc import Callable, Iterator
from fractions import Fraction

import pytest

from camgraph.base.errors import SourceUnavailable
from camgraph.base.loop import Loop
from camgraph.graph.nodes import SyntheticSource
from camgraph.media.attempt import Attempt
from camgraph.media.events import Event, PacketArrived
from camgraph.media.filters import Filters
from camgraph.media.hangs import HUNG_LOOKS, HangWatch, looks_up_name, name_look_up
from camgraph.media.memory import Memory
from camgraph.media.outputs import Outputs
from camgraph.media.source import NetworkCounts, Packet, StreamInfo
from camgraph.testing.waiting import wait_until


class Worker:
    def __init__(self, progress: int | None) -> None:
        self.progress = progress


def test_who_stays_at_one_point_hangs() -> None:
    watch, stuck, busy, waiting = HangWatch(), Worker(7), Worker(0), Worker(None)
    for number in range(HUNG_LOOKS):
        busy.progress = number
        assert watch.look([stuck, busy, waiting]) is None
    assert watch.look([stuck, busy, waiting]) is stuck


def test_any_progress_and_any_allowed_wait_begin_the_count_anew() -> None:
    watch, one = HangWatch(), Worker(1)
    for progress in (1, None, 2, 3):
        one.progress = progress
        for _ in range(HUNG_LOOKS):
            assert watch.look([one]) is None
    assert watch.look([one]) is one


def test_who_was_away_for_a_look_begins_anew() -> None:
    watch, one = HangWatch(), Worker(1)
    for _ in range(HUNG_LOOKS):
        watch.look([one])
    watch.look([])
    assert watch.look([one]) is None


class HangingSource:
    """Stays in the calls it is told to stay in, whoever cancels it."""

    def __init__(self, *hangs_in: str) -> None:
        self.network = NetworkCounts()
        self.let_go = threading.Event()
        self.inside = ""
        self._hangs_in = hangs_in

    def resolve(self) -> None:
        with name_look_up():
            self._call("resolve")

    def open(self) -> StreamInfo:
        self._call("open")
        return StreamInfo("mjpeg", None, 0, 0, 0.0)

    def packets(self) -> Iterator[Packet]:
        yield Packet(b"no picture", 0, Fraction(1, 90000), True, 1, 1, "arrival")
        self._call("packets")
        raise SourceUnavailable("It has nothing more.", reason="camera_closed")

    def cancel(self) -> bool:
        return False

    def close(self) -> None:
        self._call("close")

    def _call(self, name: str) -> None:
        if name in self._hangs_in:
            self.inside = name
            assert self.let_go.wait(20)


class Tried:
    """An attempt at a source, with what it needs; at the end its thread is let go."""

    def __init__(self, source: HangingSource, post: Callable[[Event], None] = lambda event: None) -> None:
        self.source = source
        self.loop = Loop()
        self.ended = threading.Event()
        self.attempt = Attempt(
            1,
            source,
            Outputs(self.loop, "door", 1, Filters("door", lambda event: None), Memory(lambda message: None)),
            wanted=lambda: True,
            policy=lambda: SyntheticSource(id="door"),
            held=False,
            post=post,
            on_picture=lambda *picture: None,
            on_ended=lambda attempt: self.ended.set(),
        )

    def __enter__(self) -> "Tried":
        self.attempt.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.source.let_go.set()
        self.attempt.cancel()
        assert self.ended.wait(10)
        assert self.attempt.join(10)
        self.loop.close()

    def hangs(self) -> bool:
        """It is found by looks in a row, however soon one after the other."""
        watch = HangWatch()
        return any(watch.look([self.attempt]) for _ in range(HUNG_LOOKS + 1))


@pytest.mark.parametrize(
    ("hangs_in", "doing"), [("open", "opening"), ("packets", "receiving"), ("close", "closing")]
)
def test_a_source_may_wait_until_it_is_told_to_end(hangs_in: str, doing: str) -> None:
    with Tried(HangingSource(hangs_in)) as tried:
        wait_until(lambda: tried.source.inside == hangs_in, 5, hangs_in)
        assert not tried.hangs()
        tried.attempt.cancel()
        assert tried.hangs()
        assert tried.attempt.doing == doing


def test_a_name_server_that_hangs_is_none_of_our_hangs() -> None:
    with Tried(HangingSource("resolve")) as tried:
        wait_until(lambda: tried.source.inside == "resolve", 5, "the look-up")
        tried.attempt.cancel()
        assert not tried.hangs()


class BrokenSource(HangingSource):
    """Can't be closed."""

    def close(self) -> None:
        raise RuntimeError("no")


def test_what_can_not_be_closed_has_ended_all_the_same() -> None:
    with Tried(BrokenSource()) as tried:
        assert tried.ended.wait(5)


def test_what_becomes_of_a_packet_hangs_without_being_told_to_end() -> None:
    source = HangingSource()
    told = threading.Event()

    def post(event: Event) -> None:
        if isinstance(event, PacketArrived):
            told.set()
            source.let_go.wait(20)

    with Tried(source, post) as tried:
        assert told.wait(5)
        assert tried.hangs()
        assert tried.attempt.doing == "decoding"


def test_look_ups_are_told_by_thread_and_end_with_their_block() -> None:
    inside, leave = threading.Event(), threading.Event()

    def ask() -> None:
        with name_look_up():
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=ask)
    assert not looks_up_name(thread)
    thread.start()
    assert inside.wait(5)
    assert looks_up_name(thread)
    assert not looks_up_name(threading.current_thread())
    leave.set()
    thread.join()
    assert not looks_up_name(thread)
