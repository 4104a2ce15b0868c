"""Files, played by their source: clips encoded here, read back, decoded and converted."""

import itertools
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.video.stream import VideoStream
from numpy.typing import NDArray

from camgraph.base.errors import ClosedError, SourceError
from camgraph.media.convert import Converter, color_of
from camgraph.media.decode import Picture, VideoDecoder
from camgraph.media.source import Packet
from camgraph.media.sources.file import FileSource

FPS = 25
SIZE = (320, 240)
QUIET = {"x265-params": "log-level=none"}


def drawn(number: int, width: int, height: int) -> NDArray[np.uint8]:
    """Return an RGB picture of four quarters: red, green, blue, and a grey that tells the number."""
    picture = np.zeros((height, width, 3), np.uint8)
    middle, centre = height // 2 & ~1, width // 2 & ~1
    picture[:middle, :centre] = (200, 40, 40)
    picture[:middle, centre:] = (40, 200, 40)
    picture[middle:, :centre] = (40, 40, 200)
    picture[middle:, centre:] = 40 + 8 * (number % 20)
    return picture


def write(
    path: Path,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    *,
    count: int = 10,
    size: tuple[int, int] = SIZE,
    options: dict[str, str] | None = None,
    form: str | None = None,
) -> Path:
    """Encode a clip whose every picture is `drawn`."""
    with av.open(str(path), "w", format=form) as container:
        stream: Any = container.add_stream(codec, rate=FPS, options=options or {})
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = size
        stream.pix_fmt = pixels
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(drawn(number, *size), "rgb24")
            frame = frame.reformat(format=pixels, dst_colorspace="ITU601")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    if codec == "libsvtav1":
        # Where it may, it makes the thread that opens it a real-time one, and all that is started from there.
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    return path


def played(source: FileSource, most: int = 1000) -> tuple[list[Packet], list[Picture], SourceError | None]:
    """Play a file, if it loops for so many packets at least.

    Return its packets, its pictures, and how it ended, if it did.
    """
    packets: list[Packet] = []
    pictures: list[Picture] = []
    decoder = None
    try:
        source.resolve()
        while len(packets) < most:
            decoder = VideoDecoder(source.open())
            for packet in source.packets():
                packets.append(packet)
                pictures += decoder.decode(packet)
            pictures += decoder.rest()
    except SourceError as error:
        pictures += decoder.rest() if decoder is not None else []
        return packets, pictures, error
    finally:
        source.close()
    return packets, pictures, None


