"""How soon a camera that is asked for is seen, and how soon many of them are."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.real.media_process import Media, in_sequence, numbers

import camgraph as cg
from camgraph.graph.nodes import RtspSource, Transport
from camgraph.ring.reader import Reader
from camgraph.testing.camera_process import DISTINCT_CLIPS
from camgraph.testing.cameras import Cameras
from camgraph.testing.clips import GOP
from camgraph.testing.pattern import decode
from camgraph.testing.waiting import wait_until

SIZE = (640, 360)
BEYOND_KEYFRAME_S = 0.3
MANY = 32
MANY_WITHIN_S = 10.0
"""The goal is 5 s (`make bench`, family start); tests share their cores with other programs."""


def test_the_first_picture_comes_with_the_next_key_frame(media: Media, tmp_path: Path) -> None:
    ways: tuple[Transport, ...] = ("tcp", "udp", "multicast")
    with Cameras(count=1, size=SIZE, sent_log=tmp_path / "sent") as cameras:
        url = cameras.urls[0]
        # The first viewer has a stream begin; whoever comes later waits for its next key frame.
        media.run(first=url)
        numbers(media.read("first"), 5, 8)
        asked = time.monotonic()
        media.run(None, first=url, **{way: RtspSource(id=way, url=url, transport=way) for way in ways})

        def see(reader: Reader) -> float:
            frame = reader.read(8)
            seen = time.monotonic()
            assert decode(frame.array).ok
            return seen

        readers = [media.read(way) for way in ways]
        with ThreadPoolExecutor(len(ways)) as pool:
            seen = list(pool.map(see, readers))
        sent = [each.monotonic_ns / 1e9 for each in cameras.read_sent() if each.number % GOP == 0]
        for way, at in zip(ways, seen, strict=True):
            times = {status.state: when for when, status in media.statuses if status.stream == way}
            playing = times["waiting_for_keyframe"]
            keyframe = next(when for when in sent if when > playing)
            assert playing - asked + max(0.0, at - keyframe) <= BEYOND_KEYFRAME_S, way
        for reader in readers:
            assert in_sequence(numbers(reader, 5))


def test_many_cameras_play_soon() -> None:
    with Cameras(count=MANY, size=SIZE) as cameras:
        graph = cg.Graph()
        for number, url in enumerate(cameras.urls, 1):
            graph.rtsp(f"camera{number}", url)
        with graph.start() as first:
            # From now on the cameras send, and key frames come when they come.
            wait_until(lambda: all(stream.status.state == "live" for stream in first.streams.values()), 20)
            started = time.monotonic()
            with graph.start() as site:
                readers = [site.read(stream.frames()) for stream in site.streams.values()]
                with ThreadPoolExecutor(MANY) as pool:
                    shown = list(pool.map(lambda reader: decode(reader.read(30).array).camera, readers))
                took = time.monotonic() - started
    assert shown == [(number - 1) % DISTINCT_CLIPS + 1 for number in range(1, MANY + 1)]
    assert took < MANY_WITHIN_S
