"""Rings of packets of a stream, with real rings and readers, and packets encoded here."""

import io
from collections.abc import Iterator, Sequence

import av
import pytest
from tests.unit.media.encoded import TICKS, encode
from tests.unit.media.test_outputs import Stream

from camgraph.base.errors import BrokenError
from camgraph.graph.nodes import Gate, Node, Publish, RtspSource
from camgraph.graph.spec import GraphSpec, streams_of
from camgraph.media.packet_outputs import LEAST_BYTES
from camgraph.media.packets.nal import split_annex_b
from camgraph.media.source import Packet, StreamInfo
from camgraph.ring.frame import Frame
from camgraph.ring.protocol import RingRequest
from camgraph.ring.reader import Reader

GOP = 10
INFO = StreamInfo("h264", None, 320, 180, 25.0)
JPEG = StreamInfo("mjpeg", None, 320, 180, 25.0)
NAL, FMP4 = RingRequest("door", "nal"), RingRequest("door", "fmp4")
SOURCE = RtspSource(id="door", url="rtsp://camera.invalid/")


@pytest.fixture(scope="module")
def packets() -> list[Packet]:
    return encode(3 * GOP)


@pytest.fixture
def stream() -> Iterator[Stream]:
    stream = Stream()
    yield stream
    stream.close()


def put(
    stream: Stream, packets: Sequence[Packet], *readers: Reader, info: StreamInfo = INFO
) -> list[list[bytes]]:
    """Publish packets, and return what each reader gets of them."""
    got: list[list[bytes]] = [[] for _ in readers]
    for packet in packets:
        stream.outputs.publish_packet(packet, INFO)
        for reader, items in zip(readers, got, strict=True):
            items += [bytes(frame.memory) for frame in frames_of(reader)]
    return got


def frames_of(reader: Reader) -> Iterator[Frame]:
    while (frame := reader.read_nowait()) is not None:
        yield frame
        frame.release()


def boxes(items: Sequence[bytes]) -> list[str]:
    return [item[4:8].decode() for item in items]


def shown(items: Sequence[bytes]) -> int:
    with av.open(io.BytesIO(b"".join(items)), "r") as container:
        return len(list(container.decode(video=0)))


def configure(stream: Stream, *nodes: Node) -> None:
    stream.filters.configure(streams_of(GraphSpec(nodes=(SOURCE, *nodes))))
    stream.outputs.follow_filters()


def large(packet: Packet, size: int) -> Packet:
    """Return a packet with a unit of so many bytes of user data before the picture."""
    return packet._replace(data=b"\0\0\0\1\x06\x05" + b"\x55" * size + b"\x80" + packet.data)


def test_items_of_a_packet_and_what_is_known_of_them(stream: Stream, packets: list[Packet]) -> None:
    reader = stream.read(NAL)
    for packet in packets[:2]:
        stream.outputs.publish_packet(packet, INFO)
    frames = list(frames_of(reader))
    first, last = frames[0], frames[-1]
    assert (first.format, first.height, first.epoch, first.codec_generation) == ("nal", 1, 77, 1)
    assert (first.pts, first.time_base, first.arrival_ns) == (0, packets[0].time_base, 1000)
    assert (first.capture_ns, first.capture_quality) == (1000, "arrival")
    slices = [len(split_annex_b(packet.data)) for packet in packets[:2]]
    assert [frame.keyframe for frame in frames] == [True] * slices[0] + [False] * slices[1]
    assert [frame.seq for frame in frames] == list(range(1, sum(slices) + 1))
    assert last.pts == TICKS


def test_packets_are_had_before_there_was_a_picture_and_all_of_them(
    stream: Stream, packets: list[Packet]
) -> None:
    (items,) = put(stream, packets, stream.read(FMP4))
    assert boxes(items) == ["ftyp", "moov", *["moof", "mdat"] * len(packets)]
    assert shown(items) == len(packets)


def test_a_reader_that_comes_later_begins_with_the_header_and_a_key_frame(
    stream: Stream, packets: list[Packet]
) -> None:
    first = stream.read(FMP4)
    put(stream, packets[:3], first)
    second = stream.read(FMP4)
    one, two = put(stream, packets[3:], first, second)
    assert shown(two) == 2 * GOP
    assert boxes(two) == ["ftyp", "moov", *["moof", "mdat"] * (2 * GOP)]
    # The ring is one: who was there sees the header, too.
    assert boxes(one).count("moov") == 1
    assert second.statistics().behind == second.statistics().late == 0


def test_a_gate_that_opens_brings_the_header_and_a_key_frame(stream: Stream, packets: list[Packet]) -> None:
    configure(stream, Gate(id="gate", source="door"))
    reader = stream.read(RingRequest("gate", "fmp4"))
    put(stream, packets[:5], reader)
    configure(stream, Gate(id="gate", source="door", opened=False))
    assert put(stream, packets[5:12], reader) == [[]]
    configure(stream, Gate(id="gate", source="door"))
    (items,) = put(stream, packets[12:], reader)
    assert boxes(items) == ["ftyp", "moov", *["moof", "mdat"] * GOP]


