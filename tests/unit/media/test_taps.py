"""What each filter does with packets and pictures, and what it tells of them; with frames made here."""

import contextlib
import os
import select
import time
from collections.abc import Iterable, Iterator
from fractions import Fraction
from random import Random

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from camgraph.control.messages import NodeEvent
from camgraph.graph.nodes import (
    Filter,
    Fork,
    Fresh,
    Gate,
    Interval,
    Movement,
    Observe,
    Publish,
    Rate,
    RtspSource,
    Stamp,
)
from camgraph.graph.spec import GraphSpec, streams_of
from camgraph.media.decode import Picture
from camgraph.media.filters import Filters, Tap
from camgraph.media.movement import difference
from camgraph.media.source import Packet
from camgraph.media.taps import Spacing

MS = 1_000_000
START_MS = 1_700_000_000_000
BASE = Fraction(1, 90_000)
DOOR = RtspSource(id="door", url="rtsp://10.0.0.5/1")


class Stream:
    """A camera's filters, the frames that are sent through them, and what was told."""

    def __init__(self, *nodes: Filter) -> None:
        self.told: list[NodeEvent] = []
        self.filters = Filters("door", self.told.append)
        self._number = 0
        self.have(*nodes)

    def have(self, *nodes: Filter) -> None:
        self.filters.configure(streams_of(GraphSpec(nodes=(DOOR, *nodes))))

    def tap(self, stream: str) -> Tap:
        tap = self.filters.tap(stream)
        assert tap is not None
        return tap

    def picture(self, stream: str, picture: Picture) -> Picture | None:
        self._number += 1
        return self.tap(stream).picture(self._number, picture)

    def packet(self, stream: str, packet: Packet) -> Packet | None:
        self._number += 1
        return self.tap(stream).packet(self._number, packet, "h264")

    def pictures(self, stream: str, times_ms: Iterable[int]) -> list[int]:
        """Return at which of these times pictures pass."""
        return [ms for ms in times_ms if self.picture(stream, picture(ms)) is not None]

    def packets(self, stream: str, times_ms: Iterable[int]) -> list[int]:
        """Return at which of these times packets pass."""
        return [ms for ms in times_ms if self.packet(stream, packet(ms)) is not None]

    def kinds(self) -> list[tuple[str, int]]:
        """Return what was told, and of which times; and forget it."""
        kinds: list[tuple[str, int]] = [
            (event.kind, event.capture_ns // MS - START_MS) for event in self.told
        ]
        self.told.clear()
        return kinds


def packet(ms: int, data: bytes = b"\0\0\0\1abcdefg") -> Packet:
    return Packet(data, ms * 90, BASE, True, ms * MS, (START_MS + ms) * MS, "rtcp")


def picture(ms: int, luma: int | NDArray[np.uint8] = 16, pixels: str = "yuv420p") -> Picture:
    """Return a picture of 32x18 pixels, or as large as `luma`."""
    bright = np.full((18, 32), luma, np.uint8) if isinstance(luma, int) else luma
    height, width = bright.shape
    frame = av.VideoFrame(width, height, pixels)
    for plane in frame.planes:
        plane.update(bytes([128]) * plane.buffer_size)
    rows = np.frombuffer(memoryview(frame.planes[0]), np.uint8).reshape(-1, frame.planes[0].line_size)
    rows[:height, :width] = bright
    return Picture(frame, packet(ms, b""), Fraction(1))


@given(
    st.lists(st.integers(0, 500) | st.integers(10_000, 10_500), min_size=1, max_size=30),
    st.integers(0, 200),
    st.sampled_from([0, 100]),
)
def test_frames_chosen_are_apart_and_those_between_are_not(
    times_ms: list[int], shortest_ms: int, reordered_ms: int
) -> None:
    spacing = Spacing(reordered_ms)
    last: int | None = None
    for now in times_ms:
        anew = last is None or now < last - reordered_ms
        assert spacing.accept(now * MS, shortest_ms) is (anew or now >= (last or 0) + shortest_ms)
        if anew or now >= (last or 0) + shortest_ms:
            last = now


def test_an_interval_goes_by_times_of_capture_and_begins_anew_after_a_jump_back() -> None:
    stream = Stream(Interval(id="x", source="door", shortest_ms=100))
    assert stream.pictures("x", range(0, 400, 40)) == [0, 120, 240, 360]
    # Packets are counted for themselves; they may come in another order than that of their times.
    assert stream.packets("x", [0, 120, 40, 80, 240, 160, 200]) == [0, 120, 240]
    assert stream.pictures("x", [200, 240, 320]) == [200, 320]
    stream.have(Interval(id="x", source="door", shortest_ms=0))
    assert stream.pictures("x", range(330, 333)) == [330, 331, 332]


def test_an_interval_goes_by_arrival_where_no_capture_is_known() -> None:
    stream = Stream(Interval(id="x", source="door", shortest_ms=100))
    passed = [
        ms
        for ms in range(0, 400, 40)
        if stream.packet("x", packet(ms)._replace(capture_ns=0, capture_quality="none")) is not None
    ]
    assert passed == [0, 120, 240, 360]


def test_a_rate_thins_packets_and_pictures_apart() -> None:
    stream = Stream(Rate(id="x", source="door", fps=5))
    assert stream.packets("x", range(0, 400, 40)) == stream.pictures("x", range(0, 400, 40)) == [0, 200]


def test_gates_and_branches_hold_packets_back_too() -> None:
    nodes = (
        Gate(id="night", source="door"),
        Fork(id="f", source="night", branches=("a", "b"), detached=("b",)),
    )
    stream = Stream(*nodes)
    assert stream.packets("f.a", [0]) == [0]
    assert stream.packets("f.b", [0]) == []
    stream.have(Gate(id="night", source="door", opened=False), nodes[1])
    assert stream.packets("f.a", [0]) == stream.pictures("f.a", [0]) == []


@given(
    st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["gate", "shut", "interval", "rate", "stamp"]))),
    st.randoms(use_true_random=False),
)
def test_who_asks_and_in_which_order_changes_nothing(kinds: list[tuple[int, str]], order: Random) -> None:
    nodes: list[Filter] = []
    for number, (fed_by, kind) in enumerate(kinds):
        name, source = f"n{number}", nodes[fed_by % len(nodes)].id if nodes else "door"
        match kind:
            case "gate" | "shut":
                nodes.append(Gate(id=name, source=source, opened=kind == "gate"))
            case "interval":
                nodes.append(Interval(id=name, source=source, shortest_ms=100 * (number + 1)))
            case "rate":
                nodes.append(Rate(id=name, source=source, fps=9 - number % 8))
            case _:
                nodes.append(Stamp(id=name, source=source))
    together, alone = Stream(*nodes), {node.id: Stream(*nodes) for node in nodes}
    names = list(alone)
    now_ns = time.monotonic_ns()
    for number in range(12):
        one = packet(number * 37)._replace(arrival_ns=now_ns + number * 37 * MS)
        shown = picture(0)._replace(packet=one)
        order.shuffle(names)
        for name in [*names, *names]:
            by_all = together.tap(name)
            passes = alone[name].tap(name)
            assert (by_all.packet(number, one, "h264") is None) == (
                passes.packet(number, one, "h264") is None
            )
            assert (by_all.picture(number, shown) is None) == (passes.picture(number, shown) is None)


