"""The pattern is read from any format, at any size, through noise and H.264, and a torn one is told."""

from fractions import Fraction

import av
import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from camgraph.testing.pattern import BARS, PERIOD, box_at, decode, draw, draw_yuv420p

# Its threads would outlive the test that starts them.
cv2.setNumThreads(1)

Image = npt.NDArray[np.uint8]

numbers = st.integers(0, 65535)
cameras = st.integers(0, 255)
sizes = st.tuples(st.integers(160, 900), st.integers(90, 600))
interpolations = st.sampled_from(
    [cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_AREA, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4]
)


def resize(image: Image, size: tuple[int, int], interpolation: int = cv2.INTER_AREA) -> Image:
    return np.asarray(cv2.resize(image, size, interpolation=interpolation), np.uint8)


def is_read(image: Image, number: int, camera: int) -> bool:
    found = decode(image)
    return found.ok and not found.torn and (found.number, found.camera) == (number, camera)


@given(numbers, cameras, sizes)
def test_what_is_drawn_is_read(number: int, camera: int, size: tuple[int, int]) -> None:
    picture = draw(number, camera, *size)
    assert picture.shape == (size[1], size[0], 3)
    assert is_read(picture, number, camera)


@given(numbers, cameras, sizes, interpolations)
def test_it_is_read_at_any_size(number: int, camera: int, size: tuple[int, int], interpolation: int) -> None:
    assert is_read(resize(draw(number, camera, 1280, 720), size, interpolation), number, camera)


@given(numbers, st.integers(0, 2**32 - 1), st.floats(0, 30))
def test_it_is_read_through_noise(number: int, seed: int, sigma: float) -> None:
    picture = draw(number, 3, 320, 180).astype(float)
    noise = np.random.default_rng(seed).normal(0, sigma, picture.shape)
    assert is_read((picture + noise).clip(0, 255).astype(np.uint8), number, 3)


@given(numbers, st.floats(0.4, 1.4), st.integers(-40, 40))
def test_it_is_read_in_other_light(number: int, contrast: float, brightness: int) -> None:
    picture = draw(number, 5, 320, 180) * contrast + brightness
    assert is_read(picture.clip(0, 255).astype(np.uint8), number, 5)


def test_it_is_read_in_every_format() -> None:
    rgb = draw(4711, 9, 640, 360)
    bgra = np.concatenate([rgb[:, :, ::-1], np.full((360, 640, 1), 255, np.uint8)], axis=2)
    grey = rgb.mean(axis=2).astype(np.uint8)
    yuv = draw_yuv420p(4711, 9, 640, 360)
    nv12 = np.concatenate([yuv[:360], yuv[:180]])
    for image in (rgb, rgb[:, :, ::-1], bgra, grey, yuv[:360], yuv, nv12):
        assert is_read(image, 4711, 9)
    frozen = rgb[::2, ::2]
    frozen.flags.writeable = False
    assert is_read(frozen, 4711, 9)


@given(numbers, st.integers(0, 60), st.integers(0, 60), st.integers(0, 255))
def test_it_is_read_with_plain_margins(number: int, across: int, down: int, shade: int) -> None:
    screen = np.full((360 + 2 * down, 640 + across, 3), shade, np.uint8)
    screen[down : down + 360, across // 2 : across // 2 + 640] = draw(number, 2, 640, 360)
    assert is_read(screen, number, 2)


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (640, 360), (320, 240)])
def test_it_survives_h264(width: int, height: int) -> None:
    encoder = av.VideoCodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base = Fraction(1, 25)
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "crf": "35"}
    decoder = av.VideoCodecContext.create("h264", "r")
    shown = []
    for number in range(0, PERIOD, 10):
        picture = draw_yuv420p(number, 6, width, height)
        for packet in encoder.encode(av.VideoFrame.from_ndarray(picture, format="yuv420p")):
            shown += decoder.decode(packet)
    shown += decoder.decode(None)
    pictures = [np.asarray(frame.to_ndarray(format="bgr24"), np.uint8) for frame in shown]
    read = [decode(resize(picture, (160, 90))) for picture in pictures]
    assert [(found.number, found.camera, found.ok) for found in read] == [
        (number, 6, True) for number in range(0, PERIOD, 10)
    ]


@given(numbers, numbers, st.integers(30, 330), sizes)
def test_a_torn_picture_is_told(first: int, second: int, row: int, size: tuple[int, int]) -> None:
    picture = draw(first, 1, 640, 360)
    picture[row:] = draw(second, 1, 640, 360)[row:]
    found = decode(resize(picture, size))
    if first == second:
        assert found.ok
        assert not found.torn
    else:
        assert found.torn
        assert not found.ok
        assert found.number is None


