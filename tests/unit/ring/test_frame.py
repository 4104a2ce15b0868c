"""What a frame says and holds, and that it is valid for as long as anything made of it."""

import gc
import mmap
import os
import pickle
from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from camgraph.base.errors import ClosedError
from camgraph.base.pixels import PIXEL_FORMATS, PixelFormat
from camgraph.ring.frame import Frame
from camgraph.ring.layout import MATRIX_CODES, Colorspace
from camgraph.ring.reader import Reader
from camgraph.ring.writer import FrameMeta, RingWriter

if TYPE_CHECKING:
    from tests.unit.ring.conftest import Site


@pytest.fixture
def writer(site: "Site") -> RingWriter:
    return site.writer()


@pytest.fixture
def reader(site: "Site", writer: RingWriter) -> Reader:
    return site.reader(writer, policy="every", leases=8)


def frame_of(site: "Site", pixel_format: PixelFormat, width: int, height: int) -> tuple[Frame, list[Any]]:
    writer = site.writer(pixel_format, width, height)
    reader = site.reader(writer)
    planes = site.picture(1, pixel_format, width, height)
    writer.publish(planes, FrameMeta())
    return reader.read(1), planes


SHAPES: dict[PixelFormat, tuple[int, ...]] = {
    "bgr24": (36, 64, 3),
    "rgb24": (36, 64, 3),
    "bgra": (36, 64, 4),
    "gray8": (36, 64),
    "yuv420p": (54, 64),
    "nv12": (54, 64),
}


def test_the_picture_can_be_mapped_by_others_and_not_written(
    site: "Site", writer: RingWriter, reader: Reader
) -> None:
    site.publish(writer, 1, 2)
    first, second = reader.read(1), reader.read(1)
    assert first.ring_id == second.ring_id
    descriptor = second.open_memory()
    try:
        with mmap.mmap(descriptor, 0, prot=mmap.PROT_READ) as memory:
            for frame in (first, second):
                assert memory[frame.offset : frame.offset + len(frame.memory)] == frame.memory
        with pytest.raises(PermissionError):
            mmap.mmap(descriptor, 0)
    finally:
        os.close(descriptor)
    first.release()
    for unknown in (lambda: first.ring_id, lambda: first.offset, first.open_memory):
        with pytest.raises(ClosedError):
            unknown()


@pytest.mark.parametrize("pixel_format", PIXEL_FORMATS)
def test_the_array_is_the_picture(site: "Site", pixel_format: PixelFormat) -> None:
    frame, planes = frame_of(site, pixel_format, 64, 36)
    assert frame.array.shape == SHAPES[pixel_format]
    assert frame.array.dtype == np.uint8
    assert (frame.format, frame.width, frame.height) == (pixel_format, 64, 36)
    tight = b"".join(plane.tobytes() for plane in planes)
    assert frame.array.tobytes() == tight
    assert frame.memory == tight
    assert frame.stride == planes[0].shape[1]
    assert frame.copy().tobytes() == tight


@pytest.mark.parametrize("pixel_format", PIXEL_FORMATS)
def test_planes_are_there_for_every_size(site: "Site", pixel_format: PixelFormat) -> None:
    frame, planes = frame_of(site, pixel_format, 33, 17)
    assert [plane.tobytes() for plane in frame.planes] == [plane.tobytes() for plane in planes]
    shapes = [plane.shape for plane in frame.planes]
    if pixel_format == "yuv420p":
        assert shapes == [(17, 33), (9, 17), (9, 17)]
    elif pixel_format == "nv12":
        assert shapes == [(17, 33), (9, 17, 2)]
    else:
        assert shapes == [frame.array.shape]


@pytest.mark.parametrize("pixel_format", ["yuv420p", "nv12"])
@pytest.mark.parametrize("size", [(33, 16), (32, 17)])
def test_an_odd_picture_of_planes_is_no_array_and_says_what_to_do(
    site: "Site", pixel_format: PixelFormat, size: tuple[int, int]
) -> None:
    frame, _ = frame_of(site, pixel_format, *size)
    with pytest.raises(ValueError, match=r"use frame\.planes"):
        _ = frame.array


