"""Colours and planes: pictures drawn here, converted, and read back."""

import subprocess
import sys
from fractions import Fraction
from itertools import product
from typing import Any, Literal, cast

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from camgraph.base.pixels import PixelFormat, planes_of
from camgraph.media.convert import Color, Converter, color_of
from camgraph.media.planes import planes_of_frame

Rgb = tuple[int, int, int]
BARS: list[Rgb] = [
    (255, 255, 255),
    (255, 255, 0),
    (0, 255, 255),
    (0, 255, 0),
    (255, 0, 255),
    (255, 0, 0),
    (0, 0, 255),
    (0, 0, 0),
    (128, 128, 128),
]
WEIGHTS = {"bt709": (0.2126, 0.0722), "smpte170m": (0.299, 0.114)}
TAGS = {"bt709": 1, "smpte170m": 6, "unspecified": 2}
RANGES = {"tv": 1, "pc": 2, "unspecified": 0}
Matrix = Literal["bt709", "smpte170m"]


def luma(rgb: Rgb, matrix: Matrix) -> float:
    red, blue = WEIGHTS[matrix]
    return red * rgb[0] + (1 - red - blue) * rgb[1] + blue * rgb[2]


def yuv(rgb: Rgb, matrix: Matrix, full: bool) -> tuple[float, float, float]:
    red, blue = WEIGHTS[matrix]
    y = luma(rgb, matrix) / 255
    u, v = (rgb[2] / 255 - y) / (2 * (1 - blue)), (rgb[0] / 255 - y) / (2 * (1 - red))
    if full:
        return 255 * y, 128 + 255 * u, 128 + 255 * v
    return 16 + 219 * y, 128 + 224 * u, 128 + 224 * v


def writable(frame: av.VideoFrame) -> list[NDArray[np.uint8]]:
    return [
        np.frombuffer(cast(Any, plane), np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width]
        for plane in frame.planes
    ]


def bars(width: int, height: int, matrix: Matrix, full: bool, name: str = "yuv420p") -> av.VideoFrame:
    """Return a frame of colour bars without tags."""
    frame = av.VideoFrame(width, height, name)
    for index, plane in enumerate(writable(frame)):
        edges = np.linspace(0, plane.shape[1], len(BARS) + 1).astype(int)
        for bar, left, right in zip(BARS, edges, edges[1:], strict=False):
            plane[:, left:right] = np.clip(np.rint(yuv(bar, matrix, full)[index]), 0, 255)
    return frame


def tag(frame: av.VideoFrame, matrix: str, range_: str) -> av.VideoFrame:
    frame.colorspace, frame.color_range = TAGS[matrix], RANGES[range_]
    return frame


def expected(bar: Rgb, name: PixelFormat, matrix: Matrix) -> list[float]:
    red, green, blue = bar
    values: dict[PixelFormat, list[float]] = {
        "bgra": [blue, green, red, 255],
        "bgr24": [blue, green, red],
        "rgb24": [red, green, blue],
        "gray8": [luma(bar, matrix)],
    }
    return values[name]


