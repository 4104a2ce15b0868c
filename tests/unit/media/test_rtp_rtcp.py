"""Reports are read as they were written, by us and by libavformat; broken ones do no harm."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camgraph.media.rtp.rtcp import (
    Bye,
    ReceiverReport,
    ReportBlock,
    SenderReport,
    SourceNames,
    parse_control,
    receiver_report,
)
from camgraph.media.rtsp.packetize import RtpPacketizer, is_rtcp

word = st.integers(0, 0xFFFFFFFF)
blocks = st.builds(
    ReportBlock, word, st.integers(0, 255), st.integers(-(1 << 23), (1 << 23) - 1), word, word, word, word
)
names = st.text("abcdefghijkl@.0123456789äß", max_size=60)


@given(ssrc=word, name=names, reported=st.lists(blocks, max_size=5), rest=st.binary(max_size=40))
def test_what_we_report_is_read_as_it_was_written(ssrc, name, reported, rest):
    report = receiver_report(ssrc, name, reported)
    assert len(report) % 4 == 0
    wanted = [ReceiverReport(ssrc, tuple(reported)), SourceNames({ssrc: name})]
    assert parse_control(report, 0) == wanted
    # Whatever follows spoils nothing of it.
    assert parse_control(report + rest, 0)[:2] == wanted


@given(data=st.binary(max_size=200))
def test_any_bytes_are_tolerated(data):
    parse_control(data, 0)


@given(
    packets=st.lists(
        st.tuples(st.integers(0, 63), st.integers(199, 208), st.binary(max_size=60)), min_size=1, max_size=4
    )
)
def test_any_contents_of_well_formed_packets_are_tolerated(packets):
    data = b""
    for flags, kind, body in packets:
        body += bytes(-len(body) % 4)
        data += struct.pack(">BBH", 0x80 | flags, kind, len(body) // 4) + body
    parse_control(memoryview(data), 0)


def test_unknown_kinds_are_left_out_and_padding_is_taken_off():
    feedback = struct.pack(">BBHII", 0x81, 205, 2, 1, 2)
    bye = struct.pack(">BBHI", 0xA1, 203, 3, 77) + b"\x04down\0\0\x08"
    padded = struct.pack(">BBHI", 0xA1, 203, 2, 78) + b"\0\0\0\x04"
    assert parse_control(feedback + bye, 0) == [Bye((77,), "")]
    assert parse_control(padded, 0) == [Bye((78,), "")]
    assert parse_control(struct.pack(">BBHI", 0x81, 203, 3, 77) + b"\x04down\0\0\0", 0) == [
        Bye((77,), "down")
    ]


def test_names_of_several_sources_are_told_apart():
    # A name and a tool, then a chunk whose item ends on the word, then one of another name.
    chunks = b"\0\0\0\1\1\3abc\6\2xy\0\0\0" + b"\0\0\0\2\1\2de\0\0\0\0" + b"\0\0\0\3\2\1n\0"
    data = struct.pack(">BBH", 0x83, 202, len(chunks) // 4) + chunks
    assert parse_control(data, 0) == [SourceNames({1: "abc", 2: "de"})]


@pytest.mark.parametrize(
    ("seconds", "unix_s"),
    [(2_208_988_800, 0), (0xFFFFFFFF, 2_085_978_495), (0, 2_085_978_496), (1000, 2_085_979_496)],
)
def test_the_count_of_seconds_goes_on_in_2036(seconds, unix_s):
    report = SenderReport(1, seconds << 32 | 1 << 31, 0, 0, 0, (), 0)
    assert report.ntp_ns == unix_s * 1_000_000_000 + 500_000_000


def test_reports_of_libavformat_say_what_was_set_and_sent():
    started_ns = 1_700_000_000_123_000_000  # Whole milliseconds: finer it is not written.
    sender = RtpPacketizer("h264", 90_000, payload_type=96, started_ns=started_ns)
    first = sender.push(b"\0\0\0\1\x65" + bytes(4000), 0)
    sent = [packet for packet in first if not is_rtcp(packet)]
    base = int.from_bytes(sent[0][4:8], "big")
    ssrc = int.from_bytes(sent[0][8:12], "big")
    for number in range(1, 20):
        sent += [p for p in sender.push(b"\0\0\0\1\x41" + bytes(3000), number * 3600) if not is_rtcp(p)]
    last = sender.close()

    found = parse_control(first[0], 42) + [packet for data in last for packet in parse_control(data, 43)]
    reports = [packet for packet in found if isinstance(packet, SenderReport)]
    assert [packet for packet in found if isinstance(packet, Bye)] == [Bye((ssrc,), "")]
    assert SourceNames({ssrc: "camgraph"}) in found
    assert [report.arrival_ns for report in reports] == [42, 43]
    for report in reports:
        assert report.ssrc == ssrc
        ticks = ((report.timestamp - base + 0x80000000) & 0xFFFFFFFF) - 0x80000000
        # The timestamp is rounded to a tick.
        wrapped = round((report.ntp_ns - started_ns) * 90_000 / 1e9) - ticks
        assert abs(((wrapped + 0x80000000) & 0xFFFFFFFF) - 0x80000000) <= 1
    assert (reports[0].packets, reports[0].octets) == (0, 0)
    assert reports[1].packets == len(sent)
    assert reports[1].octets == sum(len(packet) - 12 for packet in sent)
