"""RTSP through libavformat: bounded, cancellable, and with a reason for whatever goes wrong."""

import threading
import time
from collections.abc import Iterator

import av
import av.error
from av.container import InputContainer
from av.video.stream import VideoStream

from camgraph.base.errors import ClosedError, SourceError, SourceRefused, SourceTimeout, SourceUnavailable
from camgraph.base.redact import join_login
from camgraph.media.source import NetworkCounts, Packet, StreamInfo
from camgraph.media.sources.faults import Address, explain_open
from camgraph.media.sources.interrupt import interrupt_wait
from camgraph.media.sources.look_up import look_up

ANSWER_BOUND_S = 2.5
"""How long FFmpeg waits for any one answer; a read that gets nothing raises after twice that."""
_OPEN_BOUND_S = 10.0
_DEFAULT_PORT = 554
_HIGHEST_FPS = 240.0

# FFmpeg's log repeats addresses with their passwords, and a damaged stream floods it: nothing of it is kept.
av.logging.set_level(None)


class LibavRtspSource:
    """Receives the video of one RTSP camera over TCP.

    `login` is ``user:password``; it goes into the URL that FFmpeg gets and nowhere else.
    """

    def __init__(self, url: str, login: str | None = None) -> None:
        self._url, self._login = url, login
        self._container: InputContainer | None = None
        self._stream: VideoStream | None = None
        self._reading: Iterator[av.Packet[VideoStream]] | None = None
        self._cancelled = False
        self._thread_id = 0
        self._address = Address(url, "", 0)
        self.network = NetworkCounts()

    def resolve(self) -> None:
        """Look the host's name up; raise SourceUnavailable if it has no address."""
        self._thread_id = threading.get_native_id()
        try:
            self._address = look_up(self._url, _DEFAULT_PORT)[0]
        finally:
            self._check_cancelled()

    def open(self) -> StreamInfo:
        """Connect, log in and start the stream; raise SourceError within some 10 s if that fails."""
        fault = self._try_to_open("video")
        if fault is not None and fault.reason == "request_refused":
            # A camera without video refuses to play nothing; whether that is it shows when all is asked for.
            fault = self._try_to_open("video+audio+data") and fault
        if fault is not None:
            raise fault
        return self._describe()

    def packets(self) -> Iterator[Packet]:
        """Yield the video's packets; raise SourceError when they end."""
        assert self._container is not None
        assert self._stream is not None
        time_base = self._stream.time_base
        assert time_base is not None
        self._reading = self._container.demux(self._stream)
        try:
            for packet in self._reading:
                if not packet.size:
                    break  # FFmpeg's flush packet: the end
                self.network.received_bytes += packet.size
                yield Packet(
                    packet,
                    packet.pts,
                    time_base,
                    packet.is_keyframe,
                    time.monotonic_ns(),
                    time.time_ns(),
                    "arrival",
                )
            timed_out = False
        except (OSError, ValueError, av.error.FFmpegError) as error:
            timed_out = isinstance(error, TimeoutError)
        self._check_cancelled()
        if timed_out:
            raise SourceTimeout(
                f"{self._url} has stopped sending: is the camera on, is the network up?", reason="stalled"
            )
        raise SourceUnavailable(
            f"{self._address.at} closed the connection: was the camera restarted or switched off?",
            reason="camera_closed",
        )

    def cancel(self) -> bool:
        """Make a wait of this source end at once; see `PacketSource.cancel`."""
        self._cancelled = True
        return interrupt_wait(self._thread_id)

    def close(self) -> None:
        """Leave the camera. Sends a TEARDOWN, so it may wait, for `ANSWER_BOUND_S` at most."""
        self._thread_id = 0
        reading, self._reading = self._reading, None
        if reading is not None:
            reading.close()  # type: ignore[attr-defined]
        container, self._container, self._stream = self._container, None, None
        if container is not None:
            container.close()

    def _try_to_open(self, media: str) -> SourceError | None:
        self._check_cancelled()
        started = time.monotonic()
        fault = None
        try:
            self._container = av.open(
                join_login(self._url, self._login),
                options={
                    "rtsp_transport": "tcp",
                    "allowed_media_types": media,
                    "timeout": str(int(ANSWER_BOUND_S * 1e6)),
                    "probesize": "32",
                    "fpsprobesize": "0",
                },
                timeout=(_OPEN_BOUND_S, None),
            )
        except (OSError, ValueError, av.error.FFmpegError) as error:
            # Not raised in here: FFmpeg's error, which would come along, holds the password.
            fault = explain_open(
                error,
                self._address,
                elapsed_s=time.monotonic() - started,
                bound_s=ANSWER_BOUND_S,
                with_login=self._login is not None,
            )
        self._check_cancelled()
        return fault

    def _describe(self) -> StreamInfo:
        assert self._container is not None
        if not self._container.streams.video:
            raise SourceRefused(
                f"{self._url} sends no video: choose a path of the camera that does.", reason="no_video"
            )
        self._stream = stream = self._container.streams.video[0]
        context = stream.codec_context
        if context is None:
            raise SourceRefused(
                f"{self._url} sends video in a codec that this FFmpeg can't decode: set the camera to H.264.",
                reason="codec_unknown",
            )
        fps = float(context.framerate or 0)
        return StreamInfo(
            codec=context.name,
            extradata=context.extradata,
            width=context.width,
            height=context.height,
            fps=fps if fps <= _HIGHEST_FPS else 0.0,
        )

    def _check_cancelled(self) -> None:
        if self._cancelled:
            raise ClosedError("the stream was closed")
