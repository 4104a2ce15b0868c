"""A frame as a reader gets it: views of the ring, valid for as long as they are referenced."""

from fractions import Fraction
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from camgraph.base.errors import BrokenError, ClosedError
from camgraph.base.pixels import FrameFormat, format_of_code, is_item_format, planes_of
from camgraph.ring.layout import (
    CORRUPT,
    INTERLACED,
    KEYFRAME,
    MATRICES,
    NO_PTS,
    QUALITIES,
    RANGES,
    CaptureQuality,
    ColorRange,
    Colorspace,
)
from camgraph.ring.lease import Lease
from camgraph.ring.memory import reopen

Pixels = npt.NDArray[np.uint8]


class FrameKey(NamedTuple):
    """Names one picture of a camera, in every ring of its stream, of whatever size, format and rate.

    It can be kept, pickled and compared. In C it is the fields `epoch`, `arrival_ns` and `pts` of
    `cg_ring_frame`, where `CG_RING_NO_PTS` stands for None.
    """

    epoch: int
    arrival_ns: int
    pts: int | None
    """Two pictures that came in one burst have the same time of arrival."""


class Frame:
    """One picture, or item of bytes, in place: nothing overwrites it while the frame, or any array or
    memoryview made of it, is referenced.

    A reader holds at most `leases` frames at a time; `copy` is for keeping more. `release` ends the lease
    early: `array`, `planes` and `memory` raise ClosedError then, and views taken before may change.
    """

    __slots__ = ("_array", "_header", "_lease", "_planes", "_root", "generation", "stream")

    def __init__(self, stream: str, lease: Lease) -> None:
        self.stream = stream
        self.generation = lease.ring.header.generation
        self._lease: Lease | None = lease
        self._root: Pixels | None = None
        self._header = lease.header
        self._array: Pixels | None = None
        self._planes: tuple[Pixels, ...] | None = None

    def __repr__(self) -> str:
        return f"<Frame {self.seq} of {self.stream!r}, {self.width}x{self.height} {self.format}>"

    @property
    def array(self) -> Pixels:
        """The picture as one read-only uint8 array.

        (height, width, 3) for bgr24 and rgb24, (height, width, 4) for bgra, (height, width) for gray8,
        (height * 3 // 2, width), as OpenCV takes it, for yuv420p and nv12; raises ValueError for odd sizes of
        those two: use `planes`. Of items (bytes, nal, fmp4) it has one dimension, their bytes.
        """
        self._check()
        if self._array is None:
            self._array = self._one_array()
        return self._array

    @property
    def planes(self) -> tuple[Pixels, ...]:
        """Read-only views of the planes, each (rows, columns) or (rows, columns, channels) uint8."""
        self._check()
        if self._planes is None:
            root, header = self._bytes(), self._header
            offsets = header.plane_offset_0, header.plane_offset_1, header.plane_offset_2
            strides = header.plane_stride_0, header.plane_stride_1, header.plane_stride_2
            planes = []
            for plane, offset, stride in zip(
                planes_of(self.format, header.width, header.height), offsets, strides, strict=False
            ):
                shape = (plane.height, plane.width, plane.channels)
                steps = (stride, plane.channels, 1)
                n = 3 if plane.channels > 1 else 2
                planes.append(np.ndarray(shape[:n], np.uint8, root, offset, steps[:n]))
            self._planes = tuple(planes)
        return self._planes

    @property
    def memory(self) -> memoryview:
        """The bytes of the picture, or the item, read-only: the planes where the writer laid them."""
        self._check()
        return self._bytes().data[: self._header.length]

    @property
    def ring_id(self) -> bytes:
        """Names the memory in which the picture lies, the same for all frames of a generation."""
        self._check()
        assert self._lease is not None
        return self._lease.ring.header.uuid

    @property
    def offset(self) -> int:
        """Where in the ring's memory the picture begins, in bytes."""
        self._check()
        assert self._lease is not None
        ring = self._lease.ring
        return ring.header.payload_at(self._lease.watch.slot) + self._header.plane_offset_0

    def open_memory(self) -> int:
        """Return a new read-only descriptor of the whole ring's memory, to be mapped by others.

        The caller owns it. It is no lease: keep the frame for as long as they look at it.
        """
        self._check()
        assert self._lease is not None
        return reopen(self._lease.ring.pages)

    def copy(self) -> Pixels:
        """Return `array` as a new array, which the caller owns and may write to."""
        return self.array.copy()

    def release(self) -> None:
        """End the lease now; views taken before may change afterwards. Releasing twice does nothing."""
        lease, self._lease = self._lease, None
        self._root = self._array = self._planes = None
        if lease is not None:
            lease.release()

    @property
    def key(self) -> FrameKey:
        """Which picture of the camera this is, the same in all rings of the stream; valid after `release`."""
        return FrameKey(self._header.epoch, self._header.arrival_ns, self.pts)

    @property
    def format(self) -> FrameFormat:
        """The layout of the pixels, or what kind of item it is."""
        return format_of_code(self._header.pixel_format)

    @property
    def width(self) -> int:
        """Pixels in a row; of an item, its bytes."""
        return self._header.width

    @property
    def height(self) -> int:
        """Rows of the picture."""
        return self._header.height

    @property
    def stride(self) -> int:
        """Bytes from one row of the first plane to the next."""
        return self._header.plane_stride_0

    @property
    def seq(self) -> int:
        """The frame's number in its ring; a gap is a loss. A new ring, after a crash say, counts from 1."""
        return self._header.seq

    @property
    def epoch(self) -> int:
        """Start of the media process, wall clock in ns: grows when the stream was started again."""
        return self._header.epoch

    @property
    def codec_generation(self) -> int:
        """Counts the decoder's changes of parameters."""
        return self._header.codec_generation

    @property
    def pts(self) -> int | None:
        """The camera's presentation time, in `time_base` seconds; None: it sent none."""
        return None if self._header.pts == NO_PTS else self._header.pts

    @property
    def time_base(self) -> Fraction:
        """Seconds in which `pts` counts."""
        return Fraction(self._header.time_base_num, self._header.time_base_den)

    @property
    def capture_ns(self) -> int:
        """When the picture was taken, wall clock in ns, as well as `capture_quality` says; 0: unknown."""
        return self._header.capture_ns

    @property
    def capture_quality(self) -> CaptureQuality:
        """Where `capture_ns` comes from: nowhere, the time of arrival, or the camera's sender reports."""
        return QUALITIES.get(self._header.capture_quality, "none")

    @property
    def arrival_ns(self) -> int:
        """When the packet came, monotonic, in ns."""
        return self._header.arrival_ns

    @property
    def publish_ns(self) -> int:
        """When the frame was put into the ring, monotonic, in ns."""
        return self._header.publish_ns

    @property
    def keyframe(self) -> bool:
        """The picture was coded without reference to others."""
        return bool(self._header.flags & KEYFRAME)

    @property
    def corrupt(self) -> bool:
        """The decoder met damage."""
        return bool(self._header.flags & CORRUPT)

    @property
    def interlaced(self) -> bool:
        """The picture consists of two fields."""
        return bool(self._header.flags & INTERLACED)

    @property
    def tag(self) -> int:
        """The number that the program that publishes has given it; 0: none."""
        return self._header.tag

    @property
    def color_range(self) -> ColorRange:
        """``tv``: 16 to 235, ``pc``: 0 to 255."""
        return RANGES.get(self._header.colour_range, "tv")

    @property
    def colorspace(self) -> Colorspace:
        """The matrix between RGB and YUV."""
        return MATRICES.get(self._header.colour_matrix, "unspecified")

    @property
    def sample_aspect(self) -> Fraction:
        """Width of a pixel over its height."""
        return Fraction(self._header.aspect_num, self._header.aspect_den)

    def _check(self) -> None:
        if self._lease is None:
            raise ClosedError(f"frame {self.seq} of {self.stream!r} was released")
        if self._lease.ring.pages.forgotten:
            raise BrokenError("the frame belongs to the process that this one was forked from")

    def _bytes(self) -> Pixels:
        if self._root is None:
            self._root = np.asarray(self._lease)
        return self._root

    def _one_array(self) -> Pixels:
        if self.format not in ("yuv420p", "nv12"):
            return self.planes[0][0] if is_item_format(self.format) else self.planes[0]
        header = self._header
        width, height = header.width, header.height
        tight = planes_of(self.format, width, height)
        offsets = header.plane_offset_0, header.plane_offset_1, header.plane_offset_2
        strides = header.plane_stride_0, header.plane_stride_1, header.plane_stride_2
        as_told = list(zip(offsets, strides, strict=True))[: len(tight)]
        if width % 2 or height % 2 or as_told != [plane[:2] for plane in tight]:
            raise ValueError(f"{width}x{height} px of {self.format} do not make one array: use frame.planes")
        return np.ndarray((height * 3 // 2, width), np.uint8, self._bytes())