def test_headers_come_again_when_they_are_asked_for(stream: Stream, packets: list[Packet]) -> None:
    configure(stream, Publish(id="out", source="door", ring="ring", format="fmp4", tag=7))
    reader = stream.read(RingRequest("out", "fmp4"))
    put(stream, packets[:5], reader)
    configure(stream, Publish(id="out", source="door", ring="ring", format="fmp4", headers=1, tag=7))
    (items,) = put(stream, packets[5:9], reader)
    assert boxes(items) == ["ftyp", "moov", *["moof", "mdat"] * 4]
    stream.outputs.publish_packet(packets[9], INFO)
    assert {frame.tag for frame in frames_of(reader)} == {7}


def test_a_ring_grows_with_its_items(stream: Stream, packets: list[Packet]) -> None:
    reader = stream.read(NAL)
    put(stream, packets[:2], reader)
    put(stream, [large(packets[2], LEAST_BYTES)], reader)
    stream.until(lambda: stream.outputs.statistics()[0].size_bytes < stream.reserved_bytes)
    (items,) = put(stream, packets[3:5], reader)
    # What had no room at first waited for it.
    assert len(items[0]) == LEAST_BYTES + 7
    assert len(items) == 1 + sum(len(split_annex_b(packet.data)) for packet in packets[2:5])
    (ring,) = stream.outputs.statistics()
    assert (ring.width, ring.unfit) == (2 * LEAST_BYTES, 0)
    assert ring.size_bytes <= stream.reserved_bytes


def test_a_ring_whose_items_outgrow_the_memory_ends_with_the_reason(
    stream: Stream, packets: list[Packet]
) -> None:
    reader = stream.read(NAL)
    put(stream, packets[:2], reader)
    stream.room_bytes = stream.reserved_bytes
    stream.outputs.publish_packet(large(packets[2], LEAST_BYTES), INFO)
    stream.until(lambda: stream.outputs.statistics() == ())
    with pytest.raises(BrokenError, match="No room for door"):
        reader.read(1)
    stream.until(lambda: stream.reserved_bytes == 0)


def test_of_a_given_length_longer_items_are_cut_and_told_as_corrupt(
    stream: Stream, packets: list[Packet]
) -> None:
    reader = stream.read(RingRequest("door", "nal", 20, 1))
    for packet in packets[:1]:
        stream.outputs.publish_packet(packet, INFO)
    frames = list(frames_of(reader))
    assert [frame.corrupt for frame in frames] == [frame.width == 20 for frame in frames]
    assert {frame.width < 20 for frame in frames} == {True, False}
    assert stream.outputs.statistics()[0].width == 20


def test_damage_is_told(stream: Stream, packets: list[Packet]) -> None:
    reader = stream.read(FMP4)
    stream.outputs.publish_packet(packets[0], INFO)
    assert not any(frame.corrupt for frame in frames_of(reader))
    stream.outputs.publish_packet(packets[1]._replace(damaged=True), INFO)
    assert [frame.corrupt for frame in frames_of(reader)] == [True, True]


def test_a_new_connection_brings_the_header_again_and_its_time_goes_on(
    stream: Stream, packets: list[Packet]
) -> None:
    reader = stream.read(FMP4)
    put(stream, packets[:5], reader)
    again = StreamInfo("h264", None, 320, 180, 25.0)
    for packet in packets[:2]:
        stream.outputs.publish_packet(packet, again)
    frames = list(frames_of(reader))
    assert {frame.codec_generation for frame in frames} == {2}
    assert len(frames) == 6
    (ring,) = stream.outputs.statistics()
    assert (ring.format, ring.readers, ring.published) == ("fmp4", 1, 12 + 6)


def test_other_codecs_make_whole_packets_and_no_fragments(stream: Stream) -> None:
    jpeg = Packet(b"\xff\xd8 picture", 0, encode(1)[0].time_base, True, 0, 0, "none")
    nal, fmp4 = stream.read(NAL), stream.read(FMP4)
    stream.outputs.publish_packet(jpeg, JPEG)
    assert [bytes(frame.memory) for frame in frames_of(nal)] == [jpeg.data]
    stream.until(lambda: len(stream.outputs.statistics()) == 1)
    with pytest.raises(BrokenError, match=r"H\.264 and H\.265, and this is mjpeg"):
        fmp4.read(1)


def test_nothing_is_made_without_a_reader_and_a_ring_ends_a_second_after_the_last_one(
    stream: Stream, packets: list[Packet]
) -> None:
    reader = stream.read(FMP4)
    assert stream.outputs.takes_packets
    put(stream, packets[:2], reader)
    reader.close()
    stream.until(lambda: stream.outputs.statistics()[0].readers == 0)
    put(stream, packets[2:5])
    second = stream.read(FMP4)
    (items,) = put(stream, packets[5:], second)
    assert shown(items) == 2 * GOP
    second.close()
    stream.until(lambda: not stream.outputs.takes_packets)
    stream.until(lambda: stream.reserved_bytes == 0)