def test_nothing_of_a_frame_can_be_written_to(site: "Site") -> None:
    frame, _ = frame_of(site, "yuv420p", 64, 36)
    assert frame.memory.readonly
    for array in (frame.array, frame.array[2:], *frame.planes):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 1
        with pytest.raises(ValueError, match="WRITEABLE"):
            array.setflags(write=True)
    copy = frame.copy()
    copy[:] = 0
    assert frame.array.any()


def test_what_the_writer_knows_of_a_frame_comes_along(
    site: "Site", writer: RingWriter, reader: Reader
) -> None:
    meta = FrameMeta(
        pts=-5,
        time_base=Fraction(1, 90_000),
        capture_ns=1_700_000_000_000_000_000,
        capture_quality="rtcp",
        arrival_ns=123,
        keyframe=True,
        corrupt=True,
        interlaced=True,
        codec_generation=3,
        color_range="pc",
        colorspace="bt709",
        sample_aspect=Fraction(16, 11),
    )
    writer.publish(site.picture(1), meta)
    frame = reader.read(1)
    for name in FrameMeta._fields:
        assert getattr(frame, name) == getattr(meta, name), name
    assert (frame.stream, frame.seq, frame.epoch, frame.generation) == ("door", 1, 1, 1)
    assert frame.publish_ns > 0
    frame.release()
    assert frame.key == (1, 123, -5)
    assert "door" in repr(frame)


def test_what_the_writer_does_not_know_is_told(site: "Site", writer: RingWriter, reader: Reader) -> None:
    writer.publish(site.picture(1), FrameMeta())
    frame = reader.read(1)
    assert (frame.pts, frame.capture_quality, frame.colorspace) == (None, "none", "unspecified")
    assert not any((frame.keyframe, frame.corrupt, frame.interlaced))


@pytest.mark.parametrize("colorspace", MATRIX_CODES)
def test_every_colour_space_survives(
    site: "Site", writer: RingWriter, reader: Reader, colorspace: Colorspace
) -> None:
    writer.publish(site.picture(1), FrameMeta(colorspace=colorspace))
    assert reader.read(1).colorspace == colorspace


def view_of(array: Any) -> memoryview:
    return memoryview(array)


DERIVED: dict[str, Callable[[Frame], Any]] = {
    "array": lambda frame: frame.array,
    "a slice": lambda frame: frame.array[2:8],
    "a slice of a slice of a slice": lambda frame: frame.array[2:12][1:8][::2],
    "one row": lambda frame: frame.array[3],
    "transposed": lambda frame: frame.array.T[1:],
    "reshaped": lambda frame: frame.array.reshape(-1)[5:50],
    "reversed": lambda frame: frame.array[::-1, ::-1],
    "as another type": lambda frame: frame.array.view(np.int8)[1:],
    "a subclass": lambda frame: frame.array.view(np.recarray)[1:],
    "strides": lambda frame: np.lib.stride_tricks.sliding_window_view(frame.array, (4, 4)),
    "broadcast": lambda frame: np.broadcast_to(frame.array, (2, 16, 32))[1],
    "np.asarray": lambda frame: np.asarray(frame.array[1:]),
    "np.asarray of a memoryview": lambda frame: np.asarray(view_of(frame.array[1:]))[2:],
    "np.frombuffer": lambda frame: np.frombuffer(frame.array, np.uint8)[7:],
    "np.frombuffer of memory": lambda frame: np.frombuffer(frame.memory, np.uint8)[7:][3:],
    "np.ndarray over memory": lambda frame: np.ndarray((8, 8), np.uint8, frame.memory, 16)[2:][1:],
    "np.ndarray over an array": lambda frame: np.ndarray((8, 8), np.uint8, frame.array, 16)[2:][1:],
    "memory": lambda frame: frame.memory,
    "a slice of memory": lambda frame: frame.memory[5:][3:50],
    "memory cast": lambda frame: frame.memory.cast("I")[3:],
    "a memoryview of a slice": lambda frame: view_of(frame.array[3:9]),
    "a memoryview of a memoryview": lambda frame: memoryview(view_of(frame.array))[2:],
    "a plane": lambda frame: frame.planes[0][1:],
    "an iterator": lambda frame: iter(frame.array),
    "flat": lambda frame: frame.array.flat,
    "pickle buffer": lambda frame: pickle.PickleBuffer(view_of(frame.array)),
}


