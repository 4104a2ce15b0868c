"""Streams over HTTP and HTTPS: MJPEG of cameras, and whatever else FFmpeg reads there."""

import threading
import time
from collections.abc import Iterator
from fractions import Fraction

import av.error

from camgraph.base.errors import ClosedError, SourceError, SourceRefused, SourceTimeout, SourceUnavailable
from camgraph.base.redact import join_login
from camgraph.media.source import NetworkCounts, Packet, StreamInfo
from camgraph.media.sources.faults import Address, explain_open
from camgraph.media.sources.interrupt import interrupt_wait
from camgraph.media.sources.libav_input import OPEN_BOUND_S, EncodedPacket, LibavInput, open_input
from camgraph.media.sources.look_up import look_up
from camgraph.media.sources.playback import Pace, Playback

READ_BOUND_S = 60.0
"""A read that gets nothing raises after that; the session finds silence out much earlier."""
_PORTS = {"http": 80, "https": 443}
_WITHOUT_TIMES = {"mpjpeg", "mjpeg", "jpeg_pipe"}
"""Formats whose times FFmpeg makes up."""
_IN_PIECES = {"hls", "dash"}
"""What is sent seconds at a time, and live all the same."""
_PIECE_BOUND_S = 4.0
"""Who hangs for longer is taken to hang for good (see `hangs`)."""
_US = Fraction(1, 1_000_000)


class HttpSource:
    """Receives the video at one address; plays what is a recording, or comes in pieces, at its own pace.

    `login` is ``user:password``; it goes into the URL that FFmpeg gets and nowhere else. Certificates are not
    checked: few cameras have one that could be.
    """

    def __init__(self, url: str, login: str | None = None) -> None:
        self._url, self._login = url, login
        self._address = Address(url, "", 0)
        self._input: LibavInput | None = None
        self._cancelled = threading.Event()
        self._thread_id = 0
        self._opening_since: float | None = None
        self.network = NetworkCounts()

    def resolve(self) -> None:
        """Look the host's name up; raise SourceUnavailable if it has no address."""
        self._thread_id = threading.get_native_id()
        try:
            self._address = look_up(self._url, _PORTS.get(self._url.partition(":")[0], 80))[0]
        finally:
            self._check_cancelled()

    def open(self) -> StreamInfo:
        """Ask for it, and find out what comes; raise SourceError within some 10 s if that fails."""
        self._check_cancelled()
        self._opening_since = time.monotonic()
        opened = self._open()
        if _formats(opened) & _IN_PIECES:
            # FFmpeg sleeps until there is another piece: nothing but its own bound ends that.
            self.close()
            opened = self._open(_PIECE_BOUND_S)
        self._opening_since = None
        return opened.info._replace(recorded=opened.duration_s > 0)

    def packets(self) -> Iterator[Packet]:
        """Yield the video's packets; raise SourceError when they end."""
        assert self._input is not None
        opened = self._input
        playback = None
        recorded, formats = opened.duration_s > 0, _formats(opened)
        if not formats & _WITHOUT_TIMES:
            pace: Pace = "own" if recorded or formats & _IN_PIECES else "live"
            playback = Playback(self.network, self._cancelled, pace)
            playback.begin(opened)
        try:
            for encoded in opened.packets(self._explain):
                self._check_cancelled()
                if playback is None:
                    yield self._stamped(encoded)
                else:
                    yield playback.next(encoded, keyframe=encoded.is_keyframe)
        except SourceError:
            self._check_cancelled()
            raise
        self._check_cancelled()
        if recorded:
            raise SourceUnavailable(f"{self._url} was played to its end.", reason="ended")
        raise self._closed()

    def cancel(self) -> bool:
        """Make a wait of this source end at once; see `PacketSource.cancel`."""
        self._cancelled.set()
        return interrupt_wait(self._thread_id)

    def close(self) -> None:
        """Close the connection."""
        opened, self._input = self._input, None
        if opened is not None:
            opened.close()

    def _open(self, read_bound_s: float | None = None) -> LibavInput:
        options = {
            "timeout": str(int(READ_BOUND_S * 1e6)),
            # As little as is sure to tell what it is: all that is read before is late.
            "probesize": "65536",
            "fpsprobesize": "0",
        }
        try:
            self._input = opened = open_input(
                join_login(self._url, self._login),
                self._url,
                self._explain,
                options=options,
                read_bound_s=read_bound_s,
            )
        finally:
            self._check_cancelled()
        return opened

    def _stamped(self, encoded: EncodedPacket) -> Packet:
        arrival_ns, wall_ns = time.monotonic_ns(), time.time_ns()
        self.network.received_bytes += encoded.size
        encoded.pts = encoded.dts = arrival_ns // 1000
        return Packet(encoded, encoded.pts, _US, encoded.is_keyframe, arrival_ns, wall_ns, "arrival")

    def _check_cancelled(self) -> None:
        if self._cancelled.is_set():
            raise ClosedError("the stream was closed")

    def _closed(self) -> SourceError:
        return SourceUnavailable(
            f"{self._address.at} closed the connection: was the camera restarted or switched off?",
            reason="camera_closed",
        )

    def _explain(self, error: Exception) -> SourceError:
        if self._opening_since is None:
            if isinstance(error, TimeoutError | av.error.ExitError):
                return SourceTimeout(
                    f"{self._url} has stopped sending: is the camera on, is the network up?", reason="stalled"
                )
            return self._closed()
        elapsed_s = time.monotonic() - self._opening_since
        if elapsed_s >= 0.9 * OPEN_BOUND_S:
            return SourceTimeout(
                f"{self._address.at} has sent no video for {OPEN_BOUND_S:.0f} s: does the camera hang?",
                reason="no_answer",
            )
        if isinstance(error, av.error.InvalidDataError):
            return SourceRefused(
                f"What {self._url} sends is no video that FFmpeg can read: is the path right?",
                reason="not_media",
            )
        fault = explain_open(
            error,
            self._address,
            elapsed_s=elapsed_s,
            bound_s=OPEN_BOUND_S,
            with_login=self._login is not None,
        )
        if fault.reason != "not_rtsp":
            return fault
        return SourceUnavailable(
            f"{self._address.at} closed the connection before there was a picture: "
            f"is the path right, is it {'http' if self._url.startswith('https:') else 'https'} there?",
            reason="camera_closed",
        )


def _formats(opened: LibavInput) -> set[str]:
    return set(opened.format.split(","))