def check_bars(picture: NDArray[np.uint8], name: PixelFormat, matrix: Matrix) -> None:
    height, width = picture.shape[:2]
    for index, bar in enumerate(BARS):
        middle = int((index + 0.5) * width / len(BARS))
        pixel = picture[height // 2, middle].astype(float).reshape(-1)
        assert pixel == pytest.approx(expected(bar, name, matrix), abs=4), (name, bar)


SIZES = [(0, 0), (640, 360), (481, 271), (160, 90), (1600, 900)]


@pytest.mark.parametrize("name", ["bgra", "bgr24", "rgb24", "gray8"])
@pytest.mark.parametrize(("matrix", "full"), list(product(["bt709", "smpte170m"], [False, True])))
def test_tagged_colours_come_out_right(name: PixelFormat, matrix: Matrix, full: bool) -> None:
    frame = tag(bars(1280, 720, matrix, full), matrix, "pc" if full else "tv")
    color = color_of(frame)
    assert color == Color(matrix, "pc" if full else "tv")
    for width, height in SIZES:
        (picture,) = Converter(name, width, height).convert(frame, color)
        assert picture.shape[:2] == (height or 720, width or 1280)
        check_bars(picture, name, matrix)


@pytest.mark.parametrize(
    ("width", "height", "matrix"), [(1280, 720, "bt709"), (1920, 1080, "bt709"), (704, 576, "smpte170m")]
)
def test_untagged_colours_are_decided_by_the_height(width: int, height: int, matrix: Matrix) -> None:
    frame = tag(bars(width, height, matrix, full=False), "unspecified", "unspecified")
    assert color_of(frame) == Color(matrix, "tv")
    for name in ("bgra", "gray8"):
        check_bars(Converter(name, 320, 180).convert(frame, color_of(frame))[0], name, matrix)


def test_the_j_formats_are_of_full_range() -> None:
    frame = tag(bars(640, 360, "smpte170m", full=True, name="yuvj420p"), "unspecified", "unspecified")
    assert color_of(frame) == Color("smpte170m", "pc")
    check_bars(Converter("bgra", 0, 0).convert(frame, color_of(frame))[0], "bgra", "smpte170m")
    native = Converter("yuv420p", 0, 0).convert(frame, color_of(frame))
    assert all(np.array_equal(one, two) for one, two in zip(native, writable(frame), strict=True))


@pytest.mark.parametrize("name", ["yuv422p", "yuv420p10le", "yuvj422p", "yuv444p", "nv12"])
def test_other_decoder_formats_become_ours(name: str) -> None:
    plain = tag(bars(1280, 720, "bt709", full=False), "bt709", "tv")
    full = name.startswith("yuvj")
    frame = plain.reformat(format=name, src_color_range=1, dst_color_range=2 if full else 1)
    color = color_of(tag(frame, "bt709", "pc" if full else "tv"))
    assert [plane.shape for plane in Converter("yuv420p", 0, 0).convert(frame, color)] == [
        (720, 1280),
        (360, 640),
        (360, 640),
    ]
    check_bars(Converter("rgb24", 640, 360).convert(frame, color)[0], "rgb24", "bt709")


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (641, 361), (2, 2), (1, 1)])
@pytest.mark.parametrize("name", ["yuv420p", "nv12"])
def test_yuv_keeps_its_range_and_its_planes_are_ours(name: PixelFormat, width: int, height: int) -> None:
    frame = tag(bars(1280, 720, "bt709", full=False), "bt709", "tv")
    planes = Converter(name, width, height).convert(frame, color_of(frame))
    layout = planes_of(name, width, height)
    assert [plane.shape[:2] for plane in planes] == [(one.height, one.width) for one in layout]
    assert [plane.dtype for plane in planes] == [np.uint8] * len(layout)
    assert planes[0].max() <= 236
    assert planes[0].min() >= 15


def test_the_native_planes_are_the_decoders_memory() -> None:
    frame = tag(bars(640, 360, "bt709", full=False), "bt709", "tv")
    (luma_plane, *_) = planes_of_frame(frame, "yuv420p")
    writable(frame)[0][7, 9] = 99
    assert luma_plane[7, 9] == 99


def test_planes_outlive_the_frame() -> None:
    planes = Converter("bgra", 64, 36).convert(
        tag(bars(640, 360, "bt709", full=False), "bt709", "tv"), Color("bt709", "tv")
    )
    check_bars(planes[0], "bgra", "bt709")


def test_one_converter_follows_a_change_of_size() -> None:
    converter = Converter("bgra", 320, 180)
    for width, height in [(1280, 720), (640, 360), (1280, 720)]:
        frame = tag(bars(width, height, "bt709", full=False), "bt709", "tv")
        check_bars(converter.convert(frame, color_of(frame))[0], "bgra", "bt709")


def test_converting_leaves_the_frame_as_it_was() -> None:
    frame = tag(bars(1280, 720, "bt709", full=False), "unspecified", "unspecified")
    frame.pts, frame.time_base = 12, Fraction(1, 90000)
    before = [plane.copy() for plane in writable(frame)]
    for name in ("bgra", "gray8", "nv12"):
        Converter(name, 640, 360).convert(frame, color_of(frame))
    assert (int(frame.colorspace), int(frame.color_range), frame.pts) == (2, 0, 12)
    assert all(np.array_equal(one, two) for one, two in zip(before, writable(frame), strict=True))


