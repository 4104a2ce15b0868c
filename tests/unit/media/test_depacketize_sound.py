"""Sound out of RTP: AAC in both ways, and G.711."""

from fractions import Fraction
from functools import cache

import av
import numpy as np
import pytest
from av.audio.codeccontext import AudioCodecContext
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.media.rtp_streams import flat, pictures, received, sent

from camgraph.media.rtp.depacketize import depacketizer_for
from camgraph.media.rtp.depacketize.aac import AacDepacketizer, LatmDepacketizer
from camgraph.media.rtp.depacketize.g711 import G711Depacketizer
from camgraph.media.rtp.units import AccessUnit, Depacketizer

RATE = 16_000
HBR = {"mode": "AAC-hbr", "sizelength": "13", "indexlength": "3", "indexdeltalength": "3"}
_FRAME = 1024


@cache
def aac() -> tuple[bytes, tuple[bytes, ...]]:
    """Return the AudioSpecificConfig and the frames of a second of noise."""
    context = av.CodecContext.create("aac", "w")
    assert isinstance(context, AudioCodecContext)
    context.sample_rate, context.layout, context.format = RATE, "mono", "fltp"
    context.time_base = Fraction(1, RATE)
    frames: list[bytes] = []
    random = np.random.default_rng(2)
    for number in range(16):
        samples = random.uniform(-0.5, 0.5, (1, _FRAME)).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
        frame.sample_rate, frame.pts = RATE, number * _FRAME
        frames += map(bytes, context.encode(frame))
    frames += map(bytes, context.encode(None))
    assert context.extradata is not None
    return context.extradata, tuple(frames)


def latm(config: bytes) -> str:
    """Return a StreamMuxConfig of one program with one layer (ISO 14496-3), in hex."""
    bits = "0" + "1" + "000000" + "0000" + "000" + "".join(f"{byte:08b}" for byte in config)
    bits += "000" + "11111111" + "0" + "0"
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big").hex()


def headed(*frames: bytes, whole: int = 0) -> bytes:
    """Return a payload of frames with their sizes before them; `whole`: the size of which this is a part."""
    sizes = [whole or len(frame) for frame in frames]
    headers = b"".join((size << 3).to_bytes(2, "big") for size in sizes)
    return (8 * len(headers)).to_bytes(2, "big") + headers + b"".join(frames)


