"""One attempt at receiving, by our own client and by libavformat, against servers that misbehave."""

import asyncio
import contextlib
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from camgraph.base.errors import (
    ClosedError,
    SourceError,
    SourceRefused,
    SourceTimeout,
    SourceUnavailable,
)
from camgraph.base.loop import Loop
from camgraph.control.messages import NodeEvent, StreamStatus
from camgraph.graph.nodes import RtspSource
from camgraph.media.memory import Memory
from camgraph.media.rtp.depacketize.nal import annexb_nals
from camgraph.media.rtsp.message import Headers, MessageParser, Request, Response, interleaved_prefix
from camgraph.media.rtsp.packetize import RtpPacketizer, is_rtcp
from camgraph.media.rtsp.sdp import describe_h264, h264_parameter_sets, session_description
from camgraph.media.rtsp.server import RtspServer
from camgraph.media.source import PacketSource
from camgraph.media.sources.feed import Need
from camgraph.media.sources.libav_rtsp import ANSWER_BOUND_S, LibavRtspSource
from camgraph.media.sources.rtsp import RtspSource as OwnRtspSource
from camgraph.media.sources.rtsp import TransportMemory
from camgraph.media.worker import StreamWorker
from camgraph.testing.cameras import Cameras
from camgraph.testing.clips import GOP, ClipRequest, ClipStore
from camgraph.testing.player import Player
from camgraph.testing.waiting import wait_until

SENDER_REPORT = bytes.fromhex("80c80006 12345678 e6000000 00000000 00000000 00000000 00000000")
Step = Callable[[socket.socket, Request], bool]
"""Does one request; False: hang up."""


@pytest.fixture(scope="module")
def units() -> list[bytes]:
    return _clip(640, 360)


def _clip(width: int, height: int) -> list[bytes]:
    store, request = ClipStore(), ClipRequest(1, width, height, 25)
    return store.find(request) or store.make(request, lambda: False)


class Scripted:
    """A server that answers as scripted, by method; a method that is not in the script gets no answer."""

    def __init__(self, sdp: str, **steps: str | Step) -> None:
        self._sdp, self._steps = sdp, steps
        self._server = socket.create_server(("127.0.0.1", 0))
        self._connections: list[socket.socket] = []
        self.closing = threading.Event()
        self.heard: list[str] = []
        self.url = f"rtsp://127.0.0.1:{self._server.getsockname()[1]}/1"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        self.closing.set()
        for sock in (self._server, *self._connections):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._server.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock = self._server.accept()[0]
                self._connections.append(sock)
                thread = threading.Thread(target=self._serve, args=(sock,))
                self._threads.append(thread)
                thread.start()

    def _serve(self, sock: socket.socket) -> None:
        parser = MessageParser()
        with sock, contextlib.suppress(OSError):
            while data := sock.recv(4096):
                parser.feed(data)
                for message in parser:
                    if isinstance(message, Request) and not self._answer(sock, message):
                        return

    def _answer(self, sock: socket.socket, request: Request) -> bool:
        self.heard.append(request.method)
        step = self._steps.get(request.method, "")
        if callable(step):
            return step(sock, request)
        if step:
            self.respond(sock, request, step)
        return True

    def respond(self, sock: socket.socket, request: Request, status: str) -> None:
        code, _, reason = status.partition(" ")
        headers = [("CSeq", request.headers.get("CSeq") or "0"), ("Session", "1")]
        body = self._sdp.encode() if request.method == "DESCRIBE" and code == "200" else b""
        if request.method == "SETUP":
            headers.append(("Transport", "RTP/AVP/TCP;unicast;interleaved=0-1"))
        if body:
            headers.append(("Content-Type", "application/sdp"))
        sock.sendall(Response(int(code), reason, Headers(headers), body).encode())


OK = "200 OK"
UP_TO_PLAY: dict[str, str | Step] = {"OPTIONS": OK, "DESCRIBE": OK, "SETUP": OK}


@pytest.fixture
def scripted(units: list[bytes]) -> Iterator[Callable[..., Scripted]]:
    servers: list[Scripted] = []
    sdp = session_description("x", "127.0.0.1", [describe_h264(96, h264_parameter_sets(units[0]))])

    def make(**steps: str | Step) -> Scripted:
        servers.append(Scripted(sdp, **steps))
        return servers[-1]

    yield make
    for server in servers:
        server.close()


Make = Callable[..., PacketSource]


