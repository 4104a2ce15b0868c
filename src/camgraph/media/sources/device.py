"""Cameras at this machine, by Video4Linux."""

import errno
import threading
import time
from collections.abc import Iterator

from camgraph.base.errors import ClosedError, SourceError, SourceRefused, SourceUnavailable
from camgraph.media.source import NetworkCounts, Packet, StreamInfo
from camgraph.media.sources.libav_input import EncodedPacket, LibavInput, open_input

_BELIEVED_NS = 1_000_000_000


class DeviceSource:
    """Receives the pictures of one device, which it asks for a size (width, height in px) and a rate.

    A wait for a picture can't be ended before that comes.
    """

    def __init__(self, path: str, size: tuple[int, int] | None = None, fps: float | None = None) -> None:
        self._path, self._size, self._fps = path, size, fps
        self._input: LibavInput | None = None
        self._cancelled = threading.Event()
        self.network = NetworkCounts()

    def resolve(self) -> None:
        """There is nothing to look up."""

    def open(self) -> StreamInfo:
        """Set the device up and start it; raise SourceError if that can't be."""
        self._check_cancelled()
        options = {}
        if self._size is not None:
            options["video_size"] = "{}x{}".format(*self._size)
        if self._fps is not None:
            options["framerate"] = f"{self._fps:g}"
        self._input = opened = open_input(
            self._path, self._path, self._explain_open, form="v4l2", options=options
        )
        return opened.info

    def packets(self) -> Iterator[Packet]:
        """Yield the pictures as they come; raise SourceError when they end."""
        assert self._input is not None
        time_base = self._input.time_base
        for encoded in self._input.packets(self._explain_end):
            self._check_cancelled()
            arrival_ns, wall_ns = time.monotonic_ns(), time.time_ns()
            self.network.received_bytes += encoded.size
            taken_ns = _taken_ns(encoded, arrival_ns)
            yield Packet(
                encoded,
                encoded.pts,
                time_base,
                encoded.is_keyframe,
                arrival_ns,
                wall_ns - (arrival_ns - taken_ns),
                "arrival",
                damaged=encoded.is_corrupt,
            )
        self._check_cancelled()
        raise self._gone()

    def cancel(self) -> bool:
        """Ask for the end, which comes with the next picture."""
        self._cancelled.set()
        return True

    def close(self) -> None:
        """Stop the device and leave it to others."""
        opened, self._input = self._input, None
        if opened is not None:
            opened.close()

    def _check_cancelled(self) -> None:
        if self._cancelled.is_set():
            raise ClosedError("the stream was closed")

    def _gone(self) -> SourceError:
        return SourceUnavailable(
            f"{self._path} gives no pictures any more: was it unplugged?", reason="camera_closed"
        )

    def _explain_end(self, error: Exception) -> SourceError:
        return self._gone()

    def _explain_open(self, error: Exception) -> SourceError:
        match error:
            case OSError(errno=errno.ENOENT | errno.ENOTDIR | errno.ENXIO):
                return SourceUnavailable(
                    f"There is no device {self._path}: is the camera plugged in?", reason="no_device"
                )
            case OSError(errno=errno.EACCES):
                return SourceRefused(
                    f"This user may not use {self._path}: add it to the group that may, mostly “video”.",
                    reason="unreadable",
                )
            case OSError(errno=errno.EBUSY):
                return SourceUnavailable(
                    f"{self._path} is used by another program: end that one.", reason="busy"
                )
        return SourceRefused(
            f"{self._path} is no camera that FFmpeg can use: choose another device.", reason="not_media"
        )


def _taken_ns(encoded: EncodedPacket, arrival_ns: int) -> int:
    """Return when the driver got the picture, by CLOCK_MONOTONIC, which most drivers stamp it with."""
    if encoded.pts is None:
        return arrival_ns
    stamped_ns = encoded.pts * 1000
    return stamped_ns if 0 <= arrival_ns - stamped_ns < _BELIEVED_NS else arrival_ns
