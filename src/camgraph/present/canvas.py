"""Drawing into one window: pictures from shared memory or by copying them, lines, bars, text."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt

from camgraph.base.geometry import Area
from camgraph.present.display import Display, WindowFacts
from camgraph.present.placing import Place, Size
from camgraph.x11 import xcb

Pixels = npt.NDArray[np.uint8]
Color = tuple[int, int, int]
"""Red, green, blue."""

_STRIP_BYTES = 1 << 20
_IMAGE_REQUEST_BYTES = 32
_LONGEST_TEXT = 255
_GREEN: Color = (0, 255, 0)


class Pens:
    """Graphics contexts, and the font, of one display, for windows of each depth; made when first used."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self._made: dict[tuple[int, int, int, int], int] = {}
        self._font = 0
        self.letter = (6, 13)
        """Width of a letter and height of a line."""
        self.ascent = 11

    def pen(self, window: int, facts: WindowFacts, color: int, background: int = 0) -> int:
        """Return a graphics context; with a background it is for text."""
        key = (facts.root, facts.depth, color, background)
        if key not in self._made:
            pen = self._made[key] = self._display.new_id()
            mask = xcb.FOREGROUND | xcb.BACKGROUND | xcb.LINE_WIDTH | xcb.GRAPHICS_EXPOSURES
            numbers = [color, background, 1]
            if background:
                mask |= xcb.FONT
                numbers.append(self._open_font())
            settings = xcb.values(*numbers, 0)
            self._display.c.xcb_create_gc(self._display.connection, pen, window, mask, settings)
        return self._made[key]

    def _open_font(self) -> int:
        if not self._font:
            display, c = self._display, self._display.c
            self._font = display.new_id()
            c.xcb_open_font(display.connection, self._font, 5, b"fixed")
            info = c.xcb_query_font_reply(
                display.connection, c.xcb_query_font(display.connection, self._font), None
            )
            if info:
                told = info.contents
                self.letter = (max(1, told.width), max(1, told.ascent + told.descent))
                self.ascent = told.ascent
                display.libraries.free(info)
        return self._font