@pytest.mark.parametrize("derive", DERIVED.values(), ids=DERIVED)
def test_whatever_is_made_of_a_frame_keeps_its_lease(
    site: "Site", writer: RingWriter, reader: Reader, derive: Callable[[Frame], Any]
) -> None:
    site.publish(writer, 1)
    frame = reader.read(1)
    derived = derive(frame)
    expected = frame.copy()
    root = np.asarray(frame.array)
    assert np.array_equal(root, expected)
    del frame, root
    gc.collect()
    assert reader.statistics().held == 1
    # Every slot is written again many times over: this one must not be.
    site.publish(writer, *range(2, 60))
    del derived
    assert reader.statistics().held == 0


def test_a_view_is_not_overwritten_however_much_is_published(
    site: "Site", writer: RingWriter, reader: Reader
) -> None:
    site.publish(writer, 1)
    view = reader.read(1).array[3:9][1:]
    expected = site.picture(1)[0][4:9]
    for number in range(2, 200):
        site.publish(writer, number)
        assert np.array_equal(view, expected)
    assert reader.statistics().held == 1


def test_a_copy_holds_nothing(site: "Site", writer: RingWriter, reader: Reader) -> None:
    site.publish(writer, 1)
    frame = reader.read(1)
    copy = frame.copy()
    others = [frame.array.copy(), frame.array[1:].astype(np.float32), bytes(frame.memory)]
    del frame
    assert reader.statistics().held == 0
    assert np.array_equal(copy, site.picture(1)[0])
    assert len(others) == 3


def test_frames_in_a_cycle_are_let_go_by_the_collector(
    site: "Site", writer: RingWriter, reader: Reader
) -> None:
    site.publish(writer, 1)
    cycle: list[Any] = [reader.read(1)]
    cycle.append(cycle)
    del cycle
    assert reader.statistics().held == 1
    gc.collect()
    assert reader.statistics().held == 0


def test_release_ends_the_lease_whatever_lives(site: "Site", writer: RingWriter, reader: Reader) -> None:
    site.publish(writer, 1)
    frame = reader.read(1)
    view = frame.array[1:]
    frame.release()
    assert reader.statistics().held == 0
    for use in (lambda: frame.array, lambda: frame.planes, lambda: frame.memory, frame.copy):
        with pytest.raises(ClosedError, match="frame 1 of 'door' was released"):
            use()
    frame.release()
    assert frame.seq == 1
    assert view.shape == (15, 32)


def test_releasing_twice_does_not_end_the_next_lease_of_the_slot(
    site: "Site", writer: RingWriter, reader: Reader
) -> None:
    site.publish(writer, 1)
    first = reader.read(1)
    lease = first._lease
    assert lease is not None
    first.release()
    held = []
    for number in range(2, 9):
        site.publish(writer, number)
        held.append(reader.read(1))
    assert reader.statistics().held == 7
    lease.release()
    del first, lease
    gc.collect()
    assert reader.statistics().held == 7


def test_frames_outlive_reader_and_writer(site: "Site", writer: RingWriter, reader: Reader) -> None:
    site.publish(writer, 1, 2)
    first, second = reader.read(1), reader.read(1).array
    reader.close()
    writer.close()
    del reader, writer
    gc.collect()
    assert np.array_equal(first.array, site.picture(1)[0])
    assert np.array_equal(second, site.picture(2)[0])
    first.release()
    assert np.array_equal(second, site.picture(2)[0])


def test_a_frame_kept_after_closing_is_still_not_overwritten(
    site: "Site", writer: RingWriter, reader: Reader
) -> None:
    other = site.reader(writer)
    site.publish(writer, 1)
    view = reader.read(1).array[2:]
    reader.close()
    for number in range(2, 60):
        site.publish(writer, number)
        other.read(1)
    assert np.array_equal(view, site.picture(1)[0][2:])
