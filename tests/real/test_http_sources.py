"""Streams over HTTP, from a real server that misbehaves as asked."""

import contextlib
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from camgraph.base.errors import ClosedError, SourceError
from camgraph.media.convert import Converter, color_of
from camgraph.media.decode import VideoDecoder
from camgraph.media.hangs import HUNG_LOOKS, LOOK_EVERY_S
from camgraph.media.source import Packet
from camgraph.media.sources.http import HttpSource
from camgraph.testing.waiting import wait_until

SIZE = (319, 241)
USER, PASSWORD = "me", "p@ss/wörd:1"


def jpeg(number: int) -> bytes:
    context: Any = av.CodecContext.create("mjpeg", "w")
    context.width, context.height = SIZE
    context.pix_fmt, context.time_base = "yuvj420p", Fraction(1, 25)
    frame = av.VideoFrame.from_ndarray(np.full((*SIZE[::-1], 3), 20 + 10 * number, np.uint8), "rgb24")
    frame = frame.reformat(format="yuvj420p", dst_color_range="JPEG")
    return b"".join(map(bytes, [*context.encode(frame), *context.encode(None)]))


class Server:
    """Serves what `answers` has by path, in threads."""

    def __init__(self) -> None:
        self.answers: dict[str, Callable[[BaseHTTPRequestHandler], None]] = {}
        self.asked: list[tuple[str, str]] = []
        self.closing = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                """Say nothing."""

            def do_GET(self) -> None:
                server.asked.append((self.path, self.headers.get("Authorization") or ""))
                self.close_connection = True
                with contextlib.suppress(OSError):  # The source may leave.
                    server.answers[self.path](self)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = False
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._server.server_port}{path}"

    def close(self) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


def head(request: BaseHTTPRequestHandler, status: int, *lines: tuple[str, str]) -> None:
    request.send_response(status)
    for name, value in lines:
        request.send_header(name, value)
    request.end_headers()