def check(picture: Picture, number: int, size: tuple[int, int], *, grey: bool = False) -> None:
    """Check each quarter of a picture after its conversion."""
    width, height = size
    frame = picture.frame
    (shown,) = Converter("rgb24", 0, 0).convert(frame, color_of(frame))
    assert shown.shape == (height, width, 3)
    expected = drawn(number, width, height)
    for y, x in itertools.product((height // 4, height - height // 4, height - 2), (width // 4, width - 2)):
        told = expected[y, x].astype(float)
        if grey:
            told[:] = told @ (0.299, 0.587, 0.114)
        most = 9 if frame.format.name != "bgra" else 40  # Of 256 colours.
        assert shown[y, x] == pytest.approx(told, abs=most), (frame.format.name, y, x)


ODD = (319, 241)
CODECS: dict[str, tuple[str, str, str, tuple[int, int], dict[str, str]]] = {
    "h264": (".mp4", "libx264", "yuv420p", SIZE, {"bf": "3"}),
    "h264 interlaced": (".ts", "libx264", "yuv420p", SIZE, {"flags": "+ildct+ilme", "bf": "2"}),
    "h264 10 bit": (".mkv", "libx264", "yuv420p10le", SIZE, {}),
    "h264 4:4:4 odd": (".mkv", "libx264", "yuv444p", ODD, {}),
    "h264 nv12": (".mp4", "libx264", "nv12", SIZE, {}),
    "h264 full range": (".mp4", "libx264", "yuvj420p", SIZE, {}),
    "h264 without times": (".h264", "libx264", "yuv420p", SIZE, {}),
    "h265": (".mkv", "libx265", "yuv420p", SIZE, QUIET),
    "h265 10 bit": (".mp4", "libx265", "yuv420p10le", SIZE, QUIET),
    "h265 grey": (".mkv", "libx265", "gray", SIZE, QUIET),
    "mjpeg": (".avi", "mjpeg", "yuvj420p", SIZE, {}),
    "mjpeg odd": (".avi", "mjpeg", "yuvj420p", ODD, {}),
    "mjpeg 4:2:2": (".mkv", "mjpeg", "yuvj422p", SIZE, {}),
    "av1": (".mkv", "libsvtav1", "yuv420p", SIZE, {"preset": "9", "crf": "20"}),
    "av1 10 bit": (".mp4", "libsvtav1", "yuv420p10le", SIZE, {"preset": "9", "crf": "20"}),
    "vp8": (".webm", "libvpx", "yuv420p", SIZE, {"deadline": "realtime", "b": "4M"}),
    "vp9": (".webm", "libvpx-vp9", "yuv420p", SIZE, {"deadline": "realtime"}),
    "vp9 odd": (".webm", "libvpx-vp9", "yuv420p", ODD, {"deadline": "realtime"}),
    "mpeg4": (".avi", "mpeg4", "yuv420p", SIZE, {"bf": "2"}),
    "raw nv12": (".mkv", "rawvideo", "nv12", SIZE, {}),
    "raw yuyv422": (".mkv", "rawvideo", "yuyv422", SIZE, {}),
    "ffv1 rgb odd": (".mkv", "ffv1", "bgr0", ODD, {}),
    "ffv1 grey odd": (".mkv", "ffv1", "gray", ODD, {}),
    "ffv1 grey 10 bit": (".mkv", "ffv1", "gray10le", SIZE, {}),
    "ffv1 odd": (".mkv", "ffv1", "yuv420p", ODD, {}),
    "gif": (".gif", "gif", "rgb8", SIZE, {}),
}


@pytest.mark.parametrize("what", CODECS)
def test_every_codec_and_format_is_shown_in_its_colours(what: str, tmp_path: Path) -> None:
    suffix, codec, pixels, size, options = CODECS[what]
    path = write(tmp_path / f"clip{suffix}", codec, pixels, size=size, options=options)
    packets, pictures, ended = played(FileSource(str(path), speed="fast"))
    assert ended is not None
    assert ended.reason == "ended", ended
    assert len(packets) == len(pictures) == 10
    for number, picture in enumerate(pictures):
        check(picture, number, size, grey="grey" in what)
        assert picture.frame.interlaced_frame == ("interlaced" in what)
    if "without times" not in what:
        assert np.diff(times_of(pictures)).min() > 0


def test_its_own_pace_is_that_of_its_times(tmp_path: Path) -> None:
    path = write(tmp_path / "clip.mp4", options={"bf": "3"})
    packets, pictures, _ = played(FileSource(str(path)))
    took_s = (packets[-1].arrival_ns - packets[0].arrival_ns) / 1e9
    assert 9 / FPS - 0.01 < took_s < 9 / FPS + 0.5
    for early, late in itertools.pairwise(pictures[2:]):
        # The first ones may come out of order of their capture: nobody knows how far ahead a file decodes.
        assert 0.02 < (late.packet.capture_ns - early.packet.capture_ns) / 1e9 < 0.06
    assert all(packet.capture_quality == "arrival" for packet in packets)


def test_who_is_late_is_not_shown_the_rest_in_a_burst(tmp_path: Path) -> None:
    source = FileSource(str(write(tmp_path / "clip.avi", "mjpeg", "yuvj420p")))
    source.open()
    arrivals = []
    for packet in source.packets():
        arrivals.append(packet.arrival_ns / 1e9)
        if len(arrivals) == 3:
            time.sleep(0.5)  # As if decoding took so long.
        if len(arrivals) == 8:
            break
    source.close()
    assert np.diff(arrivals[3:]).min() > 0.6 / FPS


def test_a_file_that_was_cut_off_is_played_as_far_as_it_goes(tmp_path: Path) -> None:
    for name in ("clip.ts", "clip.mkv"):
        path = write(tmp_path / name, "ffv1" if name == "clip.mkv" else "mpeg2video", options={"g": "1"})
        path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
        _, pictures, ended = played(FileSource(str(path), speed="fast"))
        assert ended is not None
        assert ended.reason == "ended"
        assert 4 <= len(pictures) <= 7
        for number, picture in enumerate(pictures):
            check(picture, number, SIZE)


def test_a_loop_goes_on_with_its_times_and_misses_no_picture(tmp_path: Path) -> None:
    for name in ("clip.mp4", "clip.ts", "clip.h264"):
        path = write(tmp_path / name, options={"bf": "2"})
        packets, pictures, ended = played(FileSource(str(path), loop=True, speed="fast"), 30)
        assert ended is None
        assert len(packets) == len(pictures) == 30
        for number, picture in enumerate(pictures):
            check(picture, number % 10, SIZE)
        if name != "clip.h264":
            assert np.diff(times_of(pictures)) == pytest.approx(1 / FPS, abs=0.002)


def times_of(pictures: list[Picture]) -> list[float]:
    return [float((picture.frame.pts or 0) * picture.packet.time_base) for picture in pictures]


@pytest.mark.parametrize(
    ("codec", "options"),
    [
        ("libx264", {"x264-params": "open-gop=1:keyint=12:min-keyint=12:bframes=3:scenecut=0"}),
        ("libx265", {"x265-params": "log-level=none:open-gop=1:keyint=12:min-keyint=12:bframes=3"}),
    ],
)
def test_a_loop_shows_no_picture_that_rests_on_what_was_cut_off_before_it(
    codec: str, options: dict[str, str], tmp_path: Path
) -> None:
    path = write(tmp_path / "whole.mkv", codec, count=40, options=options)
    cut = tmp_path / "cut.mkv"
    with av.open(str(path)) as whole, av.open(str(cut), "w") as container:
        stream = whole.streams.video[0]
        into = container.add_stream_from_template(stream)
        packets = [packet for packet in whole.demux(stream) if packet.size]
        second = [number for number, packet in enumerate(packets) if packet.is_keyframe][1]
        for packet in packets[second:]:
            packet.stream = into
            container.mux(packet)
    # Of the first pictures in it others are missing that came before.
    first = round(float(packets[second].pts * stream.time_base) * FPS)  # type: ignore[operator]
    count = 40 - first
    _, pictures, _ = played(FileSource(str(cut), loop=True, speed="fast"), 2 * count)
    assert len(pictures) == 2 * count
    for number, picture in enumerate(pictures):
        check(picture, first + number % count, SIZE)
    times = times_of(pictures)
    assert np.diff(times[:count]) == pytest.approx(1 / FPS, abs=0.002)
    assert np.diff(times[count:]) == pytest.approx(1 / FPS, abs=0.002)
    assert 0.5 / FPS < times[count] - times[count - 1] < 5.5 / FPS


def test_a_picture_is_repeated_at_the_usual_rate(tmp_path: Path) -> None:
    path = write(tmp_path / "still.png", "png", "rgb24", count=1, form="image2")
    packets, pictures, _ = played(FileSource(str(path), loop=True), 6)
    assert len(pictures) == 6
    check(pictures[5], 0, SIZE)
    assert (packets[-1].arrival_ns - packets[0].arrival_ns) / 1e9 > 5 / FPS - 0.01


def test_a_wait_for_the_next_picture_can_be_cancelled_and_says_that_it_lasts(tmp_path: Path) -> None:
    path = tmp_path / "slow.mkv"
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("mjpeg", rate=1)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuvj420p"
        for number in range(3):
            frame = av.VideoFrame(32, 32, "yuvj420p")
            frame.pts, frame.time_base = 60 * number, Fraction(1)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    source = FileSource(str(path))
    first = threading.Event()

    def play() -> None:
        source.open()
        for _ in source.packets():
            first.set()

    with ThreadPoolExecutor(1) as pool:
        ended = pool.submit(play)
        assert first.wait(5)
        said = [source.network.waiting_ns]
        until = time.monotonic() + 5
        while len(said) < 4 and time.monotonic() < until:
            if source.network.waiting_ns != said[-1]:
                said.append(source.network.waiting_ns)
        asked = time.monotonic()
        assert source.cancel()
        with pytest.raises(ClosedError):
            ended.result(5)
        assert time.monotonic() - asked < 0.3
    assert len(said) == 4
    assert np.diff(said[1:]).max() < 150_000_000
    source.close()
    source.close()


@pytest.fixture
def unreadable(tmp_path: Path) -> dict[str, tuple[Path, str]]:
    (tmp_path / "text.mp4").write_text("This is no video.\n" * 100)
    (tmp_path / "empty.mp4").touch()
    whole = write(tmp_path / "whole.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    with av.open(str(tmp_path / "sound.wav"), "w") as container:
        sound: Any = container.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
        frame.sample_rate = 8000
        container.mux(sound.encode(frame))
    return {
        "absent": (tmp_path / "absent.mp4", "not_found"),
        "below a file": (tmp_path / "text.mp4" / "a.mp4", "not_found"),
        "a directory": (tmp_path, "not_media"),
        "text": (tmp_path / "text.mp4", "not_media"),
        "empty": (tmp_path / "empty.mp4", "not_media"),
        "cut off": (tmp_path / "cut.mp4", "not_media"),
        "sound only": (tmp_path / "sound.wav", "no_video"),
        "no permission": (Path("/proc/self/mem"), "unreadable"),
    }


def test_what_can_not_be_played_is_told_in_a_sentence(unreadable: dict[str, tuple[Path, str]]) -> None:
    for what, (path, reason) in unreadable.items():
        _, _, ended = played(FileSource(str(path), loop=True))
        assert ended is not None, what
        assert ended.reason == reason, (what, ended)
        assert str(path) in str(ended), what
        assert ended.__cause__ is ended.__context__ is None


def test_a_name_is_no_address(tmp_path: Path) -> None:
    path = write(tmp_path / "http:::x%02d?.mp4")
    assert len(played(FileSource(str(path), speed="fast"))[1]) == 10
