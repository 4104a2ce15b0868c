"""What a source of RTP can be told of receiving: each option's effect, with real sockets and packets."""

import socket
import struct
from contextlib import closing
from typing import get_args

import pytest
from tests.unit.media.encoded import encode
from tests.unit.media.rtp_packets import Joined, rtp

from camgraph.base.loop import Loop
from camgraph.graph.nodes import Clock
from camgraph.media.rtp.receiver import RtpReceiver
from camgraph.media.rtsp.description import parse_description
from camgraph.media.rtsp.packetize import RtpPacketizer, is_rtcp
from camgraph.media.rtsp.sdp import describe_video, session_description
from camgraph.media.source import Packet
from camgraph.media.sources.connecting import Connecting
from camgraph.media.sources.datagrams import DatagramPair
from camgraph.media.sources.faults import Address
from camgraph.media.sources.feed import Feed
from camgraph.media.sources.receiving import Receiving
from camgraph.media.sources.reception import Reception
from camgraph.media.sources.track import TrackReceiver

MS, S = 1_000_000, 1_000_000_000
WALL = 1_700_000_000 * S
BEGAN = 5000 * S
DAY = 86_400 * S
PACKETS = encode(20)
(TRACK,) = parse_description(
    session_description("any", "127.0.0.1", [describe_video("h264", bytes(PACKETS[0].data))])
).tracks


def buffer_of(sock: socket.socket) -> int:
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2


@pytest.mark.parametrize("buffer_bytes", [0, 20_000])
def test_so_large_a_buffer_is_had_by_datagrams(buffer_bytes: int) -> None:
    with closing(Loop()) as loop, closing(DatagramPair.bound(socket.AF_INET)) as pair:
        usual = buffer_of(pair.rtp)
        reception = Reception(
            loop,
            TRACK,
            Feed(),
            transport="udp",
            name="any",
            fail=lambda error: None,
            receiving=Receiving(buffer_bytes=buffer_bytes),
        )
        reception.own(pair)
        assert buffer_of(pair.rtp) == (buffer_bytes or usual) != 20_000 - buffer_bytes
        reception.close()


@pytest.mark.parametrize("buffer_bytes", [0, 20_000])
def test_so_large_a_buffer_is_had_by_tcp(buffer_bytes: int) -> None:
    connected: list[socket.socket] = []
    with closing(Loop()) as loop, socket.create_server(("127.0.0.1", 0)) as server:
        host, port = server.getsockname()
        connecting = Connecting(
            loop,
            Address("rtsp://any", host, port),
            [(socket.AF_INET, (host, port))],
            2.0,
            connected.append,
            lambda error: pytest.fail(str(error)),
            receive_buffer_bytes=buffer_bytes,
        )
        while not connected:
            loop.run_once(2.0)
        connecting.close()
    with connected[0] as sock:
        assert (buffer_of(sock) == 20_000) == bool(buffer_bytes)


def test_what_the_system_does_not_allow_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        with closing(DatagramPair.bound(socket.AF_INET)) as pair:
            pair.ask_for_buffer((1 << 30) - 1)
            had = buffer_of(pair.rtp)
    assert had < (1 << 30) - 1
    assert [record.getMessage() for record in caplog.records] == [
        f"this system allows receive buffers of {had} bytes, not of 1073741823: "
        "raise it with `sysctl net.core.rmem_max=1073741823`"
    ]


@pytest.mark.parametrize(
    ("reorder_ms", "late_ms", "comes"), [(0, 90, True), (0, 250, False), (300, 250, True)]
)
def test_a_late_packet_is_waited_for_so_long(reorder_ms: int, late_ms: int, *, comes: bool) -> None:
    receiver = RtpReceiver(Joined(), payload_type=96, clock_rate=90_000, ordered=False, reorder_ms=reorder_ms)
    units = []
    for number in (0, 1, *range(3, 300)):
        now_ns = BEGAN + number * MS
        if number == 2 + late_ms:
            units += receiver.receive(rtp(2, b"2", 2 * 3600, marker=True), now_ns)
        units += receiver.flush_due(now_ns) if 0 < receiver.due_ns() <= now_ns else []
        units += receiver.receive(rtp(number, b"%d" % number, number * 3600, marker=True), now_ns)
    assert (b"2" in [bytes(unit.data) for unit in units]) == comes
    assert receiver.lost == (0 if comes else 1)
    assert len(units) == 299 + comes


def report_of(packet: bytes, wall_ns: int) -> bytes:
    """Return a sender report: at that time by its clock, the timestamp of the packet was due."""
    _, _, _, timestamp, ssrc = struct.unpack_from(">BBHII", packet)
    seconds, rest_ns = divmod(wall_ns, S)
    fraction = (rest_ns << 32) // S
    return struct.pack(
        ">BBH6I", 0x80, 200, 6, ssrc, seconds + 2_208_988_800, fraction, timestamp, len(PACKETS), 1
    )


@pytest.mark.parametrize("clock", get_args(Clock))
def test_the_capture_time_is_that_of_the_clock_that_was_chosen(clock: Clock) -> None:
    receiver = TrackReceiver(TRACK, ordered=True, clock=clock)
    sender = RtpPacketizer("h264", 90_000, payload_type=96, started_ns=WALL)
    packets: list[Packet] = []
    arrivals: list[int] = []
    ideal = [WALL + number * 40 * MS for number in range(len(PACKETS))]
    for number, packet in enumerate(PACKETS):
        # 20 ms on the way, and some jitter.
        since_ns = number * 40 * MS + (20 + number % 3 * 7) * MS
        now = BEGAN + since_ns, WALL + since_ns
        pushed = [data for data in sender.push(bytes(packet.data), number * 3600) if not is_rtcp(data)]
        for data in pushed:
            found = receiver.receive(data, *now)
            packets += found
            arrivals += [now[1]] * len(found)
        if number == 9:
            receiver.receive_control(report_of(pushed[0], ideal[9] + DAY), *now)
    captures = [packet.capture_ns for packet in packets]
    assert len(captures) == len(PACKETS)
    qualities = [packet.capture_quality for packet in packets]
    match clock:
        case "arrival":
            assert captures == arrivals
        case "camera":
            assert captures[:10] == arrivals[:10]
            assert max(abs(one - DAY - own) for one, own in zip(captures[10:], ideal[10:], strict=True)) < MS
        case "capture":
            assert max(abs(one - own - 20 * MS) for one, own in zip(captures, ideal, strict=True)) < 2 * MS
    assert qualities == ["arrival"] * 10 + ["rtcp" if clock == "camera" else "arrival"] * (len(PACKETS) - 10)
