"""The process of the built-in cameras: one port, a path each, and ``/audio``, which has no picture."""

import argparse
import asyncio
import contextlib
import errno
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import msgspec

from camgraph.cli.camera_child import Failed, Notice, Progress, Ready, Report
from camgraph.media.rtsp.gate import AUTH_KINDS
from camgraph.media.rtsp.sdp import MediaDescription, describe_video
from camgraph.media.rtsp.server import RtspServer
from camgraph.testing import tone
from camgraph.testing.clip_changes import ClipChanges, Playing
from camgraph.testing.clips import FFMPEG_NAMES, FRAMES, ClipRequest, ClipStore, EncodingCancelled
from camgraph.testing.fault_desk import FaultDesk
from camgraph.testing.player import Player

_log = logging.getLogger(__name__)

DISTINCT_CLIPS = 8
"""Cameras beyond show the picture of one of the first eight: /9 that of /1."""
MAX_CAMERAS = 256
MAX_SIDE_PX = 4096
EXIT_BAD_ARGUMENT, EXIT_ADDRESS = 2, 4
_AUDIO_PACKET_BYTES = 160
_PROGRESS_STEP = 10
_ENCODERS = 4

Tell = Callable[[Report], None]


class CannotServe(Exception):
    """The cameras can't run: one sentence with the remedy, and the exit code."""

    def __init__(self, sentence: str, exit_code: int) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code


class Reporter:
    """Tells the starting process what happens: a JSON object a line, at a descriptor."""

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor

    def tell(self, report: Report) -> None:
        """Send a report; one that nobody takes is lost."""
        with contextlib.suppress(OSError):
            os.write(self._descriptor, msgspec.json.encode(report) + b"\n")


class SentLog:
    """Says when which frame was sent: a JSON object a line, ``{"camera", "number", "monotonic_ns"}``."""

    def __init__(self, path: str) -> None:
        # A pipe that nobody empties must not stop the cameras: it loses lines.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            self._descriptor = os.open(path, flags, 0o600)
        except OSError as error:
            sentence = f"the log of frames {path} can't be written: {error.strerror}"
            raise CannotServe(sentence, EXIT_BAD_ARGUMENT) from error

    def writer(self, camera: int) -> Callable[[int], None]:
        """Return what writes the lines of one camera."""

        def write(number: int) -> None:
            line = f'{{"camera": {camera}, "number": {number}, "monotonic_ns": {time.monotonic_ns()}}}\n'
            with contextlib.suppress(OSError):
                os.write(self._descriptor, line.encode())

        return write

    def close(self) -> None:
        """Release the file."""
        os.close(self._descriptor)


class _ReportHandler(logging.Handler):
    """Sends log lines to the starting process, which knows best where to show them."""

    def __init__(self, reporter: Reporter) -> None:
        super().__init__()
        self._reporter = reporter

    def emit(self, record: logging.LogRecord) -> None:
        self._reporter.tell(Notice(record.getMessage()))


def main(arguments: list[str]) -> int:
    """Run the cameras until SIGTERM, SIGINT, or the end of the owner; return the exit code."""
    options = _parser().parse_args(arguments)
    reporter = Reporter(options.report_fd) if options.report_fd is not None else None
    handler = _ReportHandler(reporter) if reporter else logging.StreamHandler()
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[handler])
    try:
        asyncio.run(_serve(options, reporter.tell if reporter else lambda _: None))
    except CannotServe as error:
        if reporter:
            reporter.tell(Failed(str(error), error.exit_code))
        else:
            sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m camgraph.testing.cameras", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8554, help="0: any that is free")
    parser.add_argument("--count", type=int, default=4)
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, default=720)
    parser.add_argument("--fps", type=int, default=25)
    parser.add_argument("--login-fd", type=int, help="file that holds user:password")
    parser.add_argument("--auth", choices=AUTH_KINDS, default="digest", help="how to ask for the login")
    parser.add_argument("--codec", choices=tuple(FFMPEG_NAMES), default="h264")
    parser.add_argument("--owner-fd", type=int, help="pidfd: end when that process ends, ignore SIGINT")
    parser.add_argument("--report-fd", type=int, help="where to write what happens, a JSON object a line")
    parser.add_argument("--command-fd", type=int, help="socket that brings faults, JSON lines")
    parser.add_argument("--sent-log", help="file or pipe that gets when which frame was sent, JSON lines")
    return parser


async def _serve(options: argparse.Namespace, tell: Tell) -> None:
    requests, login = _requests(options), _login(options.login_fd)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    if options.owner_fd is None:
        loop.add_signal_handler(signal.SIGINT, stop.set)
    else:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        loop.add_reader(options.owner_fd, stop.set)
    # The starter may have held them back until here.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
    with contextlib.ExitStack() as stack:
        sock = stack.enter_context(_bound(options.host, options.port))
        sent = None
        if options.sent_log is not None:
            sent = stack.enter_context(contextlib.closing(SentLog(options.sent_log)))
        clips = await _clips(requests, tell, stop)
        if stop.is_set():
            return
        streams: dict[str, Player] = {}
        playing: dict[int, Playing] = {}
        for camera in range(1, options.count + 1):
            request, units = clips[(camera - 1) % len(clips)]
            player = _video_player(request, units, sent.writer(camera) if sent else None)
            streams[f"/{camera}"], playing[camera] = player, Playing(player, request, units)
        streams["/audio"] = _audio_player()
        server = RtspServer(
            {path: player.broadcast for path, player in streams.items()}, login=login, auth=options.auth
        )
        port = sock.getsockname()[1]
        try:
            await server.start(sock)
        except OSError as error:
            raise _cannot_listen(error, options.host, port) from error
        ready = Ready(options.host, port, tuple(streams))
        if options.command_fd is not None:
            stack.enter_context(_commanded(options.command_fd, server, ready, playing))
        tell(ready)
        await stop.wait()
        for player in streams.values():
            player.close()
        await server.close()


