"""The ways that RTP takes to a media process: UDP, multicast, TCP where these fail, and by SDP files."""

import contextlib
import itertools
import os
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from tests.real.media_process import Media, in_sequence, numbers
from tests.real.narrow_way import NarrowWay

from camgraph.control.messages import StreamStatistics
from camgraph.graph.nodes import RtspSource, SdpSource
from camgraph.media.rtsp.packetize import RtpPacketizer, is_rtcp
from camgraph.media.rtsp.sdp import describe_video, session_description
from camgraph.media.sources.datagrams import DatagramPair
from camgraph.ring.reader import Reader
from camgraph.testing.cameras import Cameras
from camgraph.testing.clips import ClipRequest, ClipStore
from camgraph.testing.pattern import PERIOD

SIZE = (640, 360)
CHANGED_WITHIN_S = 4.5
"""Three seconds of waiting for a datagram, then the second opening, and a key frame."""


@pytest.fixture
def cameras() -> Iterator[Cameras]:
    with Cameras(count=2, size=SIZE) as cameras:
        yield cameras


def counts(media: Media, stream: str) -> StreamStatistics:
    return media.statistics()[stream]


def goes_on(found: list[int]) -> bool:
    """Whether pictures follow each other without coming twice, as far as can be told of those left out."""
    steps = [(later - before) % PERIOD for before, later in itertools.pairwise(found)]
    return all(0 < step < PERIOD // 2 for step in steps)


def test_pictures_come_by_datagrams_to_one_and_to_a_group(media: Media, cameras: Cameras) -> None:
    one, two = cameras.urls
    ways = ("udp", "multicast")
    media.run(
        udp=RtspSource(id="udp", url=one, transport="udp"),
        multicast=RtspSource(id="multicast", url=two, transport="multicast"),
    )
    readers = [media.read(way) for way in ways]
    found = [numbers(reader, 30, 8) for reader in readers]
    for way, shown in zip(ways, found, strict=True):
        assert in_sequence(shown), way
        counted = counts(media, way)
        assert (counted.transport, counted.lost, counted.dropped, counted.attempts) == (way, 0, 0, 1)
        assert counted.received_bytes > 0
        assert counted.clock_offset_ns != 0, "no report has come"


def test_sources_are_received_and_decoded_as_they_were_told(media: Media, cameras: Cameras) -> None:
    url, cpu = cameras.urls[0], max(os.sched_getaffinity(0))
    media.run(
        usual=url,
        camera=RtspSource(id="camera", url=url, clock="camera"),
        arrival=RtspSource(id="arrival", url=url, clock="arrival", transport="udp", reorder_ms=20),
        threads=RtspSource(id="threads", url=url, decode_threads=4, cpu=cpu, receive_buffer_bytes=50_000),
    )
    for name, quality in (("usual", "rtcp"), ("camera", "rtcp"), ("arrival", "arrival")):
        reader = media.read(name)
        frame = reader.read(8)
        # The sender reports of a camera come a moment later than its first picture, maybe.
        while frame.capture_quality != quality:
            assert name != "arrival"
            frame = reader.read(8)
        assert abs(time.time_ns() - frame.capture_ns) < 1e9
    assert in_sequence(numbers(media.read("threads"), 10, 8))
    tasks = os.listdir(f"/proc/{media.process.pid}/task")
    bound = [task for task in tasks if os.sched_getaffinity(int(task)) == {cpu}]
    assert len(bound) == (5 if os.sched_getaffinity(0) != {cpu} else len(tasks))


def test_udp_that_fails_gives_way_to_tcp_for_good(media: Media, cameras: Cameras) -> None:
    with NarrowWay(cameras.port) as way:
        narrow = f"rtsp://127.0.0.1:{way.port}/1"
        media.run(
            narrow=RtspSource(id="narrow", url=narrow, transport="udp"),
            lossy=RtspSource(id="lossy", url=cameras.urls[1], transport="udp"),
        )
        started = time.monotonic()
        lossy, reader = media.read("lossy"), media.read("narrow")
        found = numbers(lossy, 3, 8)
        cameras.fault(2, "loss", percent=10)
        kept = [counts(media, "lossy")]

        def is_live() -> bool:
            kept.append(counts(media, "lossy"))
            return media.state("narrow") == "live"

        media.until(is_live, timeout_s=CHANGED_WITHIN_S)
        assert time.monotonic() - started > 2.5, "nothing was waited for"
        assert in_sequence(numbers(reader, 10))
        assert way.asked == ["RTP/AVP;unicast", "RTP/AVP/TCP;unicast"]
        media.until(lambda: counts(media, "lossy").transport == "tcp")
        cameras.heal(2)
        kept.append(counts(media, "lossy"))
        for before, after in itertools.pairwise(kept):
            assert before.received_bytes <= after.received_bytes
            assert before.lost <= after.lost
        found += numbers(lossy, 60, 8)
        assert goes_on(found)
        assert in_sequence(found[-20:])
        for name in ("narrow", "lossy"):
            counted = counts(media, name)
            assert (counted.transport, counted.attempts) == ("tcp", 1)
            assert "backing_off" not in media.history(name)
        cameras.restart()
        media.until(lambda: all(count.attempts > 1 for count in media.statistics().values()))
        for name in ("narrow", "lossy"):
            media.until_state(name, "live")
            assert counts(media, name).transport == "tcp"
        assert set(way.asked[1:]) == {"RTP/AVP/TCP;unicast"}


class Sender:
    """Sends a clip's pictures to a port, as an encoder does that nobody asks; beginning at its `first`."""

    def __init__(self, units: Sequence[bytes], port: int, first: int = 0) -> None:
        self._units, self._port, self._first = units, port, first
        self._end = threading.Event()
        self._farewell = True
        self._thread = threading.Thread(target=self._send)
        self._thread.start()

    def fall_silent(self) -> None:
        """End without a word."""
        self._farewell = False
        self.close()

    def close(self) -> None:
        """Say goodbye and end."""
        self._end.set()
        self._thread.join()

    def _send(self) -> None:
        packetizer = RtpPacketizer("h264", 90_000, payload_type=96, started_ns=time.time_ns())
        started = time.monotonic()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:

            def send(packets: list[bytes]) -> None:
                for packet in packets:
                    sock.sendto(packet, ("127.0.0.1", self._port + is_rtcp(packet)))

            for at in itertools.count():
                if self._end.wait(max(0.0, started + at / 25 - time.monotonic())):
                    break
                send(packetizer.push(self._units[(self._first + at) % len(self._units)], at * 3600))
            farewell = packetizer.close()
            if self._farewell:
                send(farewell)


def free_ports() -> int:
    """Return the first of two ports in a row that nobody has, an even one."""
    with contextlib.closing(DatagramPair.bound(socket.AF_INET)) as pair:
        return pair.ports[0]


def numbers_from(reader: Reader, first: int, count: int) -> list[int]:
    """Read up to the picture that says `first`, then so many from there on."""
    while numbers(reader, 1) != [first]:
        pass
    return [first, *numbers(reader, count - 1)]


def test_rtp_that_nobody_asked_for_is_received_as_a_file_says(media: Media, tmp_path: Path) -> None:
    store, request = ClipStore(), ClipRequest(1, *SIZE, 25)
    units = store.find(request) or store.make(request, lambda: False)
    port, file = free_ports(), tmp_path / "sender.sdp"
    sdp = session_description("sender", "127.0.0.1", [describe_video("h264", units[0])])
    file.write_text(sdp.replace("m=video 0", f"m=video {port}").replace("0.0.0.0", "127.0.0.1"))
    media.run(door=SdpSource(id="door", path=str(file)))
    reader = media.read("door")
    media.until_state("door", "waiting_for_keyframe")
    sender = Sender(units, port)
    try:
        assert in_sequence(numbers(reader, 20))
        assert counts(media, "door").transport == "udp"
        assert abs(counts(media, "door").clock_offset_ns) < 0.2e9
        sender.fall_silent()
        media.until_state("door", "stalled")
        sender = Sender(units, port, 100)
        # What the former one sent comes first.
        assert numbers_from(reader, 100, 10) == list(range(100, 110))
        assert media.until_state("door", "live").attempt == 0
        sender.close()
        status = media.until_state("door", "backing_off")
        assert status.reason == "camera_closed"
        assert status.sentence.startswith("The sender ended the stream: was it restarted or switched off? ")
        media.until_state("door", "waiting_for_keyframe")
        sender = Sender(units, port, 200)
        assert in_sequence(numbers_from(reader, 200, 10))
        assert media.until_state("door", "live")
        counted = counts(media, "door")
        assert (counted.lost, counted.dropped, counted.attempts, counted.reconnects) == (0, 0, 2, 1)
    finally:
        sender.close()