class Canvas:
    """A window, and how its pixels are made. What it draws is sent with the next `Display.flush`."""

    def __init__(self, display: Display, pens: Pens, window: int, facts: WindowFacts) -> None:
        self.window = window
        self.size: Size = (facts.width, facts.height)
        self.is_viewable = facts.is_viewable
        """Whether it is mapped, and all around it are."""
        self.is_covered = False
        """Whether others lie over all of it, as far as the X server tells."""
        visual = facts.visual
        self.can_draw = visual.is_true_color and facts.bits_per_pixel in (16, 32)
        """False: its pixels are numbers of colours in a table."""
        as_it_is = (visual.red, visual.green, visual.blue) == (0xFF0000, 0xFF00, 0xFF)
        little = display.is_little_endian
        self.takes_bgra = as_it_is and facts.bits_per_pixel == 32 and little
        self._display, self._c, self._pens = display, display.c, pens
        self._facts, self._depth = facts, facts.depth
        masks = (visual.red, visual.green, visual.blue)
        colors = visual.red | visual.green | visual.blue
        opaque = ((1 << facts.depth) - 1) & ~colors if facts.bits_per_pixel == 32 else 0
        self._dtype = np.dtype(f"{'<' if little else '>'}u{2 if facts.bits_per_pixel == 16 else 4}")
        self._pack = _packer(masks, opaque, self._dtype)
        self._black = pens.pen(window, facts, self._color((0, 0, 0)))
        self._green = pens.pen(window, facts, self._color(_GREEN))

    @property
    def is_seen(self) -> bool:
        """False: whatever is drawn is lost."""
        return self.is_viewable and not self.is_covered

    def put_shared(self, segment: int, offset: int, picture: Size, place: Place, tell: bool) -> int:
        """Draw a bgra picture in memory that the server maps; return the number of the request.

        With `tell`, `Served` comes when it was read.
        """
        shm = self._display.libraries.shm
        assert shm is not None
        return int(
            shm.xcb_shm_put_image(
                self._display.connection,
                self.window,
                self._black,
                *picture,
                place.from_x,
                place.from_y,
                place.width,
                place.height,
                place.x,
                place.y,
                self._depth,
                xcb.Z_PIXMAP,
                tell,
                segment,
                offset,
            )
        )

    def put(self, pixels: Pixels, place: Place) -> None:
        """Draw a bgra picture, (height, width, 4), by sending its pixels."""
        rows = pixels[place.from_y : place.from_y + place.height, place.from_x : place.from_x + place.width]
        limit = min(_STRIP_BYTES, self._display.longest_request - _IMAGE_REQUEST_BYTES)
        at_once = max(1, limit // (4 * place.width))
        for first in range(0, place.height, at_once):
            strip = rows[first : first + at_once]
            data = np.ascontiguousarray(strip if self.takes_bgra else self._pack(strip))
            self._c.xcb_put_image(
                self._display.connection,
                xcb.Z_PIXMAP,
                self.window,
                self._black,
                place.width,
                len(strip),
                place.x,
                place.y + first,
                0,
                self._depth,
                data.nbytes,
                data.ctypes.data,
            )

    def blacken(self, areas: Sequence[Area]) -> None:
        """Fill rectangles."""
        self._rectangles(self._c.xcb_poly_fill_rectangle, self._black, areas)

    def outline(self, areas: Sequence[Area]) -> None:
        """Draw rectangles of green lines."""
        self._rectangles(self._c.xcb_poly_rectangle, self._green, areas)

    def fill(self, color: Color) -> None:
        """Fill all of it."""
        pen = self._pens.pen(self.window, self._facts, self._color(color))
        self._rectangles(self._c.xcb_poly_fill_rectangle, pen, [Area(0, 0, *self.size)])

    def write(self, lines: Iterable[tuple[str, Color]], background: Color) -> None:
        """Write lines of text in the middle; what the font lacks becomes a question mark."""
        back = self._color(background)
        pens = [
            (text, self._pens.pen(self.window, self._facts, self._color(color), back))
            for text, color in lines
        ]
        width, height = self._pens.letter
        top = (self.size[1] - len(pens) * height) // 2 + self._pens.ascent
        for number, (text, pen) in enumerate(pens):
            data = text.encode("latin-1", "replace")[:_LONGEST_TEXT]
            x = max(0, (self.size[0] - len(data) * width) // 2)
            y = top + number * height
            self._c.xcb_image_text_8(self._display.connection, len(data), self.window, pen, x, y, data)

    @property
    def letters(self) -> Size:
        """How many letters fit into a line, and lines into the window, with some room around."""
        width, height = self._pens.letter
        return max(1, self.size[0] // width - 2), max(1, self.size[1] // height - 1)

    def _color(self, color: Color) -> int:
        red, green, blue = color
        pixel = np.array([[[blue, green, red, 255]]], np.uint8)
        return int(self._pack(pixel).view(self._dtype)[0, 0])

    def _rectangles(self, draw: Callable[..., int], pen: int, areas: Sequence[Area]) -> None:
        if areas:
            rectangles = (xcb.Rectangle * len(areas))(*(xcb.Rectangle(*area) for area in areas))
            draw(self._display.connection, self.window, pen, len(areas), rectangles)


def _packer(
    masks: tuple[int, int, int], opaque: int, dtype: "np.dtype[np.unsignedinteger]"
) -> Callable[[Pixels], Pixels]:
    """Return what makes a window's pixels of bgra ones, as bytes: (height, width · bytes)."""
    shifts = [(max(0, (mask & -mask).bit_length() - 1), mask.bit_count()) for mask in masks]

    def pack(pixels: Pixels) -> Pixels:
        packed: npt.NDArray[np.uint32] = np.full(pixels.shape[:2], opaque, np.uint32)
        for channel, (shift, bits) in zip((2, 1, 0), shifts, strict=True):
            value = pixels[:, :, channel].astype(np.uint32)
            if bits <= 8:
                wide = np.right_shift(value, np.uint32(8 - bits))
            else:
                wide = np.bitwise_or(
                    np.left_shift(value, np.uint32(bits - 8)), np.right_shift(value, np.uint32(16 - bits))
                )
            np.bitwise_or(packed, np.left_shift(wide, np.uint32(shift)), out=packed)
        if pixels.shape[1] * dtype.itemsize % 4:
            # Rows end at whole words.
            packed = np.pad(packed, ((0, 0), (0, 1)))
        return packed.astype(dtype).view(np.uint8)

    return pack
