"""What becomes of pictures that data is missing of: packets encoded here, some of them lost on the way."""

from collections.abc import Iterator
from typing import NamedTuple

import av
import numpy as np
import pytest
from av.video.codeccontext import VideoCodecContext
from numpy.typing import NDArray
from tests.unit.media.encoded import INFO, TICKS, TIME_BASE, encode, number_of, packet_of

from camgraph.media.decode import Picture, VideoDecoder
from camgraph.media.source import Packet, StreamInfo

WIDTH, HEIGHT, GOP = 320, 192, 20


def lose(packets: list[Packet], *numbers: int) -> list[Packet]:
    """Leave packets out; the next one says that something is missing."""
    found = []
    damaged = False
    for number, packet in enumerate(packets):
        if number in numbers:
            damaged = True
        else:
            found.append(packet._replace(damaged=damaged))
            damaged = False
    return found


def decode(decoder: VideoDecoder, packets: list[Packet], *, show_damaged: bool = False) -> Iterator[Picture]:
    for packet in packets:
        yield from decoder.decode(packet, show_damaged=show_damaged)


def test_after_loss_nothing_is_shown_up_to_a_whole_key_frame() -> None:
    decoder = VideoDecoder(INFO)
    found = [number_of(picture) for picture in decode(decoder, lose(encode(50), 13, 29, 32))]
    # The key frame 30 follows on a loss: nobody knows on which side of the border the data is missing.
    assert found == [*range(13), *range(20, 29), *range(40, 50)]
    assert (decoder.drops.damaged, decoder.drops.total, decoder.errors) == (15, 15, 0)


def test_each_cause_has_its_own_count() -> None:
    decoder, packets = VideoDecoder(INFO), encode(50)
    packets[25] = packets[25]._replace(data=b"\0\0\0\1\x41" + b"\xff" * 40)
    found = [number_of(picture) for picture in decode(decoder, lose(packets, 13)[3:])]
    assert found == [*range(10, 13), *range(20, 25), *range(30, 50)]
    assert decoder.drops.by_cause() == {"no_keyframe": 7, "damaged": 6, "behind": 0, "decoder": 5}
    assert decoder.errors == 1


def test_reordered_pictures_that_are_whole_are_shown_before_it_waits() -> None:
    decoder, packets = VideoDecoder(INFO), encode(40, bframes=2)
    given = lose(packets, 13)
    found = [number_of(picture) for picture in decode(decoder, given)]
    assert found == sorted(found)
    assert not set(found) & set(range(13, 20))
    assert set(range(20, 36)) <= set(found)
    assert len(given) == len(found) + decoder.drops.total + decoder.held


def test_damaged_pictures_are_shown_if_asked_for_and_no_longer_when_not() -> None:
    decoder, packets = VideoDecoder(INFO), lose(encode(40), 13, 33)
    shown = list(decode(decoder, packets[:16], show_damaged=True))
    assert [picture.packet.pts // TICKS for picture in shown if picture.packet.pts is not None] == [
        *range(13),
        *range(14, 17),
    ]
    # Switched while the damage is still in sight: the pictures that rest on it go.
    assert [number_of(picture) for picture in decode(decoder, packets[16:])] == list(range(20, 33))
    assert decoder.drops.damaged == 9


def pixels(picture: Picture) -> NDArray[np.uint8]:
    return np.asarray(picture.frame.to_ndarray(), np.uint8)


class Scene(NamedTuple):
    packets: list[Packet]
    pictures: list[NDArray[np.uint8]]
    """As a decoder shows them that got every packet."""


@pytest.fixture(scope="module")
def refreshing() -> Scene:
    """A stream with intra refresh: moving noise, so that a lost picture leaves its marks."""
    context = av.CodecContext.create("libx264", "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height, context.pix_fmt, context.time_base = WIDTH, HEIGHT, "yuv420p", TIME_BASE
    context.options = {"preset": "fast", "tune": "zerolatency", "intra-refresh": "1", "g": str(GOP)}
    noise = np.random.default_rng(1).integers(40, 200, (HEIGHT * 3 // 2, WIDTH), np.uint8)
    packets = []
    for number in range(5 * GOP):
        frame = av.VideoFrame.from_ndarray(np.roll(noise, 4 * number, axis=1), format="yuv420p")
        frame.pts, frame.time_base = number * TICKS, TIME_BASE
        packets += [packet_of(packet) for packet in context.encode(frame)]
    packets += [packet_of(packet) for packet in context.encode(None)]
    packets = [
        packet._replace(keyframe=recovery, refresh=recovery and b"\0\0\1\x65" not in packet.data)
        for packet in packets
        for recovery in [packet.keyframe or b"\0\0\1\6\6" in packet.data]
    ]
    assert sum(packet.refresh for packet in packets) >= 3
    return Scene(packets, [pixels(picture) for picture in decode(VideoDecoder(INFO), packets)])


def test_a_stream_with_intra_refresh_goes_on_after_loss_and_gets_whole_again(refreshing: Scene) -> None:
    decoder = VideoDecoder(INFO)
    lost = 2 * GOP + 5
    shown = list(decode(decoder, lose(refreshing.packets, lost)))
    assert decoder.refreshes
    assert len(shown) == len(refreshing.packets) - 1
    assert decoder.drops.total == 0
    errors = [
        np.abs(pixels(picture).astype(int) - whole).max()
        for picture, whole in zip(shown[lost:], refreshing.pictures[lost + 1 :], strict=True)
    ]
    assert errors[0] > 20, "the loss leaves no mark: it proves nothing"
    assert max(errors[-GOP + 1 :]) == 0


def test_joined_at_a_recovery_point_the_first_picture_shown_is_whole(refreshing: Scene) -> None:
    decoder = VideoDecoder(INFO)
    begin = GOP + 3
    shown = list(decode(decoder, refreshing.packets[begin:]))
    first = shown[0].packet.pts
    assert first is not None
    number = first // TICKS
    assert number > 2 * GOP
    assert np.array_equal(pixels(shown[0]), refreshing.pictures[number])
    assert len(shown) + decoder.drops.no_keyframe == len(refreshing.packets) - begin
    assert decoder.held == decoder.errors == 0


@pytest.mark.parametrize("codec", ["hevc"])
def test_another_codec_waits_alike(codec: str) -> None:
    context = av.CodecContext.create("libx265", "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height, context.pix_fmt, context.time_base = 320, 180, "yuv420p", TIME_BASE
    context.options = {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "x265-params": "keyint=10:min-keyint=10:log-level=0:repeat-headers=1",
    }
    packets = []
    for number in range(30):
        frame = av.VideoFrame.from_ndarray(np.full((270, 320), 40 + 4 * number, np.uint8), format="yuv420p")
        frame.pts, frame.time_base = number * TICKS, TIME_BASE
        packets += [packet_of(packet) for packet in context.encode(frame)]
    packets += [packet_of(packet) for packet in context.encode(None)]
    decoder = VideoDecoder(StreamInfo(codec, None, 0, 0, 0.0))
    found = [number_of(picture) for picture in decode(decoder, lose(packets, 13))]
    assert found == [*range(13), *range(20, 30)]