def muxed(frame: bytes) -> bytes:
    return b"\xff" * (len(frame) // 255) + bytes((len(frame) % 255,)) + frame


def take(depacketizer: Depacketizer, *parts: tuple[bytes, int, bool]) -> list[AccessUnit]:
    units = []
    for payload, timestamp, marker in parts:
        units += depacketizer.push(payload, 0, len(payload), timestamp, marker)
    return units


@pytest.mark.parametrize("parameters", [HBR, {}, {**HBR, "sizelength": "x"}])
def test_aac_as_it_is_sent(parameters: dict[str, str]) -> None:
    config, frames = aac()
    depacketizer = AacDepacketizer({**parameters, "config": config.hex()})
    units = received(depacketizer, flat(sent("aac", frames, ticks=_FRAME, clock=RATE)))
    # The packetizer gathers frames, and keeps those for itself that it has at the end.
    assert len(units) >= len(frames) - 1
    assert [unit.data for unit in units] == list(frames[: len(units)])
    assert [unit.timestamp for unit in units] == [number * _FRAME for number in range(len(units))]
    assert all(unit.keyframe and not unit.damaged for unit in units)
    assert depacketizer.parameter_sets == config
    sounds = pictures("aac", [unit.data for unit in units], depacketizer.parameter_sets)
    assert sounds == pictures("aac", frames[: len(units)], config)


def test_a_large_aac_frame_comes_in_parts() -> None:
    frame = bytes(range(256)) * 3
    parts = [headed(frame[at : at + 300], whole=len(frame)) for at in (0, 300, 600)]
    expected = AccessUnit(frame, 7, True, False)
    assert take(AacDepacketizer(HBR), *((part, 7, part is parts[-1]) for part in parts)) == [expected]
    assert take(AacDepacketizer(HBR), *((part, 7, False) for part in parts)) == [expected]
    assert take(AacDepacketizer(HBR), (headed(b"ab", whole=9), 6, False), (headed(b"abc"), 7, True)) == [
        AccessUnit(b"abc", 7, True, False)
    ]


@pytest.mark.parametrize("missing", range(3))
def test_a_frame_of_which_a_part_is_missing_is_dropped(missing: int) -> None:
    frame = bytes(range(256)) * 3
    parts = [headed(frame[at : at + 300], whole=len(frame)) for at in (0, 300, 600)]
    depacketizer = AacDepacketizer(HBR)
    for number, part in enumerate(parts):
        if number == missing:
            depacketizer.lost()
        else:
            assert not take(depacketizer, (part, 0, number == 2))
    assert take(depacketizer, (headed(b"ab", b"c"), 1, True)) == [
        AccessUnit(b"ab", 1, True, False),
        AccessUnit(b"c", 1 + _FRAME, True, False),
    ]


def test_other_sizes_of_headers() -> None:
    low = AacDepacketizer({"mode": "AAC-lbr", "sizelength": "6", "indexlength": "2", "indexdeltalength": "2"})
    assert [unit.data for unit in take(low, (b"\0\x10\x0c\x08abcde", 0, True))] == [b"abc", b"de"]
    bare = AacDepacketizer({"sizelength": "0", "constantduration": "960"})
    assert [unit.data for unit in take(bare, (b"abcde", 0, True))] == [b"abcde"]
    long = AacDepacketizer({**HBR, "constantduration": "960"})
    assert [unit.timestamp for unit in take(long, (headed(b"a", b"b"), 0xFFFFFFFF, True))] == [
        0xFFFFFFFF,
        959,
    ]


def test_latm() -> None:
    config, frames = aac()
    depacketizer = LatmDepacketizer({"cpresent": "0", "config": latm(config)})
    assert depacketizer.parameter_sets.startswith(config)
    parts: list[tuple[bytes, int, bool]] = []
    for number, frame in enumerate(frames):
        whole = muxed(frame)
        parts += [(whole[:100], number * _FRAME, False), (whole[100:], number * _FRAME, True)]
    units = take(depacketizer, *parts)
    # What comes before the first marker may lack its beginning.
    assert [unit.data for unit in units] == list(frames[1:])
    assert [unit.timestamp for unit in units] == [number * _FRAME for number in range(1, len(frames))]
    sounds = pictures("aac", [unit.data for unit in units], depacketizer.parameter_sets)
    assert sounds == pictures("aac", frames[1:], config)
    (first, second) = take(depacketizer, (muxed(b"ab") + muxed(b"c" * 255), 0, True))
    assert (first.data, second.data, second.timestamp) == (b"ab", b"c" * 255, _FRAME)


def test_latm_after_a_gap() -> None:
    depacketizer = LatmDepacketizer({"config": latm(b"\x14\x08")})
    take(depacketizer, (b"\x01a", 0, True))
    depacketizer.lost()
    units = take(depacketizer, (b"\x03cde", 1, True), (b"\x01f", 2, True))
    assert [unit.data for unit in units] == [b"f"], "the first one may have been the rest of a frame"


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"config": "x"},
        {"config": "40"},
        {"cpresent": "1", "config": latm(b"\x14\x08")},
        {"config": "c0002420"},
    ],
)
def test_latm_of_other_kinds_is_left_to_others(parameters: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="configuration"):
        LatmDepacketizer(parameters)
    assert depacketizer_for("MP4A-LATM", parameters) is None


@pytest.mark.parametrize("codec", ["pcm_mulaw", "pcm_alaw"])
def test_g711(codec: str) -> None:
    samples = np.random.default_rng(3).integers(0, 255, (6, 160), np.uint8)
    units = received(
        G711Depacketizer(), flat(sent(codec, [row.tobytes() for row in samples], ticks=160, clock=8000))
    )
    assert b"".join(unit.data for unit in units) == samples.tobytes()
    assert units[0].timestamp == 0
    depacketizer = G711Depacketizer()
    depacketizer.lost()
    assert take(depacketizer, (b"", 0, True), (b"ab", 2, False)) == [AccessUnit(b"ab", 2, True, False)]


@given(
    st.lists(st.tuples(st.binary(max_size=20), st.integers(0, 3), st.booleans(), st.booleans())),
    st.sampled_from(["MPEG4-GENERIC", "MP4A-LATM", "PCMU"]),
    st.dictionaries(
        st.sampled_from(["config", "sizelength", "indexlength", "indexdeltalength", "constantduration"]),
        st.text(st.sampled_from("0123456789aF-²"), max_size=7),
    ),
)
def test_whatever_comes_does_no_harm(
    packets: list[tuple[bytes, int, bool, bool]], encoding: str, parameters: dict[str, str]
) -> None:
    found = depacketizer_for(encoding, parameters)
    if found is None:
        return
    for payload, timestamp, marker, lost in packets:
        if lost:
            found[1].lost()
        for unit in take(found[1], (payload, timestamp, marker)):
            assert unit.data in payload or encoding != "PCMU"