def test_what_is_not_fresh_any_more_is_held_back() -> None:
    stream = Stream(Fresh(id="x", source="door", oldest_ms=10_000))
    now_ns, now_mono_ns = time.time_ns(), time.monotonic_ns()
    for age_s, passes in ((9, True), (11, False), (-5, True)):
        age_ns = age_s * 1000 * MS
        by_capture = packet(0)._replace(capture_ns=now_ns - age_ns)
        by_arrival = packet(0)._replace(capture_ns=0, arrival_ns=now_mono_ns - age_ns)
        for one in (by_capture, by_arrival):
            assert (stream.packet("x", one) is not None) is passes
            assert (stream.picture("x", picture(0)._replace(packet=one)) is not None) is passes


def test_a_stamp_gives_the_time_of_arrival_to_all_that_follows_and_to_nothing_else() -> None:
    stream = Stream(
        Stamp(id="x", source="door"),
        Observe(id="after", source="x", of="packets"),
        Observe(id="apart", source="door", of="packets"),
    )
    arrived_ns, wall = time.monotonic_ns(), time.time_ns()
    one = packet(0)._replace(arrival_ns=arrived_ns)
    stamped = stream.packet("after", one)
    assert stamped is not None
    assert (stamped.capture_quality, stamped.pts) == ("arrival", 0)
    assert stamped.capture_ns == pytest.approx(wall, abs=50 * MS)
    assert stream.packet("apart", one) is one
    assert [event.capture_ns for event in stream.told] == [stamped.capture_ns, one.capture_ns]
    seen = stream.picture("x", picture(0)._replace(packet=one))
    assert seen is not None
    assert seen.packet.capture_ns == pytest.approx(wall, abs=50 * MS)


