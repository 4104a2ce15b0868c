"""Drawing the test picture: colour bars, the camera's name, a large counter, a ball that moves, the code.

It is drawn plane by plane, in RGB for people and tests, in yuv420p for encoders.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from camgraph.testing import codeword, glyphs

Plane = npt.NDArray[np.uint8]
Weights = npt.NDArray[np.uint16]
Color = tuple[int, int, int]

MIN_WIDTH_PX, MIN_HEIGHT_PX = 160, 90
PERIOD = 250
"""After so many frames the moving ball is where it was: a clip of this length loops without a jump."""

_LIGHT, _DARK = (240, 240, 240), (16, 16, 16)
_BAND = (codeword.STRIP, codeword.STRIP + 0.14)
_BALL_SHARE = 0.074
_BALL_TURN = 50
_BALL_LIGHTS = 24
_BALL_COLORS: tuple[Color, ...] = (
    (255, 208, 64),
    (255, 104, 80),
    (250, 244, 232),
    (84, 190, 250),
    (255, 150, 56),
    (120, 220, 150),
)
_TINTS: tuple[Color, ...] = (
    (38, 70, 120),
    (96, 48, 104),
    (28, 92, 84),
    (112, 62, 40),
    (56, 56, 116),
    (92, 84, 32),
    (36, 84, 48),
    (104, 44, 64),
)
_TEXT, _TEXT_EDGE = (245, 245, 245), (0, 0, 0)


class Rect(NamedTuple):
    """A rectangle in pixels, its origin at the upper left corner of the picture."""

    x: int
    y: int
    width: int
    height: int


class Bar(NamedTuple):
    """A colour bar: its colour as (red, green, blue), and its place as shares of the picture's sides."""

    name: str
    rgb: Color
    left: float
    top: float
    right: float
    bottom: float

    def center(self, width: int, height: int) -> tuple[int, int]:
        """Return the (x, y) in pixels of the middle of the bar in a picture of that size."""
        return int((self.left + self.right) / 2 * width), int((self.top + self.bottom) / 2 * height)


BARS: tuple[Bar, ...] = tuple(
    Bar(name, rgb, i / 8, _BAND[0], (i + 1) / 8, _BAND[1])
    for i, (name, rgb) in enumerate(
        {
            "white": (204, 204, 204),
            "yellow": (204, 204, 0),
            "cyan": (0, 204, 204),
            "green": (0, 204, 0),
            "magenta": (204, 0, 204),
            "red": (204, 0, 0),
            "blue": (0, 0, 204),
            "black": (16, 16, 16),
        }.items()
    )
)


@dataclass(frozen=True)
class _Channel:
    """A plane of a picture: `offset` + `weights` · (red, green, blue), one value for `step` × `step` px."""

    weights: tuple[float, float, float]
    offset: float = 0
    step: int = 1

    def value(self, rgb: npt.ArrayLike) -> npt.NDArray[np.uint8]:
        """Return the value for colours of shape (…, 3)."""
        value: npt.NDArray[np.float64] = np.asarray(rgb, float) @ np.array(self.weights) + self.offset
        return value.round().clip(0, 255).astype(np.uint8)


_RGB = (_Channel((1, 0, 0)), _Channel((0, 1, 0)), _Channel((0, 0, 1)))
_LIMITED_LUMA, _LIMITED_CHROMA = 219 / 255, 224 / 255
# BT.709 in limited range.
_YUV420P = (
    _Channel((0.2126 * _LIMITED_LUMA, 0.7152 * _LIMITED_LUMA, 0.0722 * _LIMITED_LUMA), 16),
    _Channel((-0.1146 * _LIMITED_CHROMA, -0.3854 * _LIMITED_CHROMA, 0.5 * _LIMITED_CHROMA), 128, 2),
    _Channel((0.5 * _LIMITED_CHROMA, -0.4542 * _LIMITED_CHROMA, -0.0458 * _LIMITED_CHROMA), 128, 2),
)


