"""Formats of video, sent as RTP by Debian's FFmpeg: each picture shown whole, in order, in its colours."""

import itertools
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
import pytest

import camgraph as cg
from camgraph.testing.pattern import BARS, decode, draw
from camgraph.testing.waiting import wait_until

FPS = 25
COUNT = 50
GOP = 10
SIZE, ODD = (320, 180), (321, 181)
SAME_COLOR = 16
GREY = np.array((0.299, 0.587, 0.114))
X264 = {"preset": "veryfast", "crf": "20"}
X265 = f"log-level=none:pools=none:scenecut=0:keyint={GOP}:min-keyint={GOP}"


class Format(NamedTuple):
    codec: str
    pixels: str
    size: tuple[int, int]
    options: dict[str, str]
    reorders: bool = False


def h265(pixels: str, b_frames: int) -> Format:
    options = {"preset": "ultrafast", "crf": "20", "x265-params": f"bframes={b_frames}:{X265}"}
    return Format("libx265", pixels, SIZE, options, bool(b_frames))


FORMATS = {
    "h264_b_frames": Format("libx264", "yuv420p", SIZE, {**X264, "bf": "3", "b-pyramid": "normal"}, True),
    "h264_interlaced": Format("libx264", "yuv420p", SIZE, {**X264, "bf": "2", "flags": "+ildct+ilme"}, True),
    "h264_slices": Format("libx264", "yuv420p", SIZE, {**X264, "bf": "0", "slices": "4"}),
    "h264_10_bit": Format("libx264", "yuv420p10le", SIZE, {**X264, "bf": "0"}),
    "h264_full_range": Format("libx264", "yuvj420p", SIZE, {**X264, "bf": "0"}),
    "h264_odd": Format("libx264", "yuv444p", ODD, {**X264, "bf": "2"}, True),
    "h264_grey": Format("libx264", "gray", SIZE, {**X264, "bf": "0"}),
    "h265_b_frames": h265("yuv420p", 4),
    "h265_10_bit": h265("yuv420p10le", 0),
}


def write(path: Path, form: Format, camera: int) -> None:
    """Encode a clip of the test picture, which begins again after its last."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(form.codec, rate=FPS, options={**form.options, "g": str(GOP)})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = form.size
        stream.pix_fmt = form.pixels
        stream.codec_context.thread_count = 1
        packets = []
        for number in range(COUNT):
            frame = av.VideoFrame.from_ndarray(draw(number, camera, *form.size), "rgb24")
            frame = frame.reformat(format=form.pixels, dst_colorspace="ITU601")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            packets += stream.encode(frame)
        packets += stream.encode(None)
        shown = [packet.pts for packet in packets]
        assert (shown != list(range(COUNT))) == form.reorders
        container.mux(packets)


def free_ports(count: int) -> list[int]:
    """Return even UDP ports that are free, as are the ones after them."""
    with ExitStack() as stack:

        def bound(port: int) -> int:
            sock = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            sock.bind(("127.0.0.1", port))
            found: int = sock.getsockname()[1]
            return found

        ports: list[int] = []
        while len(ports) < count:
            with suppress(OSError):
                if (port := bound(0)) % 2 == 0 and bound(port + 1):
                    ports.append(port)
        return ports


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[cg.Site]:
    """A stream of each format, whose camera's number is its place."""
    directory = tmp_path_factory.mktemp("formats")
    graph = cg.Graph()
    with ExitStack() as stack:
        ports = free_ports(len(FORMATS))
        for camera, ((name, form), port) in enumerate(zip(FORMATS.items(), ports, strict=True), start=1):
            clip, description = directory / f"{name}.mkv", directory / f"{name}.sdp"
            write(clip, form, camera)
            command = f"ffmpeg -v error -re -stream_loop -1 -i {clip} -c copy -f rtp -sdp_file {description}"
            sender = subprocess.Popen([*command.split(), f"rtp://127.0.0.1:{port}"], stdin=subprocess.DEVNULL)
            stack.callback(sender.wait)
            stack.callback(sender.kill)
            graph.sdp(name, description)
        written = [directory / f"{name}.sdp" for name in FORMATS]
        wait_until(lambda: all(path.exists() and path.stat().st_size for path in written), 10, "descriptions")
        site = stack.enter_context(graph.start())
        # All processes are there before the first test.
        streams = site.streams.values()
        wait_until(lambda: all(stream.status.state == "live" for stream in streams), 20, "all streams live")
        yield site


@pytest.mark.parametrize("name", FORMATS)
def test_each_picture_is_shown_whole_in_order_and_in_its_colours(site: cg.Site, name: str) -> None:
    form, camera = FORMATS[name], [*FORMATS].index(name) + 1
    width, height = form.size
    found = []
    with site.read(site.streams[name].frames(policy="every", format="rgb24")) as reader:
        for _ in range(GOP + 5):
            frame = reader.read(timeout=15)
            picture = frame.array.copy()
            frame.release()
            read = decode(picture)
            assert (picture.shape, read.ok, read.camera) == ((height, width, 3), True, camera)
            assert read.number is not None
            found.append(read.number)
    assert [(b - a) % COUNT for a, b in itertools.pairwise(found)] == [1] * (GOP + 4)
    for bar in BARS:
        x, y = bar.center(width, height)
        expected = [GREY @ bar.rgb] * 3 if form.pixels == "gray" else list(bar.rgb)
        assert picture[y, x].tolist() == pytest.approx(expected, abs=SAME_COLOR), bar.name
