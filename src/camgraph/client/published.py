"""Rings by name: any program publishes pictures or bytes, any other of the same user reads them."""

import socket
import time
from fractions import Fraction
from typing import Any, Self
from weakref import finalize

import numpy as np
import numpy.typing as npt

from camgraph.base.descriptors import ring_address
from camgraph.base.errors import BrokenError
from camgraph.base.pixels import FrameFormat, format_code, is_item_format, planes_of
from camgraph.client.doorkeeper import Door
from camgraph.ring.protocol import RingRequest
from camgraph.ring.reader import Reader, ReadPolicy
from camgraph.ring.writer import FrameMeta, RingWriter, WriterStatistics

Pixels = npt.NDArray[np.uint8]

_ASKED_BYTES = 255


class Publisher:
    """A ring that this program fills and that others read by its name; made by `camgraph.publish`.

    Publishing is thread-safe and never waits for a reader. Owns the ring: closed when collected. In a forked
    child it is closed; the child may publish rings of its own.
    """

    def __init__(
        self,
        name: str,
        *,
        size: tuple[int, int],
        format: FrameFormat = "rgb24",  # noqa: A002
        keep: int = 10,
        fps: float = 25.0,
        patient: bool = False,
    ) -> None:
        """See `publish`; one that is `patient` gets its readers once another of the same name has gone."""
        _check(name)
        format_code(format)
        width, height = size
        self._name = name
        self._format = format
        self._size = (width, height)
        self._writer = RingWriter(name, format, width, height, epoch=time.time_ns(), fps=fps, keep=keep)
        try:
            self._door = Door(name, self._writer, patient=patient)
        except BaseException:
            self._writer.close()
            raise
        finalize(self, self._door.close_soon).atexit = False

    @property
    def name(self) -> str:
        """The name to read it by."""
        return self._name

    @property
    def readers(self) -> int:
        """How many readers it has now."""
        return self._writer.readers

    def publish(
        self,
        picture: Pixels,
        *,
        pts: int | None = None,
        time_base: Fraction = Fraction(1, 90_000),
        capture_ns: int | None = None,
        tag: int = 0,
        keyframe: bool = False,
    ) -> bool:
        """Copy a picture into the ring and tell the readers; never waits.

        The array is laid out as `Frame.array` is; a smaller picture than the ring's will do. `capture_ns`
        is wall clock (None: now). False: readers hold every slot, and the picture was dropped. Raises
        ValueError for an array that is no picture of the ring's format, or has no room; ClosedError.
        """
        width, height, planes = _planes(self._format, picture)
        meta = _meta(pts, time_base, capture_ns, tag, keyframe)
        size = (width, height)
        return self._writer.publish(planes, meta, None if size == self._size else size)

    def publish_bytes(
        self,
        data: bytes | bytearray | memoryview | Pixels,
        *,
        pts: int | None = None,
        time_base: Fraction = Fraction(1, 90_000),
        capture_ns: int | None = None,
        tag: int = 0,
        keyframe: bool = False,
    ) -> bool:
        """Copy an item of bytes into a ring of items, as `publish` does a picture."""
        return self._writer.publish_bytes(data, _meta(pts, time_base, capture_ns, tag, keyframe))

    def statistics(self) -> WriterStatistics:
        """Return the counts so far."""
        return self._writer.statistics()

    def close(self) -> None:
        """End the ring: readers see it at once, and keep what they hold. Closing twice does nothing."""
        self._door.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Publisher of {self._name!r}, {'x'.join(map(str, self._size))} {self._format}>"


def publish(
    name: str,
    *,
    size: tuple[int, int],
    format: FrameFormat = "rgb24",  # noqa: A002
    keep: int = 10,
    fps: float = 25.0,
) -> Publisher:
    """Publish pictures, or items of bytes, for other programs of this user to read as `name`.

    `size` is (width, height) in px of the largest picture; of items (format ``bytes``, ``nal``, ``fmp4``)
    it is (most bytes, 1). The newest `keep` wait for readers that come later; with 0, what nobody reads is
    not written. `fps`: about so many come in a second. Raises BrokenError if the name is taken.
    """
    return Publisher(name, size=size, format=format, keep=keep, fps=fps)


def read(name: str, *, policy: ReadPolicy = "every", leases: int = 3) -> Reader:
    """Read what is published as `name`: by `publish` in any program of this user, or by a graph.

    Whoever publishes may come later, end, and come again. The caller closes the reader.
    """
    _check(name)
    asked = name.encode(errors="replace")[:_ASKED_BYTES].decode(errors="ignore")
    return Reader(lambda: _connect(name), RingRequest(asked), policy=policy, leases=leases, patient=True)


def _connect(name: str) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC)
    try:
        sock.setblocking(False)
        sock.connect(ring_address(name))
    except OSError as error:
        sock.close()
        raise BrokenError(f"nobody publishes {name!r} now") from error
    return sock


def _check(name: str) -> None:
    if not name or "\0" in name:
        raise ValueError(f"{name!r} can't be the name of a ring")


def _meta(
    pts: int | None, time_base: Fraction, capture_ns: int | None, tag: int, keyframe: bool
) -> FrameMeta:
    return FrameMeta(
        pts=pts,
        time_base=time_base,
        capture_ns=time.time_ns() if capture_ns is None else capture_ns,
        capture_quality="arrival",
        arrival_ns=time.monotonic_ns(),
        tag=tag,
        keyframe=keyframe,
    )


def _planes(name: FrameFormat, picture: Any) -> tuple[int, int, list[Pixels]]:
    """Return width and height in px, and the planes of a picture as `Frame.array` has it."""
    array = np.asarray(picture)
    if is_item_format(name):
        raise ValueError(f"a ring of {name!r} has items: use publish_bytes")
    if array.dtype != np.uint8:
        raise ValueError(f"a picture is an array of uint8, not {array.dtype}")
    if name not in ("yuv420p", "nv12"):
        if array.ndim != (2 if name == "gray8" else 3):
            raise ValueError(f"a picture of {name} has not the shape {array.shape}")
        return array.shape[1], array.shape[0], [array]
    if array.ndim != 2 or array.shape[0] % 3 or array.shape[1] % 2:
        raise ValueError(f"a picture of {name} has the shape (height * 3 // 2, width), not {array.shape}")
    width, height = array.shape[1], array.shape[0] // 3 * 2
    flat = np.ascontiguousarray(array).reshape(-1)
    return (
        width,
        height,
        [
            flat[plane.offset : plane.offset + plane.stride * plane.height].reshape(plane.height, -1)
            for plane in planes_of(name, width, height)
        ],
    )