def draw(number: int, camera: int, width: int, height: int) -> npt.NDArray[np.uint8]:
    """Return frame `number` of `camera` as RGB, shape (height, width, 3), dtype uint8; the caller owns it.

    Raises ValueError if the number is not 0 to 65535, the camera not 0 to 255, or the picture too small.
    """
    _check(number, camera, width, height)
    picture = np.empty((height, width, 3), np.uint8)
    for index, channel in enumerate(_RGB):
        _draw_plane(picture[:, :, index], channel, number, camera, width, height)
    return picture


def draw_yuv420p(
    number: int, camera: int, width: int, height: int, out: npt.NDArray[np.uint8] | None = None
) -> npt.NDArray[np.uint8]:
    """Return the same picture as yuv420p (BT.709, limited range), shape (height * 3 // 2, width), uint8.

    It is drawn into `out` if that is given. Raises ValueError as `draw` does, and for odd sides.
    """
    _check(number, camera, width, height)
    if width % 2 or height % 2:
        raise ValueError(f"{width}x{height}: yuv420p needs even sides")
    picture = np.empty((height * 3 // 2, width), np.uint8) if out is None else out
    luma, chroma = picture[:height], picture[height:].reshape(2, height // 2, width // 2)
    for plane, channel in zip((luma, *chroma), _YUV420P, strict=True):
        _draw_plane(plane, channel, number, camera, width, height)
    return picture


def box_at(number: int, width: int, height: int) -> Rect:
    """Return where the moving ball is in frame `number`.

    At least 6 % of the picture is ball; all else but the counter and the code stands still.
    """
    side = min(round(math.sqrt(_BALL_SHARE * 4 / math.pi * width * height)), width, round(0.7 * height))
    across = 1 - abs(1 - 2 * (number * 2 % PERIOD) / PERIOD)
    hop = 2 * (number * 3 % PERIOD) / PERIOD - 1
    top, bottom = _BAND[1] * height, (1 - codeword.STRIP) * height - side
    # Even places: chroma planes have half the rows and columns.
    return Rect(
        round(across * (width - side) / 2) * 2, round((top + (bottom - top) * hop**2) / 2) * 2, side, side
    )


def _check(number: int, camera: int, width: int, height: int) -> None:
    if not (0 <= number <= codeword.MAX_NUMBER and 0 <= camera <= codeword.MAX_CAMERA):
        most = f"{codeword.MAX_NUMBER} and {codeword.MAX_CAMERA}"
        raise ValueError(f"frame {number} of camera {camera}: at most {most}")
    if width < MIN_WIDTH_PX or height < MIN_HEIGHT_PX:
        raise ValueError(f"{width}x{height}: the pattern needs {MIN_WIDTH_PX}x{MIN_HEIGHT_PX} px")


def _draw_plane(plane: Plane, channel: _Channel, number: int, camera: int, width: int, height: int) -> None:
    """Draw one plane; `width` and `height` are the picture's."""
    plane[...] = _background(channel, camera, width, height)
    box = box_at(number, width, height)
    steps, alpha = _ball(box.width, channel.step)
    colors = np.roll(_ball_colors(channel), -(number % _BALL_TURN), axis=0).ravel()
    _blend(plane, channel, box.x, box.y, colors[steps], alpha)
    _draw_text(plane, channel, f"CAMERA {camera}", 0.235, 0.12)
    _draw_text(plane, channel, f"{number:04d}", 0.575, 0.33)
    rows, columns = plane.shape
    light, dark = channel.value(_LIGHT), channel.value(_DARK)
    cells = np.diff(np.linspace(0, columns, codeword.CELLS + 1).round().astype(int))
    for place, top in enumerate(codeword.STRIP_TOPS):
        lit = np.array(codeword.cells_of(number, camera, place), bool)
        row = np.repeat(np.where(lit, light, dark), cells)
        plane[round(top * rows) : round((top + codeword.STRIP) * rows)] = row


@lru_cache(maxsize=48)
def _background(channel: _Channel, camera: int, width: int, height: int) -> Plane:
    width, height = width // channel.step, height // channel.step
    shade = np.linspace(1.15, 0.55, height)[:, None]
    plane = np.repeat(
        channel.value(np.array(_TINTS[(camera - 1) % len(_TINTS)]) * shade)[:, None], width, axis=1
    )
    for bar in BARS:
        rows = slice(round(bar.top * height), round(bar.bottom * height))
        plane[rows, round(bar.left * width) : round(bar.right * width)] = channel.value(bar.rgb)
    return plane


@lru_cache(maxsize=8)
def _ball(side: int, step: int) -> tuple[npt.NDArray[np.intp], Weights]:
    """Return a ball, each of shape (side / step, side / step): indices into `_ball_colors`, and opacity."""
    axis = np.arange(step // 2, side, step) - (side - 1) / 2
    x, y = axis[None, :], axis[:, None]
    turn = ((np.arctan2(y, x) / (2 * math.pi) + 0.5) * _BALL_TURN).astype(np.intp) % _BALL_TURN
    from_light = np.hypot(x + side * 0.15, y + side * 0.18) / (side * 0.75)
    light = (from_light**2 * _BALL_LIGHTS).astype(np.intp).clip(0, _BALL_LIGHTS - 1)
    return turn * _BALL_LIGHTS + light, _opacity((side / 2 - np.hypot(x, y)) / step)


@lru_cache(maxsize=8)
def _ball_colors(channel: _Channel) -> npt.NDArray[np.uint8]:
    """Return the colours of the ball, shape (`_BALL_TURN`, `_BALL_LIGHTS`): by direction and by light."""
    sectors = np.arange(_BALL_TURN) * len(_BALL_COLORS) // _BALL_TURN
    lights = np.linspace(1, 0.72, _BALL_LIGHTS)
    return channel.value(np.array(_BALL_COLORS)[sectors][:, None] * lights[:, None])


def _draw_text(plane: Plane, channel: _Channel, text: str, top: float, size: float) -> None:
    rows, columns = plane.shape
    x, y, cap = 0.03 * columns, round(top * rows), round(size * rows)
    for character in text:
        color, alpha = _outlined(channel, character, cap)
        _blend(plane, channel, round(x) * channel.step, y * channel.step, color, alpha)
        x += alpha.shape[1] * 0.94


@lru_cache(maxsize=128)
def _outlined(channel: _Channel, character: str, cap: int) -> tuple[npt.NDArray[np.uint8], Weights]:
    """Return a light character with a dark edge: its colours, and its opacity."""
    face, whole = glyphs.glyph(character, cap), glyphs.glyph(character, cap, cap / 40)
    colors = face[..., None] * np.array(_TEXT) + (1 - face[..., None]) * np.array(_TEXT_EDGE)
    return channel.value(colors), np.ceil(whole * 256).astype(np.uint16)


def _opacity(distance: npt.NDArray[np.float64]) -> Weights:
    """Return 256 well inside an edge, 0 outside, and in between over one pixel."""
    return (np.clip(distance + 0.5, 0, 1) * 256).astype(np.uint16)


def _blend(
    plane: Plane, channel: _Channel, x: int, y: int, color: npt.NDArray[np.uint8], alpha: Weights
) -> None:
    """Paint `color` at (x, y) in pixels of the picture, `alpha` (0 to 256) of it; it may reach outside."""
    x, y = x // channel.step, y // channel.step
    part = plane[y : y + alpha.shape[0], x : x + alpha.shape[1]]
    rows, columns = part.shape
    color, alpha = color[:rows, :columns], alpha[:rows, :columns]
    part[...] = (part * (256 - alpha) + color * alpha) >> 8