@pytest.fixture
def loop() -> Iterator[Loop]:
    """A loop that runs in a thread of its own."""
    loop = Loop()
    thread = threading.Thread(target=loop.run)
    thread.start()
    idle: queue.SimpleQueue[bool] = queue.SimpleQueue()

    def is_idle() -> bool:
        # Asked in its thread, where nothing is half done, and behind what it was told before.
        loop.call_soon_threadsafe(lambda: idle.put(loop.due_in_s() is None))
        return idle.get(timeout=10)

    yield loop
    # Farewells last a moment.
    wait_until(is_idle)
    loop.stop()
    thread.join()
    loop.close()


@pytest.fixture(params=["own", "libav"])
def make(request: pytest.FixtureRequest, loop: Loop) -> Make:
    """Return what makes a source for an address and a login."""
    if request.param == "libav":
        return LibavRtspSource
    return lambda url, login=None: OwnRtspSource(loop, url, login, "tcp", TransportMemory())


def receive(source: PacketSource) -> tuple[SourceError, float, int]:
    """Return how receiving ended, after how long, and how many packets came."""
    started, count = time.monotonic(), 0
    try:
        source.resolve()
        source.open()
        for _ in source.packets():
            count += 1
    except SourceError as error:
        return error, time.monotonic() - started, count
    finally:
        source.close()
    raise AssertionError("packets ended without a word")


def test_every_fault_ends_within_its_bound_and_with_its_own_words(
    scripted: Callable[..., Scripted], make: Make
) -> None:
    def hang_up(sock: socket.socket, request: Request) -> bool:
        return False

    def garbage(sock: socket.socket, request: Request) -> bool:
        sock.sendall(b"HTTP/1.0 200 OK\r\nServer: web\r\n\r\n<html></html>")
        return False

    cases: dict[str, tuple[dict[str, str | Step], type[SourceError], str, float]] = {
        "mute": ({}, SourceTimeout, "no_answer", 1),
        "mute in DESCRIBE": ({"OPTIONS": OK}, SourceTimeout, "no_answer", 1),
        "mute in SETUP": ({"OPTIONS": OK, "DESCRIBE": OK}, SourceTimeout, "no_answer", 1),
        "mute in PLAY": (UP_TO_PLAY, SourceTimeout, "no_answer", 1),
        "no RTP": ({**UP_TO_PLAY, "PLAY": OK}, SourceTimeout, "stalled", 2),
        "hangs up": ({"OPTIONS": hang_up}, SourceUnavailable, "not_rtsp", 0),
        "hangs up in SETUP": ({**UP_TO_PLAY, "SETUP": hang_up}, SourceUnavailable, "not_rtsp", 0),
        "HTTP": ({"OPTIONS": garbage}, SourceUnavailable, "not_rtsp", 0),
        "busy": ({**UP_TO_PLAY, "PLAY": "503 Service Unavailable"}, SourceUnavailable, "server_error", 0),
        "forbidden": ({"OPTIONS": OK, "DESCRIBE": "403 Forbidden"}, SourceRefused, "unauthorized", 0),
        "gone": ({"OPTIONS": OK, "DESCRIBE": "404 Not Found"}, SourceRefused, "not_found", 0),
        "no TCP": (
            {**UP_TO_PLAY, "SETUP": "461 Unsupported Transport"},
            SourceRefused,
            "transport_refused",
            0,
        ),
    }
    if make is not LibavRtspSource:
        # Our own leaves it to the session to find silence out, and knows who has spoken RTSP before.
        del cases["no RTP"]
        cases["hangs up in SETUP"] = ({**UP_TO_PLAY, "SETUP": hang_up}, SourceUnavailable, "camera_closed", 0)
    sources = [make(scripted(**steps).url, "user:s3cret") for steps, _, _, _ in cases.values()]
    with ThreadPoolExecutor(len(cases)) as pool:
        results = list(pool.map(receive, sources))
    for (what, (_, kind, reason, bounds)), (error, took_s, count) in zip(cases.items(), results, strict=True):
        assert (type(error), error.reason, count) == (kind, reason, 0), what
        assert bounds * ANSWER_BOUND_S * 0.9 <= took_s < bounds * ANSWER_BOUND_S + 1.5, what
        assert "127.0.0.1" in str(error), what
        assert "s3cret" not in f"{error!r} {error.__cause__!r} {error.__context__!r}", what


def test_a_login_that_comes_back_in_a_redirection_is_not_told(
    scripted: Callable[..., Scripted], loop: Loop
) -> None:
    asked: list[str] = []

    def send_on(sock: socket.socket, request: Request) -> bool:
        asked.append(request.url)
        place = Headers([("CSeq", request.headers.get("CSeq") or "0"), ("Location", f"{request.url}/2")])
        moved = Response(302, "Moved", place) if len(asked) == 1 else Response(404, "Not Found", place)
        sock.sendall(moved.encode())
        return True

    url = scripted(OPTIONS=OK, DESCRIBE=send_on).url
    source = OwnRtspSource(loop, f"{url}/{{user}}/{{password}}", "me:s3cret", "tcp", TransportMemory())
    error, _, _ = receive(source)
    assert asked == [f"{url}/me/s3cret", f"{url}/me/s3cret/2"]
    assert "/1/{user}/{password}/2 (404" in str(error)


