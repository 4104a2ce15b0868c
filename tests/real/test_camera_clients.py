"""Strangers play the built-in cameras by each codec, way and login: Debian's FFmpeg, GStreamer, libcurl."""

import ctypes
import ctypes.util
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from typing import get_args

import numpy as np
import pytest

from camgraph.cli.camera_child import CamerasFailed, Codec
from camgraph.media.rtsp.gate import AUTH_KINDS
from camgraph.testing.cameras import Cameras
from camgraph.testing.clips import FRAMES
from camgraph.testing.pattern import decode

WIDTH, HEIGHT = SIZE = (320, 184)
PATIENCE_S = 20
PICTURES = 8
DECODERS = {
    "h264": "rtph264depay ! avdec_h264 max-threads=1",
    "h265": "rtph265depay ! avdec_h265 max-threads=1",
    "mjpeg": "rtpjpegdepay ! jpegdec",
}


@pytest.fixture(scope="module")
def urls() -> Iterator[dict[str, str]]:
    """The address of a camera of each codec."""
    codecs: tuple[Codec, ...] = get_args(Codec)
    with ExitStack() as stack:
        started = {each: stack.enter_context(Cameras(1, size=SIZE, codec=each)) for each in codecs}
        yield {codec: cameras.urls[0] for codec, cameras in started.items()}


@pytest.fixture(scope="module")
def locked() -> Iterator[dict[str, str]]:
    """The address of a camera for each kind of login."""
    with ExitStack() as stack:
        started = {
            auth: stack.enter_context(Cameras(1, size=SIZE, auth=auth, login="keeper:correct horse"))
            for auth in AUTH_KINDS
        }
        yield {auth: cameras.urls[0] for auth, cameras in started.items()}


def play(command: list[str]) -> None:
    """Run a player that writes its pictures, of grey, to standard output, and check what they show."""
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE_S, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    pictures = np.frombuffer(done.stdout, np.uint8).reshape(-1, HEIGHT, WIDTH)
    found = [decode(picture)[:2] for picture in pictures]
    first = found[0][0]
    assert first is not None
    assert found == [((first + at) % FRAMES, 1) for at in range(len(found))]
    assert len(found) >= PICTURES - 1


def ffmpeg(url: str, transport: str) -> list[str]:
    before = f"ffmpeg -v error -threads 1 -probesize 32 -fpsprobesize 0 -rtsp_transport {transport} -i"
    after = f"-frames:v {PICTURES} -vsync passthrough -f rawvideo -pix_fmt gray -"
    return [*before.split(), url, *after.split()]


def gstreamer(url: str, codec: str, protocols: str) -> list[str]:
    if shutil.which("gst-launch-1.0") is None:
        pytest.skip("there is no GStreamer")
    # Its only buffer waits for late packets.
    pipeline = (
        f"rtspsrc location={url} protocols={protocols} multicast-iface=lo latency=50 ! {DECODERS[codec]} "
        f"! videoconvert ! video/x-raw,format=GRAY8 ! identity eos-after={PICTURES} ! fdsink"
    )
    return ["gst-launch-1.0", "-q", *pipeline.split()]


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("codec", ["h265", "mjpeg"])
def test_ffmpeg_plays_each_codec(urls: dict[str, str], codec: str, transport: str) -> None:
    play(ffmpeg(urls[codec], transport))


def test_ffmpeg_plays_h264_by_udp(urls: dict[str, str]) -> None:
    play(ffmpeg(urls["h264"], "udp"))


@pytest.mark.parametrize("protocols", ["udp", "udp-mcast"])
@pytest.mark.parametrize("codec", ["h264", "h265", "mjpeg"])
def test_gstreamer_plays_each_codec(urls: dict[str, str], codec: str, protocols: str) -> None:
    play(gstreamer(urls[codec], codec, protocols))


@pytest.mark.parametrize("auth", ["digest", "basic", "both"])
def test_ffmpeg_logs_in(locked: dict[str, str], auth: str) -> None:
    url = locked[auth]
    play(ffmpeg(url.replace("//", "//keeper:correct%20horse@"), "tcp"))
    with pytest.raises(AssertionError, match="401"):
        play(ffmpeg(url.replace("//", "//keeper:horse@"), "tcp"))


@pytest.mark.parametrize("auth", ["digest", "sha256"])
def test_curl_logs_in(locked: dict[str, str], auth: str) -> None:
    url = locked[auth]
    assert curl_describe(url, "keeper:correct horse") == 200
    assert curl_describe(url, "keeper:horse") == 401


def curl_describe(url: str, login: str) -> int:
    """Return how DESCRIBE is answered, which the curl command can't ask."""
    if (library := ctypes.util.find_library("curl")) is None:
        pytest.skip("there is no libcurl")
    curl = ctypes.CDLL(library)
    curl.curl_easy_init.restype = ctypes.c_void_p
    handle = ctypes.c_void_p(curl.curl_easy_init())
    texts = {10002: url, 10191: url, 10005: login}  # URL, RTSP_STREAM_URI, USERPWD
    numbers = {189: 2, 107: 2, 13: PATIENCE_S, 99: 1, 44: 1}  # DESCRIBE, digest, TIMEOUT, NOSIGNAL, NOBODY
    code = ctypes.c_long()
    try:
        for option, text in texts.items():
            assert curl.curl_easy_setopt(handle, option, ctypes.c_char_p(text.encode())) == 0
        for option, number in numbers.items():
            assert curl.curl_easy_setopt(handle, option, ctypes.c_long(number)) == 0
        assert curl.curl_easy_perform(handle) == 0
        assert curl.curl_easy_getinfo(handle, 0x200002, ctypes.byref(code)) == 0  # RESPONSE_CODE
    finally:
        curl.curl_easy_cleanup(handle)
    return code.value


def test_what_rtp_cannot_tell_of_jpeg_is_refused() -> None:
    with pytest.raises(CamerasFailed, match="320x180: JPEG needs sides that 8 divides"):
        Cameras(1, size=(320, 180), codec="mjpeg")