MOVES = Movement(id="m", source="door", every_ms=100, threshold=0.1, ends_after_ms=300)


def test_movement_begins_with_a_sample_that_differs_and_ends_when_none_did_for_long() -> None:
    stream = Stream(MOVES)
    lights = {0: 16, 100: 200, 200: 16, 300: 16, 400: 90}
    passed, light = [], 16
    for ms in range(0, 1200, 20):
        light = lights.get(ms, light)
        if stream.picture("m", picture(ms, light)) is not None:
            passed.append(ms)
    # The first two samples never count: 0 and 100. Those at 200 and 400 are movement.
    assert stream.kinds() == [("movement_began", 200), ("movement_ended", 700)]
    assert passed == [200, 300, 400, 500, 600]
    # What differs between samples is not seen.
    assert stream.pictures("m", range(1200, 1600, 20)) == [1200, 1300, 1400]
    assert stream.kinds() == [("movement_began", 1200), ("movement_ended", 1500)]
    assert stream.packets("m", [0, 1]) == [0, 1]


@given(st.integers(0, 255), st.integers(0, 255), st.floats(0, 1))
def test_movement_is_a_mean_difference_above_the_threshold(one: int, other: int, threshold: float) -> None:
    stream = Stream(Movement(id="m", source="door", every_ms=1, threshold=threshold, ends_after_ms=0))
    for ms, luma in enumerate((one, one, other)):
        stream.picture("m", picture(ms, luma))
    assert bool(stream.told) is (abs(one - other) / 255 > threshold)


def test_a_tenth_of_the_picture_is_a_tenth_of_the_difference_in_large_pictures_too() -> None:
    dark, light = np.zeros((2000, 3000), np.uint8), np.zeros((2000, 3000), np.uint8)
    light[:200] = 255
    assert difference(dark, light) == pytest.approx(0.1)
    for threshold, begins in ((0.09, True), (0.11, False)):
        stream = Stream(Movement(id="m", source="door", every_ms=1, threshold=threshold, ends_after_ms=0))
        for ms, luma in enumerate((dark, dark, light)):
            stream.picture("m", picture(ms, luma))
        assert bool(stream.told) is begins


def test_movement_is_seen_in_pictures_of_other_formats() -> None:
    for pixels in ("gray", "yuvj422p", "nv12", "rgb24", "yuv420p10le"):
        stream = Stream(MOVES)
        for ms, luma in ((0, 16), (100, 16), (200, 235)):
            source = picture(ms, luma)
            stream.picture("m", source._replace(frame=source.frame.reformat(format=pixels)))
        assert stream.kinds() == [("movement_began", 200)]


def test_another_size_is_no_movement() -> None:
    stream = Stream(MOVES)
    for ms in (0, 100, 200):
        stream.picture("m", picture(ms, 16))
    stream.picture("m", picture(300, np.full((36, 64), 200, np.uint8)))
    assert stream.kinds() == []
    stream.picture("m", picture(400, np.full((36, 64), 16, np.uint8)))
    assert stream.kinds() == [("movement_began", 400)]


def test_a_reset_forgets_what_was_seen() -> None:
    stream = Stream(MOVES)
    for ms, luma in ((0, 16), (100, 16), (200, 200)):
        stream.picture("m", picture(ms, luma))
    assert stream.kinds() == [("movement_began", 200)]
    stream.have(Movement(id="m", source="door", every_ms=100, threshold=0.1, ends_after_ms=300, resets=1))
    assert [ms for ms in (220, 320) if stream.picture("m", picture(ms, ms % 256)) is not None] == []
    assert stream.pictures("m", range(420, 1000, 100)) == [420, 520, 620]
    assert stream.kinds() == [("movement_began", 420), ("movement_ended", 720)]


