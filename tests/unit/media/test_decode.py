"""The decoder on its own: packets encoded here, some of them damaged."""

import os
from collections.abc import Iterator

import pytest
from tests.unit.media.encoded import INFO, TIME_BASE, encode, number_of

from camgraph.base.errors import DecodeError
from camgraph.media.decode import GIVE_UP_AFTER_NS, Picture, VideoDecoder
from camgraph.media.source import Packet


def decode(decoder: VideoDecoder, packets: list[Packet]) -> Iterator[Picture]:
    for packet in packets:
        yield from decoder.decode(packet)


def numbers(pictures: Iterator[Picture]) -> list[int]:
    return [number_of(picture) for picture in pictures]


def test_every_packet_gives_its_picture() -> None:
    decoder = VideoDecoder(INFO)
    pictures = [decoder.decode(packet) for packet in encode()]
    assert [len(some) for some in pictures] == [1] * 30
    assert numbers(picture for some in pictures for picture in some) == list(range(30))
    assert [some[0].frame.key_frame for some in pictures] == [number % 10 == 0 for number in range(30)]
    assert decoder.drops.total == 0


def test_reordered_pictures_know_their_own_packets() -> None:
    packets = encode(bframes=2)
    assert [packet.pts for packet in packets] != sorted(packet.pts or 0 for packet in packets)
    found = numbers(decode(VideoDecoder(INFO), packets))
    assert found == list(range(len(found)))
    assert len(found) > 25


@pytest.mark.parametrize("bframes", [0, 2])
def test_several_threads_give_the_same_pictures(bframes: int) -> None:
    packets = encode(bframes=bframes)
    before = len(os.listdir("/proc/self/task"))
    decoder = VideoDecoder(INFO, threads=3)
    found = list(decode(decoder, packets))
    assert len(os.listdir("/proc/self/task")) == before + 3
    found += decoder.rest()
    assert numbers(iter(found)) == list(range(30))
    assert [picture.packet.pts for picture in found] == sorted(packet.pts or 0 for packet in packets)
    assert decoder.drops.total == 0
    # One by one as with one thread.
    keys = [decoder.decode_alone(packet) for packet in packets if packet.keyframe]
    assert [[number_of(picture) for picture in some] for some in keys] == [[0], [10], [20]]


def test_it_starts_at_a_key_frame() -> None:
    decoder = VideoDecoder(INFO)
    assert numbers(decode(decoder, encode()[3:])) == list(range(10, 30))
    assert decoder.drops.total == 7


def test_damage_costs_the_pictures_up_to_the_next_key_frame() -> None:
    decoder, packets = VideoDecoder(INFO), encode()
    packets[13] = packets[13]._replace(data=b"\0\0\0\1\x41" + b"\xff" * 40)
    assert numbers(decode(decoder, packets)) == [*range(13), *range(20, 30)]
    assert decoder.drops.total == 7


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


def test_what_is_held_is_counted_and_forgotten_by_a_flush() -> None:
    decoder, packets = VideoDecoder(INFO), encode(bframes=2)
    given = len(list(decode(decoder, packets[:15])))
    assert decoder.held == 15 - given > 0
    assert decoder.flush() == 15 - given
    assert decoder.held == decoder.drops.total == 0
    found = numbers(decode(decoder, packets[15:]))
    assert found[0] == 20
    assert decoder.drops.total + len(found) + decoder.held == 15


def test_packets_without_a_picture_are_not_held_for_ever() -> None:
    decoder, packets = VideoDecoder(INFO), encode(1)
    filler = packets[0]._replace(data=b"\0\0\0\1\x0c\xff\xff\x80")
    assert len(list(decode(decoder, [packets[0], *[filler] * 100]))) == 1
    assert decoder.held <= 64
    assert decoder.held + decoder.drops.total == 100
