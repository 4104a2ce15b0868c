"""A stream of RTP packets becomes whole units, with true counts and reports, whatever comes instead."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.media.rtp_packets import SSRC, Joined, rtp

from camgraph.media.rtp.receiver import QUIET_NS, RtpReceiver
from camgraph.media.rtp.reorder import WAIT_NS
from camgraph.media.rtp.rtcp import ReceiverReport, ReportBlock, SourceNames, parse_control
from camgraph.media.rtp.units import AccessUnit
from camgraph.media.rtsp.packetize import RtpPacketizer, is_rtcp

MS = 1_000_000
TICKS = 3600
OTHER = 0x55AA55AA


def receiver(*, ordered: bool = True, ssrc: int | None = None) -> RtpReceiver:
    return RtpReceiver(Joined(), payload_type=96, clock_rate=90_000, ordered=ordered, ssrc=ssrc)


def picture(
    number: int, first: int, *, packets: int = 3, marker: bool = True, ssrc: int = SSRC
) -> list[bytes]:
    """Return the packets of picture `number`, whose sequence numbers begin with `first`."""
    return [
        rtp(
            first + index,
            b"%d.%d " % (number, index),
            number * TICKS,
            marker=marker and index == packets - 1,
            ssrc=ssrc,
        )
        for index in range(packets)
    ]


def whole(number: int, packets: int = 3) -> bytes:
    return b"".join(b"%d.%d " % (number, index) for index in range(packets))


def block_of(report: bytes) -> ReportBlock:
    (found,) = (packet for packet in parse_control(report, 0) if isinstance(packet, ReceiverReport))
    (block,) = found.blocks
    return block


def sender_report(ssrc: int, seconds: int = 0x83AA7E80, fraction: int = 0) -> bytes:
    return bytes([0x80, 200, 0, 6]) + b"".join(
        word.to_bytes(4, "big") for word in (ssrc, seconds, fraction, 9000, 1, 1)
    )


def bye(ssrc: int) -> bytes:
    return bytes([0x81, 203, 0, 1]) + ssrc.to_bytes(4, "big")


@pytest.mark.parametrize("ordered", [True, False])
def test_pictures_come_whole_across_the_end_of_all_numbers(ordered):
    received = receiver(ordered=ordered)
    first, count = 0xFFFE, 30_000
    for number in range(count):
        units = [
            unit
            for data in picture(number, first + 3 * number)
            for unit in received.receive(memoryview(data), number * 40 * MS)
        ]
        assert [(unit.data, unit.damaged) for unit in units] == [(whole(number), False)]
    assert (received.packets, received.lost, received.jitter_ns) == (3 * count, 0, 0)
    assert block_of(received.report(0)).highest == first + 3 * count - 1


@given(
    first=st.integers(0, 0xFFFF),
    late=st.lists(st.integers(0, 30), min_size=60, max_size=60),
    twice=st.sets(st.integers(1, 59)),
)
def test_pictures_in_any_order_come_whole(first, late, twice):
    packets = [data for number in range(20) for data in picture(number, first + 3 * number)]
    late[0] = 0
    arrivals = [(at + late[at], data) for at, data in enumerate(packets)]
    arrivals += [(at + 30, packets[at]) for at in twice]
    received = receiver(ordered=False)
    units: list[AccessUnit] = []
    for at_ms, data in sorted(arrivals, key=lambda arrival: arrival[0]):
        units += received.receive(data, at_ms * MS)
    assert [(unit.data, unit.damaged) for unit in units] == [(whole(number), False) for number in range(20)]
    assert received.lost == 0
    assert received.packets == len(arrivals)
    assert received.received_bytes == sum(len(data) for _, data in arrivals)
    assert received.due_ns() == 0


def test_what_waits_is_kept_apart_from_the_buffer_it_came_in():
    received = receiver(ordered=False)
    first, *rest = picture(0, 0)
    received.receive(first, 0)
    units: list[AccessUnit] = []
    buffer = bytearray(len(first))
    for data in reversed(rest):
        buffer[:] = data
        units += received.receive(memoryview(buffer), 0)
    assert [unit.data for unit in units] == [whole(0)]


def test_what_is_lost_is_waited_for_as_long_as_is_due():
    received = receiver(ordered=False)
    for data in picture(0, 0):
        received.receive(data, 0)
    _, middle, last = picture(1, 3)
    assert received.receive(middle, 40 * MS) == []
    assert received.receive(last, 41 * MS) == []
    assert received.due_ns() == 40 * MS + WAIT_NS
    assert received.flush_due(received.due_ns() - 1) == []
    (unit,) = received.flush_due(received.due_ns())
    assert (unit.data, unit.damaged) == (b"1.1 1.2 ", True)
    assert (received.lost, received.due_ns()) == (1, 0)
    assert received.receive(picture(1, 3)[0], 200 * MS) == [], "its turn is over"


@pytest.mark.parametrize("ordered", [True, False])
@given(data=st.data())
def test_anything_may_come(ordered, data):
    valid = [packet for number in range(4) for packet in picture(number, 3 * number)]
    valid += [packet for number in range(4) for packet in picture(number, 3 * number, ssrc=OTHER)]
    spoiled = st.tuples(st.sampled_from(valid), st.integers(0, 11), st.integers(0, 255)).map(
        lambda drawn: drawn[0][: drawn[1]] + bytes([drawn[2]]) + drawn[0][drawn[1] + 1 :]
    )
    headed = st.tuples(st.integers(0, 63), st.integers(0, 255), st.binary(max_size=60)).map(
        lambda drawn: bytes([0x80 | drawn[0], drawn[1]]) + drawn[2]
    )
    packets = data.draw(
        st.lists(st.binary(max_size=40) | st.sampled_from(valid) | spoiled | headed, max_size=40)
    )
    received = receiver(ordered=ordered)
    now_ns = 0
    for packet in packets:
        now_ns += data.draw(st.sampled_from([0, MS, 30 * MS, 2000 * MS]))
        received.receive(packet, now_ns)
        received.receive_control(packet, now_ns)
        due_ns = received.due_ns()
        if due_ns:
            received.flush_due(max(due_ns, now_ns))
        parse_control(received.report(now_ns), now_ns)
    assert received.due_ns() == 0
    assert received.lost >= 0


def test_packets_of_other_kinds_count_in_the_order_and_nothing_more():
    received = receiver()
    first, second, third = picture(0, 0)
    assert received.receive(rtp(9, payload_type=97, ssrc=OTHER), 0) == []
    assert received.packets == 0
    received.receive(first, 0)
    assert received.receive(rtp(1, b"another payload type", payload_type=97), 0) == []
    padding = bytearray(rtp(2, bytes(3) + b"\x04"))
    padding[0] |= 0x20
    assert received.receive(bytes(padding), 0) == []
    received.receive(rtp(3, second[12:]), 0)
    (unit,) = received.receive(rtp(4, third[12:], marker=True), 0)
    assert (unit.data, unit.damaged) == (whole(0), False)


def test_control_packets_may_come_where_the_others_come():
    received = receiver()
    received.receive(rtp(0), 0)
    received.receive(sender_report(SSRC), 5)
    assert received.sender_report is not None
    assert (received.sender_report.ntp_ns, received.sender_report.timestamp) == (0, 9000)
    assert received.sender_report.arrival_ns == 5
    received.receive(bye(SSRC) + bytes(8), 6)
    assert received.ended


@pytest.mark.parametrize("ordered", [True, False])
def test_a_sender_that_begins_anew_is_followed_from_its_first_packet(ordered):
    received = receiver(ordered=ordered)
    for data in picture(0, 0):
        received.receive(data, 0)
    received.receive_control(sender_report(SSRC) + bye(SSRC), 0)
    assert received.ended
    units = [unit for data in picture(7, 500, ssrc=OTHER) for unit in received.receive(data, 40 * MS)]
    assert [(unit.data, unit.damaged) for unit in units] == [(whole(7), True)]
    assert not received.ended
    assert received.sender_report is None
    assert received.lost == 0
    block = block_of(received.report(0))
    assert (block.ssrc, block.highest, block.lost) == (OTHER, 502, 0)


@pytest.mark.parametrize("ordered", [True, False])
def test_numbers_that_begin_anew_are_no_loss(ordered):
    received = receiver(ordered=ordered)
    for data in picture(0, 0):
        received.receive(data, 0)
    units = [unit for data in picture(1, 30_000) for unit in received.receive(data, 40 * MS)]
    assert [(unit.data, unit.damaged) for unit in units] == [(whole(1), True)]
    block = block_of(received.report(0))
    assert (block.fraction_lost, block.lost, block.highest) == (0, 0, 30_002)
    assert received.lost == 0


def test_two_who_send_to_one_group_do_not_take_turns():
    received = receiver(ordered=False)
    units = []
    for number in range(50):
        for ssrc in (SSRC, OTHER):
            for data in picture(number, 3 * number, ssrc=ssrc):
                units += received.receive(data, number * 40 * MS)
    # Which of the two it is, is decided once.
    assert len(units) >= 49
    assert sum(unit.damaged for unit in units) <= 1
    kept = block_of(received.report(0)).ssrc
    left = OTHER if kept == SSRC else SSRC
    for data in picture(200, 600, ssrc=left):
        units += received.receive(data, 200 * 40 * MS)
    assert block_of(received.report(0)).ssrc == left, "the other one is silent"


def test_a_stray_packet_changes_nothing():
    received = receiver(ordered=False, ssrc=SSRC)
    assert received.receive(rtp(7, ssrc=OTHER), 0) == []
    assert received.receive(rtp(7, ssrc=OTHER), 0) == []
    assert received.packets == 0
    units = [unit for data in picture(0, 0) for unit in received.receive(data, 0)]
    received.receive_control(sender_report(OTHER), 0)
    received.receive_control(bye(OTHER), 0)
    assert [unit.data for unit in units] == [whole(0)]
    assert received.sender_report is None
    assert not received.ended


def test_two_stray_packets_are_no_sender_while_the_present_one_goes_on():
    received = receiver(ordered=False)
    received.receive(rtp(0), 0)
    assert received.receive(rtp(7, ssrc=OTHER), 0) == []
    received.receive(rtp(1), 0)
    assert received.receive(rtp(8, ssrc=OTHER), 0) == []
    assert block_of(received.report(0)).ssrc == SSRC


def test_an_announced_sender_that_is_another_one_is_received_all_the_same():
    received = receiver(ordered=False, ssrc=OTHER)
    units = [unit for data in picture(0, 0) for unit in received.receive(data, 0)]
    assert [(unit.data, unit.damaged) for unit in units] == [(whole(0), False)]


def test_without_marker_bits_silence_ends_a_picture():
    received = receiver()
    units: list[AccessUnit] = []
    for number in range(10):
        for data in picture(number, 3 * number, marker=False):
            units += received.receive(data, number * 40 * MS)
        if due_ns := received.due_ns():
            assert due_ns == number * 40 * MS + QUIET_NS
            assert received.flush_due(due_ns - 1) == []
            units += received.flush_due(due_ns)
            assert units[-1].data == whole(number)
    assert [unit.data for unit in units] == [whole(number) for number in range(10)]
    # A pause within a picture teaches patience.
    head, *rest = picture(10, 30, marker=False)
    received.receive(head, 400 * MS)
    assert [unit.data for unit in received.flush_due(received.due_ns())] == [b"10.0 "]
    received.receive(rest[0], 425 * MS)
    assert received.due_ns() == 425 * MS + 2 * QUIET_NS


def test_where_marker_bits_lie_silence_ends_a_picture():
    received = RtpReceiver(Joined(markers=False), payload_type=96, clock_rate=90_000, ordered=True)
    for number in range(3):
        slices = [rtp(2 * number + index, b"%d" % index, number * TICKS, marker=True) for index in (0, 1)]
        assert received.receive(slices[0], number * 40 * MS) == []
        assert received.receive(slices[1], number * 40 * MS + MS) == []
        assert received.due_ns() == number * 40 * MS + MS + QUIET_NS
        assert [unit.data for unit in received.flush_due(received.due_ns())] == [b"01"]
    # Where the next picture ends the one before, it is itself what is held; a fragment has not ended.
    received.receive(rtp(6, b"0", 3 * TICKS, marker=True), 120 * MS)
    assert [unit.data for unit in received.receive(rtp(7, b"0", 4 * TICKS, marker=True), 160 * MS)] == [b"0"]
    assert received.due_ns() == 160 * MS + QUIET_NS
    received.receive(rtp(8, b"1", 4 * TICKS), 161 * MS)
    assert received.due_ns() == 0


def test_with_marker_bits_a_pause_within_a_picture_is_waited_for():
    received = receiver()
    for number in range(10):
        head, *rest = picture(number, 3 * number)
        received.receive(head, number * 40 * MS)
        assert received.due_ns() == 0
        units = [unit for data in rest for unit in received.receive(data, number * 40 * MS)]
        assert len(units) == 1


@given(
    st.lists(st.sampled_from(["next", "new", "marker", "gap", "late", "other", "type", "padded", "empty"]))
)
def test_a_run_of_packets_is_received_as_each_of_them_would_be(kinds):
    sequence, timestamp, packets = 65530, 0, []
    for index, kind in enumerate(["next", *kinds]):
        sequence += 7 if kind == "gap" else -3 if kind == "late" else 1
        timestamp += TICKS * (kind in ("new", "other"))
        packet = rtp(
            sequence,
            b"" if kind == "empty" else b"%d " % index,
            timestamp,
            marker=kind == "marker",
            ssrc=OTHER if kind == "other" else SSRC,
            payload_type=97 if kind == "type" else 96,
        )
        packets.append(b"\xa0" + packet[1:] + b"\1" if kind == "padded" else packet)
    one_by_one, in_runs = receiver(), receiver()
    expected = [unit for packet in packets for unit in one_by_one.receive(packet, MS)]
    data = b"".join(b"$\0" + len(packet).to_bytes(2, "big") + packet for packet in packets)
    units: list[AccessUnit] = []
    at = runs = 0
    while at < len(data):
        at = in_runs.receive_run(data, at, 0, MS, units)
        if at < len(data):
            size = int.from_bytes(data[at + 2 : at + 4], "big")
            units += in_runs.receive(data[at + 4 : at + 4 + size], MS)
            at += 4 + size
            runs += 1
    assert units == expected
    for name in ("packets", "received_bytes", "lost", "jitter_ns"):
        assert getattr(in_runs, name) == getattr(one_by_one, name)
    assert in_runs.due_ns() == one_by_one.due_ns()
    # The first packet makes the sender known; of what is plain no other one needs a look.
    if set(kinds) <= {"next", "new", "marker"}:
        assert runs == 1


@pytest.mark.parametrize("rest", [b"RTSP/1.0 200 OK\r\n\r\n", b"$\1\0\x0d" + rtp(3), b"$\0\x05", rtp(3)])
def test_a_run_ends_where_something_else_begins(rest):
    received = receiver()
    received.receive(rtp(1), MS)
    units: list[AccessUnit] = []
    run = b"$\0\0\x0d" + rtp(2, marker=True)
    assert received.receive_run(b"12345" + run + rest, 5, 0, MS, units) == 5 + len(run)
    assert [unit.data for unit in units] == [b"\1\1"]
    assert received.receive_run(run, 0, 0, MS, units) == 0


def test_the_report_follows_rfc_3550():
    received = receiver(ordered=False)
    assert [type(packet) for packet in parse_control(received.report(0), 0)] == [ReceiverReport, SourceNames]
    sequence = 65_530
    # Of 20 packets the last but one and two more are lost; one comes twice.
    for index in range(20):
        if index not in (5, 6, 18):
            received.receive(rtp(sequence + index, timestamp=index * TICKS, marker=True), index * 40 * MS)
    received.receive(rtp(sequence + 3, timestamp=3 * TICKS, marker=True), 800 * MS)
    received.receive_control(sender_report(SSRC, 0x83AA7E80 + 0x1234, 0xABCD0000), 1000 * MS)
    block = block_of(received.report(1500 * MS))
    assert block.ssrc == SSRC
    assert block.highest == sequence + 19
    assert block.lost == 2, "a duplicate counts as received"
    assert block.fraction_lost == 256 * 2 // 20
    assert block.last_report == ((0x7E80 + 0x1234) << 16 | 0xABCD)
    assert block.delay == 65536 // 2
    # Only what is new counts for the fraction.
    for index in range(20, 24):
        received.receive(rtp(sequence + index, timestamp=index * TICKS), index * 40 * MS)
    block = block_of(received.report(1500 * MS))
    assert (block.lost, block.fraction_lost) == (2, 0)


def test_jitter_is_rfc_3550s_estimate_of_the_units():
    received = receiver()
    generator = random.Random(7)
    expected, before = 0.0, None
    for number in range(200):
        late_ns = generator.randrange(20) * MS
        for data in picture(number, 3 * number):
            received.receive(data, number * 40 * MS + late_ns)
        if before is not None:
            expected += (abs(late_ns - before) - expected) / 16
        before = late_ns
    assert received.jitter_ns == pytest.approx(expected, rel=1e-6)
    assert block_of(received.report(0)).jitter == pytest.approx(expected * 90_000 / 1e9, abs=1)
    jump = picture(10_000_000, 600)
    for data in jump:
        received.receive(data, 200 * 40 * MS)
    assert received.jitter_ns == pytest.approx(expected, rel=1e-6), "a jump of the sender's clock is none"


@pytest.mark.parametrize("ordered", [True, False])
def test_a_stream_of_libavformat_is_received(ordered):
    sender = RtpPacketizer("h264", 90_000, payload_type=96, started_ns=1_700_000_000_000_000_000)
    received = receiver(ordered=ordered)
    units: list[AccessUnit] = []
    sent_bytes = sent = 0
    for number in range(100):
        picture = b"\0\0\0\1\x41" + bytes([number]) * (100 * number + 1)
        for data in sender.push(picture, number * TICKS):
            if is_rtcp(data):
                received.receive_control(data, number * 40 * MS)
            else:
                sent, sent_bytes = sent + 1, sent_bytes + len(data)
                units += received.receive(data, number * 40 * MS)
    for data in sender.close():
        received.receive_control(data, 4000 * MS)
    assert len(units) == 100
    assert not any(unit.damaged for unit in units)
    steps = {(after.timestamp - unit.timestamp) & 0xFFFFFFFF for unit, after in pairwise(units)}
    assert steps == {TICKS}
    assert (received.packets, received.received_bytes, received.lost) == (sent, sent_bytes, 0)
    assert received.ended
    assert received.sender_report is not None
    assert received.sender_report.packets == sent
    assert received.sender_report.octets == sent_bytes - 12 * sent
    assert block_of(received.report(4000 * MS)).ssrc == received.sender_report.ssrc
