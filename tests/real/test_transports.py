"""The ways that RTP takes to a media process: UDP, multicast, TCP where these fail, and by SDP files."""

import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.real.media_process import Media, in_sequence, numbers
from tests.real.narrow_way import NarrowWay

from camgraph.control.messages import StreamStatistics
from camgraph.graph.spec import RtspSource
from camgraph.testing.cameras import Cameras
from camgraph.testing.pattern import PERIOD

SIZE = (640, 360)
CHANGED_WITHIN_S = 4.5
"""Three seconds of waiting for a datagram, then the second opening, and a key frame."""


@pytest.fixture(scope="module")
def cameras() -> Iterator[Cameras]:
    with Cameras(count=2, size=SIZE) as cameras:
        yield cameras


@pytest.fixture
def media(tmp_path: Path) -> Iterator[Media]:
    media = Media(tmp_path / "media.log")
    yield media
    media.close()
    assert media.log() == ""


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
        media.until_state("narrow", "live", timeout_s=CHANGED_WITHIN_S)
        assert time.monotonic() - started > 2.5, "nothing was waited for"
        assert in_sequence(numbers(reader, 10))
        assert way.asked == ["RTP/AVP;unicast", "RTP/AVP/TCP;unicast"]
        media.until(lambda: counts(media, "lossy").transport == "tcp")
        cameras.heal(2)
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
