"""Regions of pictures drawn here: where they lie, and that they show what the whole picture shows there."""

from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from camgraph.base.pixels import PIXEL_FORMATS, PixelFormat, planes_of
from camgraph.media.convert import Color, Converter
from camgraph.media.planes import planes_of_frame
from camgraph.media.region import Cropper, Fit, Region, fit, region_of
from camgraph.ring.protocol import RingRequest

TV = Color("bt709", "tv")


def noise(width: int, height: int, name: str = "yuv420p") -> av.VideoFrame:
    """Return a frame of random pixels."""
    frame = av.VideoFrame(width, height, name)
    generator = np.random.default_rng(7)
    for plane in frame.planes:
        plane.update(generator.integers(16, 236, plane.buffer_size, dtype=np.uint8).tobytes())
    return frame


@pytest.mark.parametrize(
    ("roi", "region"),
    [
        ((0, 0, 640, 360), Region(0, 0, 640, 360)),
        ((3, 5, 4, 4), Region(2, 4, 6, 6)),
        ((4, 6, 5, 7), Region(4, 6, 6, 8)),
        ((600, 300, 100, 100), Region(600, 300, 40, 60)),
        ((639, 359, 1, 1), Region(638, 358, 2, 2)),
    ],
)
def test_edges_move_outwards_to_even_pixels_and_end_at_the_picture(
    roi: tuple[int, int, int, int], region: Region
) -> None:
    assert region_of(roi, 640, 360) == region


def test_at_the_edge_of_an_odd_picture_a_region_is_odd() -> None:
    assert region_of((600, 300, 41, 61), 641, 361) == Region(600, 300, 41, 61)


@pytest.mark.parametrize("roi", [(640, 0, 1, 1), (0, 360, 10, 10), (1000, 1000, 10, 10)])
def test_a_region_outside_is_refused_in_words(roi: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match=r"lies outside of the camera's picture of 640x360 px"):
        region_of(roi, 640, 360)


def test_a_request_fits_a_picture() -> None:
    assert fit(RingRequest("door"), 640, 360) == Fit((640, 360), None, (640, 360))
    assert fit(RingRequest("door", None, 64, 36), 640, 360) == Fit((640, 360), None, (64, 36))
    part = RingRequest("door", roi=(10, 20, 101, 50))
    assert fit(part, 640, 360) == Fit((640, 360), Region(10, 20, 102, 50), (102, 50))
    assert fit(part, 60, 60) == Fit((60, 60), Region(10, 20, 50, 40), (50, 40))
    whole = RingRequest("door", "bgra", 32, 32, roi=(0, 0, 9999, 9999))
    assert fit(whole, 640, 360) == Fit((640, 360), None, (32, 32))


@pytest.mark.parametrize("roi", [(0, 0, 64, 36), (13, 27, 101, 55), (200, 100, 500, 500), (318, 178, 2, 2)])
@pytest.mark.parametrize("name", PIXEL_FORMATS)
def test_a_region_shows_what_the_whole_picture_shows_there(
    name: PixelFormat, roi: tuple[int, int, int, int]
) -> None:
    frame = noise(320, 180)
    whole = Converter(name, 0, 0).convert(frame, TV)
    region = region_of(roi, 320, 180)
    part = Converter(name, 0, 0).convert(Cropper(region, frame).crop(frame), TV)
    for cut, full, plane in zip(part, whole, planes_of(name, 320, 180), strict=True):
        step = 320 // plane.width
        left, top = region.x // step, region.y // step
        expected = full[top : top + region.height // step, left : left + region.width // step]
        assert np.array_equal(cut, expected), name


@given(
    st.tuples(st.integers(0, 70), st.integers(0, 40), st.integers(1, 100), st.integers(1, 60)),
    st.sampled_from([(64, 36), (71, 41), (2, 2), (1, 1)]),
    st.sampled_from(["yuv420p", "yuvj420p", "yuv422p", "yuv444p", "yuv420p10le", "nv12"]),
)
def test_any_region_of_any_picture_can_be_cut(
    roi: tuple[int, int, int, int], size: tuple[int, int], name: str
) -> None:
    if roi[0] >= size[0] or roi[1] >= size[1]:
        return
    frame = noise(*size, name)
    region = region_of(roi, *size)
    cut = Cropper(region, frame).crop(frame)
    assert (cut.width, cut.height, cut.format.name) == (region.width, region.height, name)
    planes = Converter("yuv420p", 0, 0).convert(cut, TV)
    layout = planes_of("yuv420p", region.width, region.height)
    assert [plane.shape for plane in planes] == [(plane.height, plane.width) for plane in layout]
    if name == "yuv420p":
        x, y = region.x, region.y
        whole = planes_of_frame(frame, "yuv420p")[0]
        assert np.array_equal(planes[0], whole[y : y + region.height, x : x + region.width])


def test_nothing_is_copied_and_the_memory_outlives_the_frame() -> None:
    frame = noise(320, 180)
    whole = planes_of_frame(frame, "yuv420p")[0]
    region = Region(32, 16, 64, 36)
    (part, *_) = planes_of_frame(Cropper(region, frame).crop(frame), "yuv420p")
    assert part.ctypes.data == whole[16:, 32:].ctypes.data
    expected = whole[16:52, 32:96].copy()
    del frame, whole
    assert np.array_equal(part, expected)


def test_what_is_known_of_a_frame_is_kept_and_other_frames_are_told_apart() -> None:
    frame = noise(320, 180)
    frame.pts, frame.time_base = 4711, Fraction(1, 90_000)
    frame.colorspace, frame.color_range = 1, 2
    cropper = Cropper(Region(0, 0, 32, 32), frame)
    cut = cropper.crop(frame)
    assert (cut.pts, int(cut.colorspace), int(cut.color_range)) == (4711, 1, 2)
    assert cropper.fits(noise(320, 180))
    assert not cropper.fits(noise(320, 182))
    assert not cropper.fits(noise(320, 180, "yuv422p"))