@pytest.mark.parametrize("name", ["bgra", "bgr24", "rgb24", "gray8", "yuv420p", "nv12"])
@pytest.mark.parametrize("source", [(1280, 720), (307, 181)])
def test_pictures_of_every_size_are_converted_to_their_edges(
    name: PixelFormat, source: tuple[int, int]
) -> None:
    frame = av.VideoFrame(*source, "yuv420p")
    for plane, value in zip(frame.planes, (150, 90, 170), strict=True):
        np.frombuffer(cast(Any, plane), np.uint8)[:] = value
    sizes = list(product(range(300, 317), (180, 181)))
    # What is left unwritten shows only where memory is used again.
    used = [np.full(width * height * 4, 0xAB, np.uint8) for width, height in sizes]
    del used
    for width, height in [(0, 0), *sizes]:
        for converted in Converter(name, width, height).convert(frame, Color("bt709", "tv")):
            pixels = converted.reshape(*converted.shape[:2], -1).astype(int)
            assert np.abs(pixels - pixels[0, 0]).max() <= 2, (width, height)


HALVED = """
import sys
if sys.argv[1] == "without":
    sys.modules["cv2"] = None
import av, hashlib, numpy as np
from camgraph.media.convert import Color, Converter

noise = np.random.default_rng(7)
for size in [(1280, 720), (644, 364), (648, 368), (644, 364)]:
    for color in (Color("bt709", "tv"), Color("smpte170m", "pc")):
        frame = av.VideoFrame(*size, "yuvj420p" if color.range == "pc" else "yuv420p")
        for plane in frame.planes:
            pixels = np.frombuffer(plane, np.uint8)
            pixels[:] = noise.integers(0, 256, pixels.size, dtype=np.uint8)
        for name in ("bgra", "rgb24", "yuv420p", "nv12"):
            planes = Converter(name, size[0] // 2, size[1] // 2).convert(frame, color)
            digest = hashlib.sha256(b"".join(plane.tobytes() for plane in planes)).hexdigest()
            print(size, color.range, name, digest)
print(sys.modules.get("cv2") is not None, file=sys.stderr)
"""


def test_half_the_size_is_the_same_picture_with_and_without_opencv() -> None:
    with_opencv, without = (
        subprocess.run([sys.executable, "-c", HALVED, how], capture_output=True, text=True, check=True)
        for how in ("with", "without")
    )
    assert (with_opencv.stderr, without.stderr) == ("True\n", "False\n")
    assert len(with_opencv.stdout.splitlines()) == 32
    assert with_opencv.stdout == without.stdout


NEARLY_HALVED = """
import sys
if sys.argv[1] == "without":
    sys.modules["cv2"] = None
import av, numpy as np
from camgraph.media.convert import Color, Converter

x, y = np.meshgrid(np.arange(1280), np.arange(720))
frame = av.VideoFrame(1280, 720, "yuv420p")
wave = (127 + 100 * np.sin(x / 17) * np.cos(y / 13)).astype(np.uint8)
for plane in frame.planes:
    pixels = np.ndarray((plane.height, plane.width), np.uint8, plane, 0, (plane.line_size, 1))
    pixels[:] = wave[: plane.height, : plane.width]
for size in [(640, 360), (480, 270), (320, 180), (212, 120), (100, 56), (17, 9)]:
    for name in ("bgra", "gray8"):
        sys.stdout.buffer.write(Converter(name, *size).convert(frame, Color("bt709", "tv"))[0].tobytes())
"""


def test_smaller_sizes_are_nearly_the_same_picture_with_and_without_opencv() -> None:
    def converted(how: str) -> NDArray[np.int_]:
        command = [sys.executable, "-c", NEARLY_HALVED, how]
        data = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
        return np.frombuffer(data, np.uint8).astype(int)

    one, other = converted("with"), converted("without")
    assert one.shape == other.shape
    assert np.abs(one - other).mean() < 2.0


def test_opencv_is_not_loaded_for_sizes_that_it_does_not_help_with() -> None:
    program = (
        "import av, sys; from camgraph.media.convert import Color, Converter;"
        "frame = av.VideoFrame(1280, 720, 'yuv420p');"
        "[Converter('bgra', *size).convert(frame, Color('bt709', 'tv'))"
        " for size in ((0, 0), (641, 360), (812, 456))];"
        "assert 'cv2' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
