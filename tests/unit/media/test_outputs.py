"""The rings of a stream, with real rings and readers, and pictures drawn here."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from fractions import Fraction

import av
import msgspec
import numpy as np
import pytest

from camgraph.base.errors import BrokenError
from camgraph.base.loop import Loop
from camgraph.control.messages import MemoryAnswer, NodeEvent, ReleaseMemory, ReserveMemory
from camgraph.graph.nodes import Gate, Interval, Movement, Node, Observe, Publish, Rate, RtspSource
from camgraph.graph.spec import GraphSpec, StreamPath, streams_of
from camgraph.media.decode import Picture
from camgraph.media.filters import Filters
from camgraph.media.memory import Memory
from camgraph.media.outputs import LINGER_S, MAX_RINGS, Outputs
from camgraph.media.source import Packet, StreamInfo
from camgraph.ring.protocol import Hello, RingRequest
from camgraph.ring.reader import Reader
from camgraph.testing.waiting import wait_until

TIME_BASE = Fraction(1, 90_000)


def picture(number: int, width: int = 320, height: int = 180, aspect: Fraction = Fraction(1)) -> Picture:
    """Return a plain picture, grey of 16 + number."""
    frame = av.VideoFrame.from_ndarray(
        np.full((height * 3 // 2, width), 16 + number, np.uint8), format="yuv420p"
    )
    frame.pts = number * 3600
    arrival_ns = number * 40_000_000
    packet = Packet(b"", frame.pts, TIME_BASE, False, arrival_ns, 2_000 + number, "arrival")
    return Picture(frame, packet, aspect)


class Stream:
    """One stream's outputs, the loop they live in, and a supervisor's part: readers, and memory for them."""

    def __init__(self) -> None:
        self.loop = Loop()
        self.memory = Memory(self._on_word)
        self.told: list[NodeEvent] = []
        self.filters = Filters("door", self.told.append)
        self.outputs = Outputs(self.loop, "door", 77, self.filters, self.memory)
        self.room_bytes = 1 << 40
        self.reserved_bytes = 0
        self.answering = True
        self.unanswered: list[ReserveMemory] = []
        self._readers: list[Reader] = []

    def read(self, request: RingRequest) -> Reader:
        ends: list[socket.socket] = []

        def connect() -> socket.socket:
            if ends:
                raise BrokenError("the site is gone")
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            for sock in (ours, theirs):
                sock.setblocking(False)
            ends.append(theirs)
            return ours

        reader = Reader(connect, request, policy="every")
        self._readers.append(reader)
        self.outputs.add_reader(ends[0], Hello.decode(ends[0].recv(4096)))
        return reader

    def _on_word(self, word: ReserveMemory | ReleaseMemory) -> None:
        if isinstance(word, ReleaseMemory):
            self.reserved_bytes -= word.size_bytes
        elif self.answering:
            self.answer(word)
        else:
            self.unanswered.append(word)

    def answer(self, question: ReserveMemory) -> None:
        """Grant what there is room for."""
        fits = self.reserved_bytes + question.size_bytes <= self.room_bytes
        self.reserved_bytes += question.size_bytes * fits
        self.memory.on_answer(
            MemoryAnswer(token=question.token, refused="" if fits else f"No room for {question.stream}.")
        )

    def until(self, condition: Callable[[], bool]) -> None:
        def turn() -> bool:
            self.loop.run_once(0)
            return condition()

        wait_until(turn, LINGER_S + 5)

    def publish(self, *pictures: Picture) -> None:
        for one in pictures:
            self.outputs.publish(one, "h264")

    def close(self) -> None:
        self.outputs.close()
        for reader in self._readers:
            reader.close()
        self.loop.close()


@pytest.fixture
def stream() -> Iterator[Stream]:
    stream = Stream()
    yield stream
    stream.close()


@pytest.fixture
def playing(stream: Stream) -> Stream:
    stream.outputs.set_picture(320, 180, 25.0)
    return stream


NATIVE = RingRequest("door")


def test_a_native_frame_and_what_is_known_of_it(playing: Stream) -> None:
    reader = playing.read(NATIVE)
    playing.publish(picture(1, aspect=Fraction(4, 3)), picture(2))
    frame = reader.read(1)
    assert (frame.format, frame.width, frame.height, frame.epoch) == ("yuv420p", 320, 180, 77)
    assert (frame.pts, frame.time_base) == (3600, TIME_BASE)
    assert (frame.arrival_ns, frame.capture_ns) == (40_000_000, 2001)
    assert (frame.capture_quality, frame.codec_generation) == ("arrival", 1)
    assert (frame.color_range, frame.colorspace, frame.sample_aspect) == ("tv", "smpte170m", Fraction(4, 3))
    assert (frame.planes[0] == 17).all()
    assert reader.read(1).seq == frame.seq + 1


def test_readers_that_come_before_the_first_picture_wait_for_it(stream: Stream) -> None:
    reader = stream.read(NATIVE)
    assert stream.outputs.statistics() == ()
    stream.outputs.set_picture(320, 180, 0.0)
    stream.publish(picture(1))
    assert reader.read(1).width == 320


def test_equal_requests_share_a_ring(playing: Stream) -> None:
    request = RingRequest("door", "bgra", 160, 90)
    one, two, other = playing.read(request), playing.read(request), playing.read(NATIVE)
    playing.publish(picture(1))
    assert one.read(1).array.shape == two.read(1).array.shape == (90, 160, 4)
    assert other.read(1).array.shape == (270, 320)
    rings = {ring.format: ring for ring in playing.outputs.statistics()}
    assert (rings["bgra"].readers, rings["bgra"].published) == (2, 1)
    assert (rings["yuv420p"].readers, rings["yuv420p"].width) == (1, 320)
    assert playing.outputs.conversions == 2


def test_derived_frames_tell_their_own_colours_and_aspect(playing: Stream) -> None:
    reader = playing.read(RingRequest("door", "gray8", 180, 180))
    playing.publish(picture(100))
    frame = reader.read(1)
    assert (frame.color_range, frame.sample_aspect) == ("pc", Fraction(16, 9))
    assert frame.array[90, 90] == pytest.approx(100 / 219 * 255, abs=1)
    reader = playing.read(RingRequest("door", "rgb24"))
    playing.publish(picture(2))
    assert (reader.read(1).colorspace, reader.statistics().received) == ("rgb", 1)


def test_a_rate_is_reached_before_anything_is_converted(playing: Stream) -> None:
    reader = playing.read(RingRequest("door", "bgra", 160, 90, 5.0))
    for number in range(50):
        playing.publish(picture(number))
        while reader.read_nowait() is not None:
            pass
    assert reader.statistics().received == 10
    assert playing.outputs.conversions == 10


def test_nothing_is_written_or_converted_without_a_reader(playing: Stream) -> None:
    reader = playing.read(RingRequest("door", "bgra", 160, 90))
    reader.close()
    playing.until(lambda: playing.outputs.statistics()[0].readers == 0)
    playing.publish(picture(1))
    assert playing.outputs.conversions == 0


def test_a_ring_outlives_its_last_reader_by_a_second_and_serves_who_comes_meanwhile(playing: Stream) -> None:
    first = playing.read(NATIVE)
    playing.publish(picture(1))
    first.close()
    playing.until(lambda: playing.outputs.statistics()[0].readers == 0)
    second = playing.read(NATIVE)
    playing.publish(picture(2))
    assert second.read(1).seq == 2
    second.close()
    playing.until(lambda: playing.outputs.statistics() == ())
    playing.publish(picture(3))
    third = playing.read(NATIVE)
    playing.publish(picture(4))
    assert third.read(1).seq == 1


def test_another_size_in_the_stream_reshapes_what_follows_it(playing: Stream) -> None:
    native, derived = playing.read(NATIVE), playing.read(RingRequest("door", "bgra", 160, 90))
    playing.publish(picture(1))
    playing.outputs.set_picture(640, 360, 25.0)
    playing.publish(picture(2, 640, 360))
    first, second = native.read(1), native.read(1)
    assert (first.width, second.width, second.height) == (320, 640, 360)
    assert second.generation == first.generation + 1
    assert (first.codec_generation, second.codec_generation) == (1, 2)
    assert [derived.read(1).generation, derived.read(1).generation] == [1, 1]
    assert playing.outputs.statistics()[0].width == 640


def test_a_region_is_cut_out_before_it_is_scaled(playing: Stream) -> None:
    part = playing.read(RingRequest("door", "gray8", roi=(41, 20, 79, 60)))
    scaled = playing.read(RingRequest("door", "yuv420p", 80, 60, roi=(0, 0, 160, 60)))
    playing.publish(picture(100))
    frame = part.read(1)
    assert (frame.array.shape, frame.sample_aspect) == ((60, 80), Fraction(1))
    frame = scaled.read(1)
    assert (frame.width, frame.height, frame.sample_aspect) == (80, 60, Fraction(2))
    assert (frame.planes[0] == 116).all()
    rings = {ring.format: ring for ring in playing.outputs.statistics()}
    assert (rings["gray8"].roi, rings["gray8"].width) == ((41, 20, 79, 60), 80)
    assert playing.outputs.conversions == 2


def test_a_region_outside_of_the_picture_is_refused(playing: Stream) -> None:
    with pytest.raises(
        BrokenError,
        match=r"'door' can't be had so: the region of 10x10 px at \(320, 0\) lies outside of the camera's "
        r"picture of 320x180 px",
    ):
        playing.read(RingRequest("door", roi=(320, 0, 10, 10))).read(1)


def test_a_region_that_another_size_leaves_gets_nothing_until_it_is_back(playing: Stream) -> None:
    request = RingRequest("door", "gray8", roi=(160, 90, 100, 100))
    reader = playing.read(request)
    playing.publish(picture(1))
    assert reader.read(1).array.shape == (90, 100)
    playing.outputs.set_picture(160, 90, 25.0)
    playing.publish(picture(2, 160, 90), picture(3, 160, 90))
    assert reader.read_nowait() is None
    assert playing.outputs.statistics()[0].unfit == 2
    with pytest.raises(BrokenError, match="lies outside"):
        playing.read(request).read(1)
    playing.outputs.set_picture(640, 360, 25.0)
    playing.publish(picture(4, 640, 360))
    assert reader.read(1).array.shape == (100, 100)


def paths(*nodes: Node) -> dict[str, StreamPath]:
    return streams_of(GraphSpec(nodes=(RtspSource(id="door", url="rtsp://10.0.0.5/1"), *nodes)))


def test_filters_decide_for_each_stream_of_the_camera(stream: Stream) -> None:
    stream.filters.configure(
        paths(Gate(id="night", source="door", opened=False), Rate(id="slow", source="door", fps=5))
    )
    stream.outputs.set_picture(320, 180, 25.0)
    own = stream.read(NATIVE)
    night, slow = stream.read(RingRequest("night")), stream.read(RingRequest("slow"))
    also_slow = stream.read(RingRequest("slow", "gray8"))
    for number in range(10):
        stream.publish(picture(number))
        assert own.read(1).pts == number * 3600
    assert slow.read(1).pts == also_slow.read(1).pts == 0
    assert slow.read(1).pts == also_slow.read(1).pts == 5 * 3600
    assert night.read_nowait() is None
    stream.filters.configure(paths(Gate(id="night", source="door"), Rate(id="slow", source="door", fps=5)))
    stream.outputs.follow_filters()
    stream.publish(picture(10))
    assert night.read(1).pts == slow.read(1).pts == 36_000
    rings = [(ring.stream, ring.format, ring.published) for ring in stream.outputs.statistics()]
    assert rings == [
        ("door", "yuv420p", 11),
        ("night", "yuv420p", 1),
        ("slow", "yuv420p", 3),
        ("slow", "gray8", 3),
    ]


def test_a_filter_that_is_gone_ends_its_readers_and_no_others(stream: Stream) -> None:
    stream.filters.configure(paths(Gate(id="night", source="door")))
    early = stream.read(RingRequest("night", "gray8"))
    stream.outputs.set_picture(320, 180, 25.0)
    own, night = stream.read(NATIVE), stream.read(RingRequest("night"))
    stream.filters.configure(paths())
    stream.outputs.follow_filters()
    for reader in (early, night):
        with pytest.raises(BrokenError, match="the site is gone"):
            reader.read(1)
    stream.publish(picture(1))
    assert own.read(1).pts == 3600


def test_a_ring_is_wanted_from_its_first_reader_until_it_is_closed(playing: Stream) -> None:
    assert not playing.outputs.wanted
    reader = playing.read(NATIVE)
    assert playing.outputs.wanted
    reader.close()
    playing.until(lambda: not playing.outputs.wanted)


def test_a_part_of_the_picture_that_nobody_reads_goes_before_the_whole(playing: Stream) -> None:
    part = RingRequest("door", "bgra", 64, 36, roi=(0, 0, 128, 72))
    readers = [playing.read(request) for request in (NATIVE, part)]
    assert playing.outputs.requests == {NATIVE, part}
    for reader in readers:
        reader.close()
    playing.until(lambda: part not in playing.outputs.requests)
    assert playing.outputs.requests == {NATIVE}
    playing.until(lambda: not playing.outputs.requests)


def test_what_is_kept_back_from_all_is_not_wanted(playing: Stream) -> None:
    def have(*nodes: Node) -> bool:
        playing.filters.configure(paths(*nodes))
        playing.outputs.follow_filters()
        return playing.outputs.wanted

    shut, open_ = Gate(id="night", source="door", opened=False), Gate(id="night", source="door")
    slow = Rate(id="slow", source="night", fps=5)
    have(shut, slow)
    reader = playing.read(RingRequest("slow"))
    assert not playing.outputs.wanted
    assert have(open_, slow)
    assert not have(shut, slow)
    for watching in (
        Movement(id="x", source="night", every_ms=40, threshold=0.1, ends_after_ms=0),
        Observe(id="x", source="night", of="pictures"),
    ):
        assert not have(shut, slow, watching)
        assert have(shut, slow, msgspec.structs.replace(watching, source="door"))
    # Packets are not pictures: to tell of them costs no decoding.
    assert not have(shut, slow, Observe(id="x", source="door", of="packets"))
    assert playing.outputs.takes_packets
    assert not have(shut, slow)
    assert not playing.outputs.takes_packets
    own = playing.read(NATIVE)
    assert playing.outputs.wanted
    own.close()
    playing.until(lambda: not playing.outputs.wanted)
    assert reader.read_nowait() is None


def test_pictures_are_watched_without_readers_and_once_for_all(playing: Stream) -> None:
    playing.filters.configure(
        paths(Observe(id="x", source="door", of="pictures"), Gate(id="night", source="x"))
    )
    playing.outputs.follow_filters()
    playing.publish(picture(1))
    readers = [playing.read(RingRequest("x")), playing.read(RingRequest("night", "gray8"))]
    playing.publish(picture(2))
    assert [reader.read(1).pts for reader in readers] == [7200, 7200]
    assert [event.count for event in playing.told] == [1, 2]
    assert playing.outputs.conversions == 2


def test_descriptors_are_written_to_once_the_picture_is_in_the_ring(playing: Stream) -> None:
    playing.filters.configure(paths(Publish(id="x", source="door", ring="lens", format="gray8", tag=5)))
    playing.outputs.follow_filters()
    assert not playing.outputs.wanted
    bell = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
    try:
        playing.filters.attach("x", [os.dup(bell)])
        assert playing.outputs.wanted
        reader = playing.read(RingRequest("x", "gray8"))
        playing.publish(picture(1), picture(2))
        assert os.eventfd_read(bell) == 2
        frame = reader.read_nowait()
        assert frame is not None
        assert frame.tag == 5
        reader.close()
        playing.until(lambda: playing.outputs.statistics() == ())
        assert playing.outputs.wanted
        playing.filters.attach("x", [])
        assert not playing.outputs.wanted
    finally:
        playing.filters.close()
        os.close(bell)


def test_packets_have_readers_before_there_is_a_picture_and_filters_of_their_own(stream: Stream) -> None:
    stream.filters.configure(
        paths(
            Interval(id="seldom", source="door", shortest_ms=100),
            Observe(id="x", source="door", of="packets"),
        )
    )
    stream.outputs.follow_filters()
    early = stream.read(NATIVE)
    seldom, all_ = stream.read(RingRequest("seldom", "nal")), stream.read(RingRequest("door", "nal"))
    assert stream.outputs.takes_packets
    assert not stream.outputs.wanted
    assert [ring.readers for ring in stream.outputs.statistics()] == [1, 1]
    info = StreamInfo("vp8", None, 320, 180, 25.0)
    for number in range(6):
        packet = Packet(b"packet", number, TIME_BASE, True, 0, (number + 1) * 40_000_000, "rtcp")
        stream.outputs.publish_packet(packet, info)
    assert [all_.read(1).pts for _ in range(6)] == list(range(6))
    assert [seldom.read(1).pts for _ in range(2)] == [0, 3]
    assert [event.count for event in stream.told] == list(range(1, 7))
    stream.outputs.set_picture(320, 180, 25.0)
    assert stream.outputs.wanted
    stream.publish(picture(1))
    assert early.read(1).pts == 3600


def test_memory_is_asked_for_before_it_is_touched(playing: Stream) -> None:
    playing.answering = False
    readers = [playing.read(NATIVE), playing.read(NATIVE)]
    (question,) = playing.unanswered
    assert question.stream == "door"
    assert playing.outputs.statistics() == ()
    playing.answer(playing.unanswered.pop())
    # One after another: the first one's ring has room for its own leases.
    (question,) = playing.unanswered
    playing.answer(playing.unanswered.pop())
    (ring,) = playing.outputs.statistics()
    assert (ring.readers, ring.size_bytes) == (2, playing.reserved_bytes)
    assert question.size_bytes == pytest.approx(3 * 320 * 180 * 1.5, rel=0.05)
    playing.publish(picture(1))
    assert [reader.read(1).pts for reader in readers] == [3600, 3600]
    assert 0 < playing.outputs.touched_bytes < playing.reserved_bytes


def test_a_reader_without_room_is_refused_and_the_others_play_on(playing: Stream) -> None:
    reader = playing.read(NATIVE)
    playing.room_bytes = playing.reserved_bytes + 1000
    for request in (NATIVE, RingRequest("door", "bgra")):
        with pytest.raises(BrokenError, match=r"No room for door\."):
            playing.read(request).read(1)
    playing.publish(picture(1))
    assert reader.read(1).pts == 3600
    assert len(playing.outputs.statistics()) == 1


def test_all_memory_is_given_back(playing: Stream) -> None:
    readers = [playing.read(NATIVE), playing.read(RingRequest("door", "bgra")), playing.read(NATIVE)]
    playing.publish(picture(1))
    before = playing.reserved_bytes
    readers[2].close()
    playing.until(lambda: playing.reserved_bytes < before)
    readers[0].close()
    playing.until(lambda: len(playing.outputs.statistics()) == 1)
    (ring,) = playing.outputs.statistics()
    assert playing.reserved_bytes == ring.size_bytes
    playing.answering = False
    leaving = playing.read(RingRequest("door", "gray8"))
    leaving.close()
    playing.loop.run_once(0)
    playing.answer(playing.unanswered.pop())
    assert playing.reserved_bytes == ring.size_bytes
    playing.outputs.close()
    assert playing.reserved_bytes == 0


def test_larger_pictures_wait_for_memory_and_smaller_ones_give_it_back(playing: Stream) -> None:
    reader = playing.read(NATIVE)
    playing.publish(picture(1))
    before = playing.reserved_bytes
    playing.answering = False
    playing.outputs.set_picture(640, 360, 25.0)
    playing.publish(picture(2, 640, 360))
    playing.answer(playing.unanswered.pop())
    playing.publish(picture(3, 640, 360))
    assert [(frame.pts, frame.width) for frame in (reader.read(1), reader.read(1))] == [
        (3600, 320),
        (10800, 640),
    ]
    assert playing.outputs.statistics()[0].unfit == 1
    assert playing.reserved_bytes > 3 * before
    playing.outputs.set_picture(320, 180, 25.0)
    playing.publish(picture(4))
    assert reader.read(1).width == 320
    playing.until(lambda: playing.reserved_bytes == before)


def test_larger_pictures_without_room_end_their_ring_in_words(playing: Stream) -> None:
    native, tile = playing.read(NATIVE), playing.read(RingRequest("door", "bgra", 160, 90))
    playing.room_bytes = playing.reserved_bytes
    playing.outputs.set_picture(640, 360, 25.0)
    playing.publish(picture(1, 640, 360))
    with pytest.raises(BrokenError, match=r"No room for door\."):
        native.read(1)
    assert tile.read(1).pts == 3600
    (ring,) = playing.outputs.statistics()
    assert playing.reserved_bytes == ring.size_bytes


def test_a_ring_that_cannot_be_made_is_refused_with_a_reason(playing: Stream) -> None:
    readers = [playing.read(RingRequest("door", None, 16 + 2 * n, 16)) for n in range(MAX_RINGS)]
    with pytest.raises(BrokenError, match=r"the pictures of 'door' can't be had so: 64 other sizes"):
        playing.read(NATIVE).read(1)
    assert len(playing.outputs.statistics()) == len(readers)
    readers[0].close()
    playing.until(lambda: len(playing.outputs.statistics()) == MAX_RINGS - 1)
    reader = playing.read(NATIVE)
    playing.publish(picture(1))
    assert reader.read(1).width == 320


def test_closing_ends_the_readers_waiting_or_served(stream: Stream) -> None:
    reader = stream.read(NATIVE)
    stream.outputs.close()
    stream.outputs.close()
    with pytest.raises(BrokenError, match="the site is gone"):
        reader.read(1)


def test_readers_come_and_go_while_another_thread_publishes(playing: Stream) -> None:
    ending = threading.Event()

    def publish() -> None:
        number = 0
        while not ending.is_set():
            number += 1
            playing.publish(picture(number % 200, *((320, 180) if number % 40 < 20 else (640, 360))))

    thread = threading.Thread(target=publish)
    thread.start()
    try:
        for turn in range(30):
            one = playing.read(RingRequest("door", "bgra", 64 + turn % 3, 36))
            two = playing.read(NATIVE)
            assert one.read(5).width == 64 + turn % 3
            assert two.read(5).width in (320, 640)
            one.close()
            two.close()
            playing.loop.run_once(0)
    finally:
        ending.set()
        thread.join()
    playing.until(lambda: playing.outputs.statistics() == ())