@given(st.integers(0, 359))
def test_a_tear_at_any_row_is_never_taken_for_whole(row: int) -> None:
    picture = draw(20001, 1, 640, 360)
    picture[row:] = draw(20002, 1, 640, 360)[row:]
    found = decode(picture)
    assert found.torn or found.strips < 3 or row <= 11 or row >= 350


def test_frames_of_two_cameras_are_torn_too() -> None:
    picture = draw(7, 1, 640, 360)
    picture[200:] = draw(7, 2, 640, 360)[200:]
    assert decode(picture).torn


@given(st.integers(0, 2**32 - 1))
def test_noise_alone_is_not_a_picture(seed: int) -> None:
    found = decode(np.random.default_rng(seed).integers(0, 256, (90, 160, 3), np.uint8))
    assert not found.ok
    assert not found.torn


def test_what_is_no_pattern_is_unreadable_and_not_torn() -> None:
    for image in (
        np.zeros((360, 640), np.uint8),
        np.full((360, 640, 3), 200, np.uint8),
        np.zeros((4, 4), np.uint8),
        draw(1, 1, 640, 360)[:, ::-1],
        draw(1, 1, 640, 360)[:200],
    ):
        found = decode(image)
        assert not found.ok
        assert not found.torn


def test_a_covered_strip_leaves_the_number_and_is_not_whole() -> None:
    picture = draw(321, 4, 640, 360)
    picture[160:200] = 128
    assert decode(picture) == (321, 4, False, False, 2)


def test_bars_have_their_colors_in_every_frame_and_format() -> None:
    for number in range(0, PERIOD, 7):
        rgb = draw(number, 2, 640, 360)
        yuv = draw_yuv420p(number, 2, 640, 360)
        shown = av.VideoFrame.from_ndarray(yuv, format="yuv420p").reformat(
            format="rgb24", src_colorspace="ITU709", src_color_range="MPEG"
        )
        for bar in BARS:
            x, y = bar.center(640, 360)
            assert tuple(rgb[y, x]) == bar.rgb
            assert np.abs(shown.to_ndarray()[y, x].astype(int) - bar.rgb).max() <= 6, bar.name


def test_the_ball_moves_and_all_else_stands() -> None:
    for number in range(0, PERIOD, 4):
        before, after = draw(number, 1, 640, 360), draw(number + 5, 1, 640, 360)
        changed = np.abs(after.astype(int) - before).max(axis=2) > 24
        inside = np.zeros_like(changed)
        for at in (number, number + 5):
            box = box_at(at, 640, 360)
            assert 0 <= box.x <= 640 - box.width
            assert 0 <= box.y <= 360 - box.height
            inside[box.y : box.y + box.height, box.x : box.x + box.width] = True
        counter_and_code = np.zeros_like(changed)
        for rows in (slice(0, 18), slice(171, 189), slice(342, 360), slice(200, 330)):
            counter_and_code[rows] = True
        assert not (changed & ~inside & ~counter_and_code).any()
        assert changed.mean() > 0.03
    assert box_at(PERIOD, 640, 360) == box_at(0, 640, 360)


def test_at_least_six_hundredths_are_ball() -> None:
    for number in range(0, PERIOD, 3):
        box = box_at(number, 1280, 720)
        warm = draw(number, 1, 1280, 720)[box.y : box.y + box.height, box.x : box.x + box.width]
        # Whatever is brighter than the tinted background is ball, and the light cells in front of it.
        assert (warm.max(axis=2) > 150).sum() > 0.06 * 1280 * 720


def test_a_program_that_looks_for_movement_finds_it_again_and_again() -> None:
    """The background model of the README's program, at the size and rate it asks for, for a minute."""
    model = cv2.createBackgroundSubtractorMOG2()
    pictures = [draw(number, 1, 640, 360)[:, :, ::-1].copy() for number in range(0, PERIOD, 5)]
    scores = [float(model.apply(pictures[at % len(pictures)]).mean()) for at in range(300)]
    # The very first picture is taken for background, so its return is no movement.
    assert sum(score > 8.0 for score in scores) > 0.97 * len(scores)


def test_what_cannot_be_drawn_is_refused() -> None:
    for number, camera in ((-1, 1), (65536, 1), (0, -1), (0, 256)):
        with pytest.raises(ValueError, match="at most 65535 and 255"):
            draw(number, camera, 640, 360)
    for width, height in ((159, 90), (160, 89)):
        with pytest.raises(ValueError, match="160x90"):
            draw(0, 1, width, height)
    with pytest.raises(ValueError, match="even"):
        draw_yuv420p(0, 1, 641, 360)
