"""Main and smaller stream of one camera: the readers decide which is received, and see no gap."""

import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from tests.real.media_process import Media

from camgraph.graph.nodes import RtspSource
from camgraph.ring.reader import Reader
from camgraph.testing.cameras import Cameras
from camgraph.testing.waiting import wait_until

MAIN, SMALL = (640, 360), (320, 184)
GAP_NS = 300_000_000
"""What connecting anew, and waiting for a key frame, would take at least."""


@pytest.fixture
def media(tmp_path: Path) -> Iterator[Media]:
    media = Media(tmp_path / "media.log")
    yield media
    media.close()


@pytest.fixture(scope="module")
def main() -> Iterator[Cameras]:
    with Cameras(count=1, size=MAIN) as cameras:
        yield cameras


@pytest.fixture(scope="module")
def small() -> Iterator[Cameras]:
    with Cameras(count=1, size=SMALL, codec="mjpeg") as cameras:
        yield cameras


def received(media: Media) -> tuple[int, int]:
    status = media.status("door")
    return (0, 0) if status is None else (status.width, status.height)


def read_until(reader: Reader, done: float, counted: list[int], media: Media) -> list[int]:
    """Return when the pictures came (CLOCK_MONOTONIC, ns); add how many bytes had come by each."""
    came = []
    while time.monotonic() < done:
        came.append(reader.read(5).arrival_ns)
        counted.append(media.statistics()["door"].received_bytes)
    return came


def test_the_largest_reader_decides_and_others_see_no_gap(
    media: Media, main: Cameras, small: Cameras
) -> None:
    media.run(door=RtspSource(id="door", url=main.urls[0], sub_url=small.urls[0]))
    tile = media.read("door", "bgra", 160, 90)
    assert tile.read(8).width == 160
    assert received(media) == SMALL
    native = media.read("door")
    counted: list[int] = []
    came = read_until(tile, time.monotonic() + 2.5, counted, media)
    first = native.read(5)
    assert (first.width, first.height) == MAIN
    assert received(media) == MAIN
    native.close()
    came += read_until(tile, time.monotonic() + 8.5, counted, media)
    assert received(media) == SMALL
    assert max(later - earlier for earlier, later in pairwise(came)) < GAP_NS
    assert counted == sorted(counted), "what the other stream brought is forgotten"
    assert media.history("door")[3:] == ["live", "live", "live"]
    assert media.log() == ""


def test_a_camera_without_the_smaller_stream_is_received_whole(media: Media, main: Cameras) -> None:
    media.run(door=RtspSource(id="door", url=main.urls[0], sub_url=f"{main.urls[0]}99"))
    tile = media.read("door", "bgra", 160, 90)
    assert tile.read(8).width == 160
    assert received(media) == MAIN
    wait_until(lambda: "/199" in media.log(), 5)
    native = media.read("door")
    assert native.read(8).width == MAIN[0]


def test_what_plays_goes_on_while_the_other_stream_fails(media: Media, small: Cameras) -> None:
    media.run(door=RtspSource(id="door", url="rtsp://127.0.0.1:1/1", sub_url=small.urls[0]))
    tile = media.read("door", "bgra", 160, 90)
    tile.read(8)
    native = media.read("door")
    assert native.read(8).width == SMALL[0], "better than nothing"
    assert "door: the larger stream can't be had" in media.log()
    for _ in range(10):
        tile.read(5)
    assert media.history("door")[-1] == "live"


def test_an_address_of_the_smaller_stream_where_nothing_is_costs_nothing(media: Media, main: Cameras) -> None:
    media.run(door=RtspSource(id="door", url=main.urls[0], sub_url="rtsp://127.0.0.1:1/1"))
    assert media.read("door", "bgra", 160, 90).read(8).width == 160
    assert received(media) == MAIN