def test_who_is_sent_on_again_and_again_gives_up(scripted: Callable[..., Scripted], loop: Loop) -> None:
    def send_on(sock: socket.socket, request: Request) -> bool:
        camera.respond(sock, request, OK)
        sock.sendall(f"REDIRECT * RTSP/1.0\r\nCSeq: 1\r\nLocation: {request.url}/1\r\n\r\n".encode())
        return True

    camera = scripted(**UP_TO_PLAY, PLAY=send_on)
    source = OwnRtspSource(loop, camera.url, None, "tcp", TransportMemory())
    source.resolve()
    with contextlib.closing(source):
        for _ in range(4):
            source.open()
            packets = source.packets()
            if camera.heard.count("PLAY") < 4:
                assert list(packets) == []
        with pytest.raises(SourceUnavailable, match="from address to address") as failed:
            next(packets)
    assert failed.value.reason == "request_refused"


def test_an_address_that_drops_connections_is_given_up(make: Make) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        error, took_s, _ = receive(make(f"rtsp://127.0.0.1:{full.getsockname()[1]}/1"))
        assert (type(error), error.reason) == (SourceTimeout, "no_answer")
        assert "does not answer" in str(error)
        assert took_s < ANSWER_BOUND_S + 1
        for filler in fillers:
            filler.close()


def test_every_wait_can_be_cancelled(scripted: Callable[..., Scripted], make: Make) -> None:
    def only_reports(sock: socket.socket, request: Request) -> bool:
        servers[-1].respond(sock, request, OK)
        while not servers[-1].closing.wait(0.1):
            sock.sendall(interleaved_prefix(1, len(SENDER_REPORT)) + SENDER_REPORT)
        return False

    servers: list[Scripted] = []
    waits: list[tuple[dict[str, str | Step], str]] = [
        ({}, "OPTIONS"),
        ({"OPTIONS": OK, "DESCRIBE": OK}, "SETUP"),
        ({**UP_TO_PLAY, "PLAY": OK}, "PLAY"),
        ({**UP_TO_PLAY, "PLAY": only_reports}, "PLAY"),
    ]
    for steps, last in waits:
        servers.append(scripted(**steps))
        source = make(servers[-1].url)
        with ThreadPoolExecutor(1) as pool:
            ended = pool.submit(receive, source)
            wait_until(lambda: last in servers[-1].heard)  # noqa: B023
            asked = time.monotonic()
            while not ended.done():
                source.cancel()
                assert time.monotonic() - asked < ANSWER_BOUND_S / 2
                time.sleep(0.001)
            with pytest.raises(ClosedError):
                ended.result()


def test_a_farewell_ends_the_stream_at_once(make: Make) -> None:
    with Cameras(count=1, size=(640, 360)) as cameras:
        source = make(cameras.urls[0])
        try:
            source.resolve()
            info = source.open()
            assert info.codec == "h264"
            packets = source.packets()
            first = next(packets)
            assert first.keyframe
            assert abs(first.arrival_ns - time.monotonic_ns()) < 5_000_000_000
            cameras.stop()
            with pytest.raises(SourceUnavailable, match="restarted or switched off") as caught:
                for _ in packets:
                    pass
            assert caught.value.reason == "camera_closed"
        finally:
            source.close()
            source.close()


@pytest.mark.parametrize("size", [1, 5, 900, 1444, 1450, 70_000])
def test_a_stream_is_whole_however_it_is_cut_up_and_whatever_lies_between(
    scripted: Callable[..., Scripted], units: list[bytes], loop: Loop, size: int
) -> None:
    pictures = units[: 30 if size > 5 else 2]
    sent = bytearray()
    packetizer = RtpPacketizer("h264", 90_000, payload_type=96, started_ns=0)
    for number, unit in enumerate(pictures):
        for packet in packetizer.push(unit, number * 3600):
            sent += interleaved_prefix(is_rtcp(packet), len(packet)) + packet
        if number % 7 == 1:
            sent += Request("OPTIONS", "*", Headers([("CSeq", "9")])).encode()
        if number % 5 == 1:
            sent += interleaved_prefix(7, 3) + b"$$$"
    packetizer.close()

    def play(sock: socket.socket, request: Request) -> bool:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        servers[0].respond(sock, request, OK)
        for at in range(0, len(sent), size):
            sock.sendall(sent[at : at + size])
        return True

    servers = [scripted(**UP_TO_PLAY, PLAY=play)]
    source = OwnRtspSource(loop, servers[0].url, None, "tcp", TransportMemory())
    try:
        source.resolve()
        source.open()
        packets = source.packets()
        came = [bytes(next(packets).data) for _ in pictures]
    finally:
        source.close()
    assert [_in_annexb(data) for data in came] == [_in_annexb(unit) for unit in pictures]
    assert source.network.lost == 0