def motion_jpeg(
    server: Server, *, boundary: str = "part", length: bool = True, count: int = 12, then: bool = False
) -> Callable[[BaseHTTPRequestHandler], None]:
    """Return what sends pictures 0.05 s apart, and hangs up, or says nothing more if `then`."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        head(request, 200, ("Content-Type", f"multipart/x-mixed-replace; boundary={boundary}"))
        for number in range(count):
            data = jpeg(number)
            told = f"Content-Length: {len(data)}\r\n" if length else ""
            bound = boundary.strip('"').removeprefix("--")
            part = f"--{bound}\r\nContent-Type: image/jpeg\r\n{told}\r\n"
            request.wfile.write(part.encode() + data + b"\r\n")
            server.closing.wait(0.05)
        if then:
            server.closing.wait(30)

    return answer


def received(source: HttpSource, most: int = 1000) -> tuple[list[Packet], list[int], SourceError | None]:
    """Return the packets, the numbers that the pictures show, and how it ended, if it did."""
    packets: list[Packet] = []
    numbers: list[int] = []
    try:
        source.resolve()
        decoder = VideoDecoder(source.open())
        for packet in itertools.islice(source.packets(), most):
            packets.append(packet)
            for picture in decoder.decode(packet):
                frame = picture.frame
                assert (frame.width, frame.height) == SIZE
                (grey,) = Converter("gray8", 0, 0).convert(frame, color_of(frame))
                numbers.append(round((float(grey.mean()) - 20) / 10))
    except SourceError as error:
        return packets, numbers, error
    finally:
        source.close()
        source.close()
    return packets, numbers, None


def test_motion_jpeg_is_received_as_it_comes(server: Server) -> None:
    ways: dict[str, dict[str, Any]] = {
        "/usual": {},
        "/dashes": {"boundary": "--part"},
        "/quoted": {"boundary": '"part"'},
        "/no-length": {"length": False},
    }
    for path, way in ways.items():
        server.answers[path] = motion_jpeg(server, **way)
    with ThreadPoolExecutor(len(ways)) as pool:
        results = list(pool.map(lambda path: received(HttpSource(server.url(path))), ways))
    for path, (packets, numbers, ended) in zip(ways, results, strict=True):
        # Without its length, the end of a picture is where the next one begins.
        assert numbers == list(range(12 - (path == "/no-length"))), path
        assert ended is not None
        assert ended.reason == "camera_closed"
        # Of when it was made there is nothing in it: the times are those of arrival.
        assert all(packet.pts == packet.arrival_ns // 1000 for packet in packets)
        assert (packets[-1].arrival_ns - packets[1].arrival_ns) / 1e9 > 9 * 0.05
        assert all(packet.keyframe and packet.capture_quality == "arrival" for packet in packets)


def test_a_login_is_sent_when_it_is_asked_for_and_never_shown(server: Server) -> None:
    def guarded(request: BaseHTTPRequestHandler) -> None:
        if request.headers.get("Authorization") is None:
            head(request, 401, ("WWW-Authenticate", 'Basic realm="x"'), ("Content-Length", "0"))
        else:
            motion_jpeg(server, count=3)(request)

    def refused(request: BaseHTTPRequestHandler) -> None:
        head(request, 401, ("WWW-Authenticate", 'Basic realm="x"'), ("Content-Length", "0"))

    server.answers = {"/1": guarded, "/no": refused}
    login = f"{USER}:{PASSWORD}"
    assert received(HttpSource(server.url("/1"), login), 2)[1] == [0, 1]
    for source in (HttpSource(server.url("/1")), HttpSource(server.url("/no"), login)):
        ended = received(source)[2]
        assert ended is not None
        assert ended.reason == "unauthorized"
        told = f"{ended!r} {ended.__cause__!r} {ended.__context__!r}"
        assert "p%40ss" not in told
        assert "p@ss" not in told


def test_every_fault_has_its_reason(server: Server, tmp_path: Path) -> None:
    def status(code: int) -> Callable[[BaseHTTPRequestHandler], None]:
        return lambda request: head(request, code, ("Content-Length", "0"))

    def page(request: BaseHTTPRequestHandler) -> None:
        body = b"<html><body>Log in, please.</body></html>" * 20
        head(request, 200, ("Content-Type", "text/html"), ("Content-Length", str(len(body))))
        request.wfile.write(body)

    server.answers = {
        "/401": status(401),
        "/403": status(403),
        "/404": status(404),
        "/400": status(400),
        "/503": status(503),
        "/page": page,
        "/empty": status(200),
        "/hangs-up": lambda _: None,
        "/cut": motion_jpeg(server, count=4),
    }
    expected = {
        "/401": "unauthorized",
        "/403": "unauthorized",
        "/404": "not_found",
        "/400": "request_refused",
        "/503": "server_error",
        "/page": "not_media",
        "/empty": "not_media",
        "/hangs-up": "camera_closed",
        "/cut": "camera_closed",
    }
    for path, reason in expected.items():
        ended = received(HttpSource(server.url(path)))[2]
        assert ended is not None, path
        assert ended.reason == reason, (path, ended)
        assert "127.0.0.1" in str(ended)
    for url, told in (
        (server.url("/hangs-up"), "is it https there?"),
        (server.url("/cut").replace("http:", "https:"), "is it http there?"),
    ):
        ended = received(HttpSource(url))[2]
        assert told in str(ended)
    ended = received(HttpSource("http://127.0.0.1:1/"))[2]
    assert ended is not None
    assert ended.reason == "refused"
    ended = received(HttpSource("http://camera.invalid/"))[2]
    assert ended is not None
    assert ended.reason in ("name_not_found", "name_no_answer")


def test_every_wait_can_be_cancelled(server: Server) -> None:
    def mute(request: BaseHTTPRequestHandler) -> None:
        server.closing.wait(30)

    server.answers = {"/mute": mute, "/silent": motion_jpeg(server, count=3, then=True)}
    for path in server.answers:
        source = HttpSource(server.url(path))
        with ThreadPoolExecutor(1) as pool:
            ended = pool.submit(received, source)
            wait_until(lambda: (path, "") in server.asked)  # noqa: B023
            if path == "/silent":
                wait_until(lambda: source.network.received_bytes > 2 * len(jpeg(0)))  # noqa: B023
            asked = time.monotonic()
            while not ended.done():
                source.cancel()
                assert time.monotonic() - asked < 1, path
                time.sleep(0.001)
            with pytest.raises(ClosedError):
                ended.result()


def write(path: Path, **options: Any) -> None:
    """Encode 15 pictures."""
    with av.open(str(path), "w", **options) as container:
        stream: Any = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for number in range(15):
            frame = av.VideoFrame.from_ndarray(np.full((240, 320, 3), 10 * number, np.uint8), "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame.reformat(format="yuv420p")))
        container.mux(stream.encode(None))


def file(path: Path) -> Callable[[BaseHTTPRequestHandler], None]:
    """Return what sends a file, or the part that is asked for."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        data = path.read_bytes()
        first = int((request.headers.get("Range") or "bytes=0-")[6:].partition("-")[0])
        told = ("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
        head(request, 206, ("Accept-Ranges", "bytes"), told, ("Content-Length", str(len(data) - first)))
        request.wfile.write(data[first:])

    return answer


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.m3u8"])
def test_a_recording_is_played_at_its_own_pace_and_ends(server: Server, tmp_path: Path, name: str) -> None:
    write(tmp_path / name)
    server.answers = {f"/{path.name}": file(path) for path in tmp_path.iterdir()}
    source = HttpSource(server.url(f"/{name}"))
    source.resolve()
    source.open()
    packets: list[Packet] = []
    with pytest.raises(SourceError) as caught:
        packets.extend(source.packets())
    source.close()
    assert caught.value.reason == "ended"
    assert len(packets) == 15
    assert (packets[-1].arrival_ns - packets[0].arrival_ns) / 1e9 > 12 / 25


def test_what_comes_in_pieces_is_played_evenly_and_can_be_cancelled_between_them(
    server: Server, tmp_path: Path
) -> None:
    write(tmp_path / "live.m3u8")
    listed = (tmp_path / "live.m3u8").read_text().replace("#EXT-X-ENDLIST\n", "")
    (tmp_path / "live.m3u8").write_text(listed)
    server.answers = {f"/{path.name}": file(path) for path in tmp_path.iterdir()}
    source = HttpSource(server.url("/live.m3u8"))
    packets: list[Packet] = []

    def play() -> None:
        source.resolve()
        source.open()
        for packet in source.packets():
            packets.append(packet)

    with ThreadPoolExecutor(1) as pool:
        ended = pool.submit(play)
        wait_until(lambda: len(packets) >= 13)  # The rest may wait for the next piece.
        asked = time.monotonic()
        while not ended.done():
            source.cancel()
            assert time.monotonic() - asked < HUNG_LOOKS * LOOK_EVERY_S
            time.sleep(0.01)
        with pytest.raises(ClosedError):
            ended.result()
    source.close()
    assert np.diff([packet.arrival_ns for packet in packets]).max() < 200_000_000
