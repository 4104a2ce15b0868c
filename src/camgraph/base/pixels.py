"""Formats of pictures and of items: their names, their codes in a ring's headers, where planes lie."""

from typing import Literal, NamedTuple, TypeGuard, get_args

PixelFormat = Literal["yuv420p", "nv12", "bgr24", "rgb24", "bgra", "gray8"]
ItemFormat = Literal["bytes", "nal", "fmp4"]
"""Not pictures but bytes, each time another number of them: of any kind, a NAL unit, a box of an MP4 file."""
FrameFormat = PixelFormat | ItemFormat

PIXEL_FORMATS: tuple[PixelFormat, ...] = get_args(PixelFormat)
ITEM_FORMATS: tuple[ItemFormat, ...] = get_args(ItemFormat)
_CODES: dict[FrameFormat, int] = {
    "yuv420p": 1,
    "nv12": 2,
    "bgr24": 3,
    "rgb24": 4,
    "bgra": 5,
    "gray8": 6,
    "bytes": 32,
    "nal": 33,
    "fmp4": 34,
}
_BY_CODE = {code: name for name, code in _CODES.items()}


class Plane(NamedTuple):
    """One plane of a picture: `height` rows of `width` pixels of `channels` bytes, `stride` bytes apart."""

    offset: int
    stride: int
    width: int
    height: int
    channels: int


def is_item_format(name: FrameFormat | None) -> TypeGuard[ItemFormat]:
    """Tell whether frames of the format are items of bytes, and no pictures."""
    return name in ITEM_FORMATS


def format_code(name: FrameFormat) -> int:
    """Return the code that stands for a format in headers and messages."""
    return _CODES[name]


def format_of_code(code: int) -> FrameFormat:
    """Return the format of a code; raise ValueError for an unknown one."""
    try:
        return _BY_CODE[code]
    except KeyError:
        raise ValueError(f"pixel format code {code} is unknown to this version") from None


def planes_of(name: FrameFormat, width: int, height: int) -> tuple[Plane, ...]:
    """Return the tightly packed planes of a picture, one after another, without padding.

    Chroma planes of 4:2:0 formats round up for odd sizes. An item is one plane, a byte per pixel.
    """
    half_width, half_height = (width + 1) // 2, (height + 1) // 2
    luma = Plane(0, width, width, height, 1)
    if name == "yuv420p":
        size = half_width * half_height
        return (
            luma,
            Plane(width * height, half_width, half_width, half_height, 1),
            Plane(width * height + size, half_width, half_width, half_height, 1),
        )
    if name == "nv12":
        return luma, Plane(width * height, half_width * 2, half_width, half_height, 2)
    if name == "gray8" or is_item_format(name):
        return (luma,)
    channels = 4 if name == "bgra" else 3
    return (Plane(0, width * channels, width, height, channels),)


def picture_bytes(name: FrameFormat, width: int, height: int) -> int:
    """Return the number of bytes of a tightly packed picture."""
    last = planes_of(name, width, height)[-1]
    return last.offset + last.stride * last.height