def test_packets_gather_while_nobody_needs_the_pictures_and_come_one_by_one_again(loop: Loop) -> None:
    need: list[Need] = ["all"]
    with Cameras(count=1, size=(320, 180)) as cameras:
        source = OwnRtspSource(loop, cameras.urls[0], None, "tcp", TransportMemory(), lambda: need[0])
        try:
            source.resolve()
            source.open()
            packets = source.packets()

            def together(count: int) -> int:
                """Return how many of the next packets came with the one before."""
                arrivals = [next(packets).arrival_ns for _ in range(count)]
                return sum(after == before for before, after in pairwise(arrivals))

            next(packets)
            assert together(15) < 7
            need[0] = "nothing"
            together(5)
            assert together(30) > 10
            jitter_ns = source.network.jitter_ns
            together(10)
            assert source.network.jitter_ns == jitter_ns
            need[0] = "all"
            together(15)
            assert together(15) < 7
            assert source.network.lost == 0
            need[0] = "nothing"
            together(15)
            cameras.kill()
            killed = time.monotonic()
            with pytest.raises(SourceUnavailable) as caught:
                for _ in packets:
                    pass
            assert caught.value.reason == "camera_closed"
            assert time.monotonic() - killed < 1
        finally:
            source.close()


def _in_annexb(unit: bytes) -> list[bytes]:
    """Return the NAL units, whichever start codes they have."""
    return list(annexb_nals(unit))


class OddCamera:
    """A real server in a thread, whose stream changes as given: its units are played in order."""

    def __init__(self, units: Sequence[bytes]) -> None:
        self._units = units
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),))
        self._thread.start()
        assert self._ready.wait(10)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()
        self._loop.close()

    async def _serve(self) -> None:
        self._end = asyncio.Event()
        media = describe_h264(96, h264_parameter_sets(self._units[0]))
        player = Player("h264", media, self._units, rate=25, clock=90_000, gop=len(self._units))
        server = RtspServer({"/1": player.broadcast})
        sock = socket.create_server(("127.0.0.1", 0))
        self.url = f"rtsp://127.0.0.1:{sock.getsockname()[1]}/1"
        await server.start(sock)
        self._ready.set()
        await self._end.wait()
        player.close()
        await server.close()


@contextlib.contextmanager
def running(units: Sequence[bytes]) -> Iterator[tuple[Loop, StreamWorker, list[StreamStatus]]]:
    """Run a worker against an odd camera, in this process."""
    camera, loop = OddCamera(units), Loop()
    statuses: list[StreamStatus] = []

    def tell(message: StreamStatus | NodeEvent) -> None:
        if isinstance(message, StreamStatus):
            statuses.append(message)

    node = RtspSource(id="odd", url=camera.url, keep_warm=True)
    # Nobody reads: no memory is asked for.
    memory = Memory(lambda question: pytest.fail(f"{question}"))
    worker = StreamWorker(loop, node, None, 1, memory, tell)
    try:
        worker.begin()
        yield loop, worker, statuses
    finally:
        worker.close()
        # Farewells to the camera last a moment.
        turn_until(loop, lambda: worker.ended and loop.due_in_s() is None)
        loop.close()
        camera.close()


def turn_until(loop: Loop, condition: Callable[[], bool]) -> None:
    def turn() -> bool:
        loop.run_once(0.01)
        return condition()

    wait_until(turn, 15)


def test_another_resolution_in_the_session_is_followed(units: list[bytes]) -> None:
    with running([*units[:GOP], *_clip(320, 180)[:GOP]]) as (loop, worker, statuses):
        turn_until(loop, lambda: bool(statuses) and statuses[-1].width == 320)
        sizes = [(status.width, status.height) for status in statuses if status.state == "live"]
        assert sizes == [(640, 360), (320, 180)]
        assert worker.statistics().attempts == 1
        assert worker.statistics().dropped == 0


def test_a_damaged_picture_is_dropped_with_what_rests_on_it(units: list[bytes]) -> None:
    damaged = [*units[:10], b"\0\0\0\1\x41" + b"\xff" * 60, *units[11 : 2 * GOP]]
    with running(damaged) as (loop, worker, statuses):
        turn_until(loop, lambda: worker.statistics().decoded >= GOP + 10)
        assert worker.statistics().dropped == GOP - 10
        assert statuses[-1].state == "live"
