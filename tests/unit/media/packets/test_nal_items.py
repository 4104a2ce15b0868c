"""NAL units of packets: what readers of format nal get."""

import io
from fractions import Fraction

import av
import pytest
from tests.unit.media.encoded import encode

from camgraph.cli.camera_child import Codec
from camgraph.media.packets.nal import H264, H265, describe, split_annex_b, split_by_length
from camgraph.media.packets.units import NalItems
from camgraph.media.source import Packet
from camgraph.testing.clips import ClipRequest, ClipStore

START = b"\0\0\0\1"
SPS, PPS, VPS_265, SPS_265, PPS_265 = b"\x67\x42\x01", b"\x68\x02", b"\x40\x01a", b"\x42\x01b", b"\x44\x01c"
IDR, SLICE, SLICE_265, IDR_265 = b"\x65\x80\x03", b"\x41\x80\x03", b"\x02\x01\x80", b"\x26\x01\x80"


def packet(*units: bytes, key: bool = False) -> Packet:
    data = b"".join(START + unit for unit in units)
    return Packet(data, 0, Fraction(1, 90_000), key, 0, 0, "none")


def sent(maker: NalItems, *units: bytes, key: bool = False) -> list[bytes]:
    items = maker.items(packet(*units, key=key))
    assert all(item.data.startswith(START) and item.keyframe == key for item in items)
    assert [item.begins for item in items] == [key, *[False] * (len(items) - 1)][: len(items)]
    return [item.data[4:] for item in items]


def test_start_codes_of_both_lengths_and_padding_are_no_part_of_a_unit() -> None:
    assert split_annex_b(b"\0\0\1" + SPS + b"\0\0\0\0\1" + PPS + b"\0\0\0") == [SPS, PPS]
    assert split_annex_b(b"\0\0\1\0\0\1") == split_annex_b(b"") == split_annex_b(b"abc") == []


def test_lengths_set_units_apart_and_what_is_cut_off_is_left_out() -> None:
    data = b"\0\0\0\3" + SPS + b"\0\0\0\2" + PPS
    assert split_by_length(data, 4) == [SPS, PPS]
    assert split_by_length(data[:-1], 4) == [SPS]
    assert split_by_length(b"\3" + SPS, 1) == [SPS]


def test_parameter_sets_of_the_description_come_first_and_before_each_key_frame() -> None:
    maker = NalItems("h264", START + SPS + START + PPS)
    assert sent(maker, IDR, key=True) == [SPS, PPS, IDR]
    assert sent(maker, SLICE) == [SLICE]
    assert sent(maker, b"\x09\xf0", IDR, key=True) == [b"\x09\xf0", SPS, PPS, IDR]


def test_parameter_sets_in_band_are_sent_once_and_used_from_then_on() -> None:
    maker = NalItems("h264", START + SPS + START + PPS)
    new = SPS + b"\x05"
    assert sent(maker, new, PPS, IDR, key=True) == [new, PPS, IDR]
    assert sent(maker, PPS, IDR, key=True) == [new, PPS, IDR]
    assert sent(maker, IDR, key=True) == [new, PPS, IDR]


def test_of_h265_all_three_sets_come_in_their_order() -> None:
    maker = NalItems("hevc", b"".join(START + unit for unit in (PPS_265, SPS_265, VPS_265)))
    assert sent(maker, IDR_265, key=True) == [VPS_265, SPS_265, PPS_265, IDR_265]
    assert sent(maker, SLICE_265) == [SLICE_265]


def test_a_repeated_header_comes_before_the_next_packet() -> None:
    maker = NalItems("h264", START + SPS + START + PPS)
    maker.repeat_header()
    assert sent(maker, SLICE) == [SPS, PPS, SLICE]
    assert sent(maker, SLICE) == [SLICE]


def test_parameter_sets_of_packets_that_are_left_out_are_learned() -> None:
    maker = NalItems("h264", None)
    maker.skip(packet(SPS, PPS, IDR, key=True))
    assert maker.sets == (SPS, PPS)
    assert sent(maker, SLICE) == [SLICE]
    assert sent(maker, IDR, key=True) == [SPS, PPS, IDR]


def test_packets_of_other_codecs_stay_whole() -> None:
    (item,) = NalItems("mjpeg", None).items(Packet(b"\xff\xd8..", 0, Fraction(1), True, 0, 0, "none"))
    assert item == (b"\xff\xd8..", True, True)


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_extradata_and_packets_as_they_lie_in_an_mp4_file_give_the_same_units(codec: Codec) -> None:
    name = "hevc" if codec == "h265" else codec
    clip = ClipStore().make(ClipRequest(1, 320, 180, 25, codec), lambda: False)[:3]
    plain = NalItems(name, None)
    expected = [
        item.data
        for number, unit in enumerate(clip)
        for item in plain.items(Packet(unit, 0, Fraction(1), not number, 0, 0, "none"))
    ]
    file = io.BytesIO()
    with av.open(io.BytesIO(b"".join(clip)), "r", format=name) as raw, av.open(file, "w", "mp4") as container:
        stream = container.add_stream_from_template(raw.streams.video[0])
        for number, unit in enumerate(clip):
            each = av.Packet(unit)
            each.stream, each.time_base, each.is_keyframe = stream, Fraction(1, 25), not number
            each.pts = each.dts = number
            container.mux(each)
    file.seek(0)
    with av.open(file, "r") as stored:
        extradata = stored.streams.video[0].codec_context.extradata
        assert extradata is not None
        assert extradata[0] == 1
        maker = NalItems(name, extradata)
        found = [
            item.data
            for each in stored.demux(video=0)
            if each.size
            for item in maker.items(
                Packet(bytes(each), each.pts, Fraction(1), each.is_keyframe, 0, 0, "none")
            )
        ]
    assert found == expected


def test_a_decoder_gets_all_pictures_of_the_units() -> None:
    maker, decoder = NalItems("h264", None), av.CodecContext.create("h264", "r")
    frames = []
    for each in encode(12):
        for item in maker.items(each):
            for parsed in decoder.parse(item.data):
                frames += decoder.decode(parsed)
    for parsed in decoder.parse(None):
        frames += decoder.decode(parsed)
    assert len(frames + decoder.decode(None)) == 12


@pytest.mark.parametrize("extradata", [b"\1", b"\1\x64\0\x1f\xff\xe1\0", b"\1" * 23, b"\0\0\1"])
def test_damaged_extradata_tell_nothing(extradata: bytes) -> None:
    for syntax in (H264, H265):
        assert not [unit for unit in describe(syntax, extradata).sets if len(unit) > len(extradata)]
