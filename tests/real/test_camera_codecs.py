"""The built-in cameras in a graph: each codec by each way, shown whole, in order and in its colours."""

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise, product
from typing import get_args

import pytest

import camgraph as cg
from camgraph.cli.camera_child import Codec
from camgraph.testing.cameras import Cameras
from camgraph.testing.clips import FRAMES
from camgraph.testing.pattern import BARS, decode
from camgraph.testing.waiting import wait_until

WIDTH, HEIGHT = SIZE = (320, 184)
PICTURES = 15
CODECS: tuple[Codec, ...] = get_args(Codec)
WAYS = [f"{codec}_{transport}" for codec, transport in product(CODECS, ("tcp", "udp", "multicast"))]


@pytest.fixture(scope="module")
def site() -> Iterator[cg.Site]:
    graph = cg.Graph()
    with ExitStack() as stack:
        for codec in CODECS:
            [url] = stack.enter_context(Cameras(1, size=SIZE, codec=codec)).urls
            graph.rtsp(f"{codec}_tcp", url, transport="tcp")
            graph.rtsp(f"{codec}_udp", url, transport="udp")
            graph.rtsp(f"{codec}_multicast", url, transport="multicast")
        site = stack.enter_context(graph.start())
        # All processes are there before the first test.
        streams = site.streams.values()
        wait_until(lambda: all(stream.status.state == "live" for stream in streams), 20, "all streams live")
        yield site


@pytest.mark.parametrize("way", WAYS)
def test_a_camera_is_shown(site: cg.Site, way: str) -> None:
    numbers = []
    with site.read(site.streams[way].frames(policy="every", format="rgb24")) as reader:
        for _ in range(PICTURES):
            frame = reader.read(timeout=15)
            picture = frame.array.copy()
            frame.release()
            found = decode(picture)
            assert (picture.shape, found.ok) == ((HEIGHT, WIDTH, 3), True)
            assert found.number is not None
            numbers.append(found.number)
    assert [(after - before) % FRAMES for before, after in pairwise(numbers)] == [1] * (PICTURES - 1)
    for bar in BARS:
        x, y = bar.center(WIDTH, HEIGHT)
        assert picture[y, x].tolist() == pytest.approx(list(bar.rgb), abs=12), bar.name
