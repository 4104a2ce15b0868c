"""A server that is not ours: Debian's gst-rtsp-server, with Debian's encoders, by each way and codec."""

import contextlib
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.real.media_process import Media, in_sequence, numbers

from camgraph.graph.spec import RtspSource, Transport
from camgraph.testing.picture import PERIOD, draw_yuv420p

SIZE = (320, 184)
PYTHON = "/usr/bin/python3"
LOGIN = ("kee per", "corr:ect@horse")
CODECS = {"h264": "h264", "h265": "hevc", "jpeg": "mjpeg"}


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of all pictures, as yuv420p."""
    raw = tmp_path_factory.mktemp("pictures") / "all.yuv"
    with raw.open("wb") as file:
        for number in range(PERIOD):
            file.write(draw_yuv420p(number, 1, *SIZE).tobytes())
    return raw


@contextlib.contextmanager
def serving(raw: Path, *login: str) -> Iterator[str]:
    """Run the server and return its address."""
    if not Path(PYTHON).exists():
        pytest.skip(f"there is no {PYTHON}")
    program = Path(__file__).with_name("gst_server_program.py")
    command = [PYTHON, str(program), str(raw), *map(str, SIZE), *login]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            assert server.stderr is not None
            port = server.stdout.readline().strip()
            if not port:
                told = server.stderr.read()
                assert "missing: " in told, told
                pytest.skip(f"there is no gst-rtsp-server: {told.strip()}")
            yield f"rtsp://127.0.0.1:{port}"
        finally:
            server.kill()


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