def test_a_clock_set_back_during_movement_does_not_prolong_it() -> None:
    stream = Stream(MOVES)
    for ms, luma in ((10_000, 16), (10_100, 16), (10_200, 200)):
        stream.picture("m", picture(ms, luma))
    assert [ms for ms in range(0, 600, 100) if stream.picture("m", picture(ms, 200))] == [0, 100, 200]
    assert stream.kinds() == [("movement_began", 10_200), ("movement_ended", 300)]


def test_packets_are_observed_by_their_bytes() -> None:
    stream = Stream(Observe(id="x", source="door", of="packets", data_bytes=6))
    assert stream.packets("x", range(3)) == [0, 1, 2]
    assert stream.pictures("x", range(3)) == [0, 1, 2]
    event = stream.told[-1]
    assert len(stream.told) == 3
    assert (event.node, event.kind, event.stream, event.format) == ("x", "seen", "door", "h264")
    assert (event.size_bytes, event.data, event.keyframe, event.count) == (11, b"\0\0\0\1ab", True, 3)
    assert (event.capture_ns, event.arrival_ns) == ((START_MS + 2) * MS, 2 * MS)


def test_pictures_are_observed_by_their_first_plane_without_padding() -> None:
    stream = Stream(Observe(id="x", source="door", of="pictures", every_ms=100, data_bytes=1000))
    luma = np.arange(18 * 30, dtype=np.uint16).astype(np.uint8).reshape(18, 30)
    for ms in range(0, 300, 20):
        assert stream.picture("x", picture(ms, luma)) is not None
        assert stream.packet("x", packet(ms)) is not None
    assert [(event.capture_ns // MS - START_MS, event.count) for event in stream.told] == [
        (0, 1),
        (100, 6),
        (200, 11),
    ]
    event = stream.told[-1]
    assert (event.format, event.width, event.height, event.size_bytes) == (
        "yuv420p",
        30,
        18,
        18 * 30 * 3 // 2,
    )
    assert event.data == luma.tobytes()
    stream.have(Observe(id="x", source="door", of="pictures", data_bytes=40))
    stream.picture("x", picture(300, luma))
    assert stream.told[-1].data == luma.tobytes()[:40]


@pytest.fixture
def eventfd() -> Iterator[int]:
    descriptor = os.eventfd(0, os.EFD_CLOEXEC)
    yield descriptor
    os.close(descriptor)


def is_ready(descriptor: int) -> bool:
    return bool(select.select([descriptor], [], [], 0)[0])


def test_descriptors_of_a_node_are_written_to_and_closed_when_it_goes(eventfd: int) -> None:
    node = Publish(id="x", source="door", ring="lens", format="rgb24")
    stream = Stream(node)
    copies = [os.dup(eventfd), os.dup(eventfd)]
    stream.filters.attach("x", copies)
    tap = stream.tap("x")
    for ms in range(3):
        assert stream.picture("x", picture(ms)) is not None
        tap.ring()
    assert os.eventfd_read(eventfd) == 6
    # Others take their place; the node is fed otherwise and keeps them; then it goes.
    stream.filters.attach("x", copies := [os.dup(eventfd)])
    stream.have(Gate(id="night", source="door"), Publish(id="x", source="night", ring="lens", format="rgb24"))
    stream.tap("x").ring()
    assert os.eventfd_read(eventfd) == 1
    stream.have()
    for copy in copies:
        with pytest.raises(OSError, match="Bad file"):
            os.fstat(copy)
    unknown = os.dup(eventfd)
    stream.filters.attach("x", [unknown])
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(unknown)


def test_a_full_descriptor_is_not_waited_for() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writing, bytes(65536))
    os.set_blocking(writing, True)
    stream = Stream(Publish(id="x", source="door", ring="lens", format="rgb24"))
    stream.filters.attach("x", [writing])
    stream.tap("x").ring()
    assert is_ready(reading)
    os.close(reading)
    stream.tap("x").ring()
    stream.filters.close()
