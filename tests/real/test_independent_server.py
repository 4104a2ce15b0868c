"""A server that is not ours: Debian's gst-rtsp-server, with Debian's encoders, by each way and codec."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.real.independent_server import SIZE, serving, write_pictures
from tests.real.media_process import Media, in_sequence, numbers

from camgraph.graph.nodes import RtspSource, Transport

LOGIN = ("kee per", "corr:ect@horse")
CODECS = {"h264": "h264", "h265": "hevc", "jpeg": "mjpeg"}


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of all pictures, as yuv420p."""
    return write_pictures(tmp_path_factory.mktemp("pictures") / "all.yuv")


def source(name: str, url: str, transport: Transport = "tcp", login: str | None = None) -> RtspSource:
    return RtspSource(id=name, url=url, transport=transport, login=login)


def test_its_pictures_come_by_each_codec_and_way(media: Media, raw: Path) -> None:
    ways: dict[str, tuple[str, Transport]] = {
        "a": ("h264", "tcp"),
        "b": ("h264", "udp"),
        "c": ("jpeg", "udp"),
        "d": ("jpeg", "tcp"),
        "e": ("h265", "tcp"),
        # On the same machine nobody else can have its group's ports: TCP takes the place.
        "f": ("h264", "multicast"),
    }
    with serving(raw) as address:
        media.run(
            None,
            **{name: source(name, f"{address}/{codec}", way) for name, (codec, way) in ways.items()},
        )
        readers = [media.read(name) for name in ways]
        with ThreadPoolExecutor(len(readers)) as pool:
            found = list(pool.map(lambda reader: numbers(reader, 25, 8), readers))
        for (name, (codec, way)), shown in zip(ways.items(), found, strict=True):
            assert in_sequence(shown), (codec, way)
            status = media.until_state(name, "live")
            assert (status.codec, status.width, status.height) == (CODECS[codec], *SIZE)
            counted = media.statistics()[name]
            expected = "tcp" if way == "multicast" else way
            assert (counted.transport, counted.lost, counted.attempts) == (expected, 0, 1), (codec, way)


def test_it_lets_in_who_has_the_right_login(media: Media, raw: Path) -> None:
    with serving(raw, *LOGIN) as address:
        url = f"{address}/h264"
        media.run(
            {"right": ":".join(LOGIN), "wrong": f"{LOGIN[0]}:horse"},
            right=source("right", url, login="right"),
            wrong=source("wrong", url, login="wrong"),
            none=source("none", url),
        )
        assert in_sequence(numbers(media.read("right"), 10, 8))
        for name in ("wrong", "none"):
            assert media.until_state(name, "unauthorized").reason == "unauthorized"