@contextlib.contextmanager
def _commanded(
    descriptor: int, server: RtspServer, ready: Ready, playing: dict[int, Playing]
) -> Iterator[None]:
    """Have faults as they are commanded."""
    changes = ClipChanges(playing)
    cameras = {ready.url(f"/{camera}"): each.player for camera, each in playing.items()}
    desk = FaultDesk(socket.socket(fileno=descriptor), server, cameras, changes.change)
    serving = asyncio.create_task(desk.serve())
    try:
        yield
    finally:
        changes.close()
        serving.cancel()


def _requests(options: argparse.Namespace) -> list[ClipRequest]:
    """Return the clips the cameras need."""
    if not 1 <= options.count <= MAX_CAMERAS:
        raise CannotServe(f"{options.count} cameras: choose 1 to {MAX_CAMERAS}", EXIT_BAD_ARGUMENT)
    if not 1 <= options.fps <= 100:
        raise CannotServe(f"{options.fps} frames per second: choose 1 to 100", EXIT_BAD_ARGUMENT)
    if not 0 <= options.port <= 65535:
        raise CannotServe(f"port {options.port}: choose 0 to 65535", EXIT_BAD_ARGUMENT)
    if max(options.width, options.height) > MAX_SIDE_PX:
        size = f"{options.width}x{options.height}"
        raise CannotServe(f"pictures of {size}: choose at most {MAX_SIDE_PX} px", EXIT_BAD_ARGUMENT)
    distinct = range(1, min(options.count, DISTINCT_CLIPS) + 1)
    shape = (options.width, options.height, options.fps, options.codec)
    return [ClipRequest(camera, *shape) for camera in distinct]


def _login(descriptor: int | None) -> str | None:
    if descriptor is None:
        return None
    with open(descriptor, "rb") as file:
        return file.read().decode()


def _bound(host: str, port: int) -> socket.socket:
    """Return a socket that holds the address but doesn't listen yet: until then clients are refused."""
    sock = None
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        sock = socket.socket(family, kind, protocol)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
    except OSError as error:
        if sock is not None:
            sock.close()
        raise _cannot_listen(error, host, port) from error
    return sock


def _cannot_listen(error: OSError, host: str, port: int) -> CannotServe:
    if error.errno == errno.EADDRINUSE:
        sentence = f"port {port} of {host} is in use; choose another with --port N"
    elif error.errno == errno.EACCES:
        sentence = f"port {port} is reserved for the system; choose one above 1023 with --port N"
    else:
        sentence = f"{host!r} is no address of this machine ({error.strerror}); use --host 127.0.0.1"
    return CannotServe(sentence, EXIT_ADDRESS)


async def _clips(
    requests: list[ClipRequest], tell: Tell, stop: asyncio.Event
) -> list[tuple[ClipRequest, list[bytes]]]:
    """Return the clips, from the cache or encoded now. When `stop` is set it ends soon, with any result."""
    store = ClipStore()
    clips = {request: store.find(request) for request in requests}
    missing = [request for request, units in clips.items() if units is None]
    total, done = len(missing) * FRAMES, 0
    lock = threading.Lock()

    def progress() -> bool:
        nonlocal done
        with lock:
            done += 1
            if done % _PROGRESS_STEP == 0:
                tell(Progress(done, total))
        return stop.is_set()

    if missing:
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(min(os.cpu_count() or 1, _ENCODERS)) as pool:
            jobs = [loop.run_in_executor(pool, store.make, request, progress) for request in missing]
            results = await asyncio.gather(*jobs, return_exceptions=True)
        for request, result in zip(missing, results, strict=True):
            if isinstance(result, list):
                clips[request] = result
            elif isinstance(result, ValueError):
                raise CannotServe(f"these cameras can't be made: {result}", EXIT_BAD_ARGUMENT) from result
            elif not isinstance(result, EncodingCancelled):
                raise result
    return [(request, units) for request, units in clips.items() if units is not None]


def _video_player(request: ClipRequest, units: list[bytes], on_sent: Callable[[int], None] | None) -> Player:
    codec = FFMPEG_NAMES[request.codec]
    return Player(
        codec,
        describe_video(codec, units[0]),
        units,
        rate=request.fps,
        clock=90000,
        gop=request.gop,
        on_sent=on_sent,
    )


def _audio_player() -> Player:
    media = MediaDescription("audio", 8, f"PCMA/{tone.RATE}")
    units = tone.tone(_AUDIO_PACKET_BYTES)
    return Player("pcm_alaw", media, units, rate=tone.RATE // _AUDIO_PACKET_BYTES, clock=tone.RATE)
