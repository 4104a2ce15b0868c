"""The decoder on its own: packets encoded here, some of them damaged."""

from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np
import pytest
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from camgraph.base.errors import DecodeError
from camgraph.media.decode import GIVE_UP_AFTER_NS, Picture, VideoDecoder
from camgraph.media.source import Packet, StreamInfo

TICKS = 3600
TIME_BASE = Fraction(1, 90_000)
INFO = StreamInfo("h264", None, 0, 0, 0.0)


def encode(count: int = 30, size: tuple[int, int] = (320, 180), bframes: int = 0) -> list[Packet]:
    """Return packets whose picture number n is a plain grey of 40 + 4 n, a key frame each ten."""
    context = av.CodecContext.create("libx264", "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height, context.pix_fmt = *size, "yuv420p"
    context.time_base, context.framerate = TIME_BASE, Fraction(25)
    context.options = {"preset": "ultrafast", "g": "10", "keyint_min": "10", "sc_threshold": "0"}
    context.max_b_frames = bframes
    packets: list[Packet] = []
    for number in range(count):
        frame = av.VideoFrame.from_ndarray(
            np.full((size[1] * 3 // 2, size[0]), 40 + 4 * (number % 30), np.uint8), format="yuv420p"
        )
        frame.pts, frame.time_base = number * TICKS, TIME_BASE
        packets += map(packet_of, context.encode(frame))
    return packets + [packet_of(packet) for packet in context.encode(None)]


def packet_of(encoded: "av.Packet[VideoStream]") -> Packet:
    assert encoded.pts is not None
    arrival_ns = 1000 + encoded.pts // TICKS * 40_000_000
    return Packet(
        bytes(encoded), encoded.pts, TIME_BASE, encoded.is_keyframe, arrival_ns, arrival_ns, "arrival"
    )


def decode(decoder: VideoDecoder, packets: list[Packet]) -> Iterator[Picture]:
    for packet in packets:
        yield from decoder.decode(packet)


def numbers(pictures: Iterator[Picture]) -> list[int]:
    found = []
    for picture in pictures:
        luma = picture.frame.to_ndarray()[: picture.frame.height].mean()
        found.append(round((luma - 40) / 4))
        assert picture.packet.pts == picture.frame.pts == found[-1] * TICKS
    return found


def test_every_packet_gives_its_picture() -> None:
    decoder = VideoDecoder(INFO)
    pictures = [decoder.decode(packet) for packet in encode()]
    assert [len(some) for some in pictures] == [1] * 30
    assert numbers(picture for some in pictures for picture in some) == list(range(30))
    assert [some[0].frame.key_frame for some in pictures] == [number % 10 == 0 for number in range(30)]
    assert decoder.dropped == 0


def test_reordered_pictures_know_their_own_packets() -> None:
    packets = encode(bframes=2)
    assert [packet.pts for packet in packets] != sorted(packet.pts or 0 for packet in packets)
    found = numbers(decode(VideoDecoder(INFO), packets))
    assert found == list(range(len(found)))
    assert len(found) > 25


def test_it_starts_at_a_key_frame() -> None:
    decoder = VideoDecoder(INFO)
    assert numbers(decode(decoder, encode()[3:])) == list(range(10, 30))
    assert decoder.dropped == 7


def test_damage_costs_the_pictures_up_to_the_next_key_frame() -> None:
    decoder, packets = VideoDecoder(INFO), encode()
    packets[13] = packets[13]._replace(data=b"\0\0\0\1\x41" + b"\xff" * 40)
    assert numbers(decode(decoder, packets)) == [*range(13), *range(20, 30)]
    assert decoder.dropped == 7


def test_a_packet_of_nonsense_raises_nothing() -> None:
    decoder = VideoDecoder(INFO)
    for data in (b"\0", b"nonsense", bytes(1000)):
        packet = Packet(data, 0, TIME_BASE, True, 1, 1, "arrival")
        assert decoder.decode(packet) == []
    assert numbers(decode(decoder, encode())) == list(range(30))


def test_nothing_but_nonsense_is_given_up() -> None:
    decoder, packets = VideoDecoder(INFO), encode()
    assert numbers(decode(decoder, packets)) == list(range(30))
    nonsense = Packet(b"\0\0\0\1\x65" + b"\xff" * 40, 0, TIME_BASE, True, 5_000_000_000, 0, "arrival")
    assert decoder.decode(nonsense) == []
    assert decoder.decode(nonsense._replace(arrival_ns=nonsense.arrival_ns + GIVE_UP_AFTER_NS - 1)) == []
    with pytest.raises(DecodeError, match="nothing could be decoded for 10 s"):
        decoder.decode(nonsense._replace(arrival_ns=nonsense.arrival_ns + GIVE_UP_AFTER_NS))


def test_another_size_in_the_stream_is_followed() -> None:
    decoder = VideoDecoder(INFO)
    pictures = list(decode(decoder, encode(10) + encode(10, (640, 360))))
    assert [picture.frame.width for picture in pictures] == [320] * 10 + [640] * 10


def test_parameter_sets_may_come_apart() -> None:
    packets = encode(5)
    start = bytes(packets[0].data).index(b"\0\0\1\x65")
    parameters, rest = packets[0].data[:start], packets[0].data[start:]
    decoder = VideoDecoder(INFO._replace(extradata=parameters))
    assert numbers(decode(decoder, [packets[0]._replace(data=rest), *packets[1:]])) == list(range(5))


def test_a_packet_without_time_is_decoded() -> None:
    decoder, packets = VideoDecoder(INFO), encode(3)
    (picture,) = decoder.decode(packets[0]._replace(pts=None))
    assert picture.frame.pts is None
    assert picture.packet.pts is None
    assert numbers(decode(decoder, packets[1:])) == [1, 2]


def test_an_unknown_codec_is_named() -> None:
    with pytest.raises(DecodeError, match="no decoder for quipu"):
        VideoDecoder(INFO._replace(codec="quipu"))
