"""The parts of libxcb and libxcb-shm that are needed here, by ctypes.

Cookies, structs of one unsigned int, are declared as that int: C passes both alike.
"""

import ctypes
from ctypes import (
    CDLL,
    POINTER,
    Structure,
    c_char_p,
    c_int,
    c_int16,
    c_int32,
    c_uint,
    c_uint8,
    c_uint16,
    c_uint32,
    c_void_p,
)
from functools import cache
from typing import Any, NamedTuple

from camgraph.base.errors import MissingDependency

APT = "sudo apt-get install -y libxcb1 libxcb-shape0 libxcb-shm0"
QT_INSTEAD = "camgraph.qt.VideoWidget shows streams in Qt windows of any platform"

ERROR, EXPOSE, VISIBILITY_NOTIFY, DESTROY_NOTIFY, UNMAP_NOTIFY, MAP_NOTIFY = 0, 12, 15, 17, 18, 19
REPARENT_NOTIFY, CONFIGURE_NOTIFY, CLIENT_MESSAGE = 21, 22, 33
FULLY_OBSCURED = 2
VIEWABLE = 2
EXPOSURE, VISIBILITY_CHANGE, STRUCTURE_NOTIFY = 1 << 15, 1 << 16, 1 << 17
BACK_PIXEL, EVENT_MASK = 1 << 1, 1 << 11
FOREGROUND, BACKGROUND, LINE_WIDTH, FONT, GRAPHICS_EXPOSURES = 1 << 2, 1 << 3, 1 << 4, 1 << 14, 1 << 16
Z_PIXMAP = 2
CARDINAL = 6
SHAPE_SET, SHAPE_INPUT = 0, 2
TRUE_COLOR, DIRECT_COLOR = 4, 5
INPUT_OUTPUT, INPUT_ONLY = 1, 2
EVENT_BYTES = 36
"""Of an event or error as libxcb gives them: 32 of the protocol, and the whole number of the request."""


class Setup(Structure):
    """The beginning of what the server says of itself."""

    _fields_ = (("before", c_uint8 * 30), ("image_byte_order", c_uint8), ("bitmap_bit_order", c_uint8))


class Screen(Structure):
    """A screen of the display."""

    _fields_ = (
        ("root", c_uint32),
        ("default_colormap", c_uint32),
        ("white_pixel", c_uint32),
        ("black_pixel", c_uint32),
        ("input_masks", c_uint32),
        ("width", c_uint16),
        ("height", c_uint16),
        ("width_mm", c_uint16),
        ("height_mm", c_uint16),
        ("min_maps", c_uint16),
        ("max_maps", c_uint16),
        ("root_visual", c_uint32),
        ("backing_stores", c_uint8),
        ("save_unders", c_uint8),
        ("root_depth", c_uint8),
        ("depths", c_uint8),
    )


class Depth(Structure):
    """A depth of a screen, before its visuals."""

    _fields_ = (("depth", c_uint8), ("pad", c_uint8), ("visuals", c_uint16), ("pad1", c_uint8 * 4))


class Visual(Structure):
    """How a pixel's bits are its colour."""

    _fields_ = (
        ("id", c_uint32),
        ("kind", c_uint8),
        ("bits_per_channel", c_uint8),
        ("entries", c_uint16),
        ("red", c_uint32),
        ("green", c_uint32),
        ("blue", c_uint32),
        ("pad", c_uint8 * 4),
    )


class Format(Structure):
    """How pixels of a depth lie in memory."""

    _fields_ = (("depth", c_uint8), ("bits_per_pixel", c_uint8), ("pad", c_uint8), ("pad1", c_uint8 * 5))


class ScreenIterator(Structure):
    """Goes over the screens."""

    _fields_ = (("data", POINTER(Screen)), ("rest", c_int), ("index", c_int))


class DepthIterator(Structure):
    """Goes over the depths of a screen."""

    _fields_ = (("data", POINTER(Depth)), ("rest", c_int), ("index", c_int))


class Geometry(Structure):
    """Where and how large a window is."""

    _fields_ = (
        ("kind", c_uint8),
        ("depth", c_uint8),
        ("sequence", c_uint16),
        ("length", c_uint32),
        ("root", c_uint32),
        ("x", c_int16),
        ("y", c_int16),
        ("width", c_uint16),
        ("height", c_uint16),
    )


class Attributes(Structure):
    """What else is known of a window."""

    _fields_ = (
        ("kind", c_uint8),
        ("backing_store", c_uint8),
        ("sequence", c_uint16),
        ("length", c_uint32),
        ("visual", c_uint32),
        ("window_class", c_uint16),
        ("between", c_uint8 * 12),
        ("map_state", c_uint8),
    )


class Tree(Structure):
    """Where a window is among others."""

    _fields_ = (
        ("kind", c_uint8),
        ("pad", c_uint8),
        ("sequence", c_uint16),
        ("length", c_uint32),
        ("root", c_uint32),
        ("parent", c_uint32),
    )


class Atom(Structure):
    """The number of a name."""

    _fields_ = (
        ("kind", c_uint8),
        ("pad", c_uint8),
        ("sequence", c_uint16),
        ("length", c_uint32),
        ("atom", c_uint32),
    )


class Property(Structure):
    """What a property holds, before its value."""

    _fields_ = (
        ("kind", c_uint8),
        ("format", c_uint8),
        ("sequence", c_uint16),
        ("length", c_uint32),
        ("type", c_uint32),
        ("bytes_after", c_uint32),
        ("value_length", c_uint32),
    )


class Extension(Structure):
    """Whether the server has an extension, and its numbers."""

    _fields_ = (
        ("kind", c_uint8),
        ("pad", c_uint8),
        ("sequence", c_uint16),
        ("length", c_uint32),
        ("present", c_uint8),
        ("major_opcode", c_uint8),
        ("first_event", c_uint8),
        ("first_error", c_uint8),
    )


class ShmVersion(Structure):
    """Which MIT-SHM the server has."""

    _fields_ = (
        ("kind", c_uint8),
        ("shared_pixmaps", c_uint8),
        ("sequence", c_uint16),
        ("length", c_uint32),
        ("major", c_uint16),
        ("minor", c_uint16),
    )


class FontInfo(Structure):
    """The measures of a font."""

    _fields_ = (
        ("before", c_uint8 * 24),
        ("bearings", c_int16 * 2),
        ("width", c_int16),
        ("between", c_uint8 * 22),
        ("ascent", c_int16),
        ("descent", c_int16),
    )


class Rectangle(Structure):
    """Pixels of a window."""

    _fields_ = (("x", c_int16), ("y", c_int16), ("width", c_uint16), ("height", c_uint16))


_CONNECTION, _WINDOW, _COOKIE = c_void_p, c_uint32, c_uint
_VALUES = POINTER(c_uint32)
_RECTANGLES = POINTER(Rectangle)
_ERROR = POINTER(c_void_p)
# Name: (result, arguments after the connection).
_WITH_CONNECTION: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "xcb_connection_has_error": (c_int, ()),
    "xcb_disconnect": (None, ()),
    "xcb_get_file_descriptor": (c_int, ()),
    "xcb_get_setup": (POINTER(Setup), ()),
    "xcb_generate_id": (c_uint32, ()),
    "xcb_flush": (c_int, ()),
    "xcb_poll_for_event": (c_void_p, ()),
    "xcb_request_check": (c_void_p, (_COOKIE,)),
    "xcb_get_maximum_request_length": (c_uint32, ()),
    "xcb_get_extension_data": (POINTER(Extension), (c_void_p,)),
    "xcb_get_geometry": (_COOKIE, (_WINDOW,)),
    "xcb_get_geometry_reply": (POINTER(Geometry), (_COOKIE, _ERROR)),
    "xcb_get_window_attributes": (_COOKIE, (_WINDOW,)),
    "xcb_get_window_attributes_reply": (POINTER(Attributes), (_COOKIE, _ERROR)),
    "xcb_query_tree": (_COOKIE, (_WINDOW,)),
    "xcb_query_tree_reply": (POINTER(Tree), (_COOKIE, _ERROR)),
    "xcb_intern_atom": (_COOKIE, (c_uint8, c_uint16, c_char_p)),
    "xcb_intern_atom_reply": (POINTER(Atom), (_COOKIE, _ERROR)),
    "xcb_get_property": (_COOKIE, (c_uint8, _WINDOW, c_uint32, c_uint32, c_uint32, c_uint32)),
    "xcb_get_property_reply": (POINTER(Property), (_COOKIE, _ERROR)),
    "xcb_change_window_attributes": (_COOKIE, (_WINDOW, c_uint32, _VALUES)),
    "xcb_create_window_checked": (
        _COOKIE,
        (
            c_uint8,
            _WINDOW,
            _WINDOW,
            c_int16,
            c_int16,
            c_uint16,
            c_uint16,
            c_uint16,
            c_uint16,
            c_uint32,
            c_uint32,
            _VALUES,
        ),
    ),
    "xcb_map_window": (_COOKIE, (_WINDOW,)),
    "xcb_destroy_window": (_COOKIE, (_WINDOW,)),
    "xcb_clear_area": (_COOKIE, (c_uint8, _WINDOW, c_int16, c_int16, c_uint16, c_uint16)),
    "xcb_create_gc": (_COOKIE, (c_uint32, _WINDOW, c_uint32, _VALUES)),
    "xcb_poly_rectangle": (_COOKIE, (_WINDOW, c_uint32, c_uint32, _RECTANGLES)),
    "xcb_poly_fill_rectangle": (_COOKIE, (_WINDOW, c_uint32, c_uint32, _RECTANGLES)),
    "xcb_put_image": (
        _COOKIE,
        (
            c_uint8,
            _WINDOW,
            c_uint32,
            c_uint16,
            c_uint16,
            c_int16,
            c_int16,
            c_uint8,
            c_uint8,
            c_uint32,
            c_void_p,
        ),
    ),
    "xcb_open_font": (_COOKIE, (c_uint32, c_uint16, c_char_p)),
    "xcb_query_font": (_COOKIE, (c_uint32,)),
    "xcb_query_font_reply": (POINTER(FontInfo), (_COOKIE, _ERROR)),
    "xcb_image_text_8": (_COOKIE, (c_uint8, _WINDOW, c_uint32, c_int16, c_int16, c_char_p)),
    "xcb_send_event": (_COOKIE, (c_uint8, _WINDOW, c_uint32, c_char_p)),
}
_OTHERS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "xcb_connect": (c_void_p, (c_char_p, POINTER(c_int))),
    "xcb_setup_roots_iterator": (ScreenIterator, (POINTER(Setup),)),
    "xcb_screen_next": (None, (POINTER(ScreenIterator),)),
    "xcb_screen_allowed_depths_iterator": (DepthIterator, (POINTER(Screen),)),
    "xcb_depth_next": (None, (POINTER(DepthIterator),)),
    "xcb_depth_visuals": (POINTER(Visual), (POINTER(Depth),)),
    "xcb_get_property_value": (POINTER(c_uint32), (POINTER(Property),)),
    "xcb_setup_pixmap_formats": (POINTER(Format), (POINTER(Setup),)),
    "xcb_setup_pixmap_formats_length": (c_int, (POINTER(Setup),)),
}
_SHM: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "xcb_shm_query_version": (_COOKIE, ()),
    "xcb_shm_query_version_reply": (POINTER(ShmVersion), (_COOKIE, _ERROR)),
    "xcb_shm_attach_fd_checked": (_COOKIE, (c_uint32, c_int32, c_uint8)),
    "xcb_shm_detach": (_COOKIE, (c_uint32,)),
    "xcb_shm_put_image": (
        _COOKIE,
        (
            _WINDOW,
            c_uint32,
            c_uint16,
            c_uint16,
            c_uint16,
            c_uint16,
            c_uint16,
            c_uint16,
            c_int16,
            c_int16,
            c_uint8,
            c_uint8,
            c_uint8,
            c_uint32,
            c_uint32,
        ),
    ),
}


_SHAPE: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "xcb_shape_rectangles": (
        _COOKIE,
        (c_uint8, c_uint8, c_uint8, _WINDOW, c_int16, c_int16, c_uint32, _RECTANGLES),
    ),
}


class Libraries(NamedTuple):
    """The libraries, their functions declared; those that are not installed are None."""

    xcb: CDLL
    shm: CDLL | None
    shape: CDLL | None
    libc: CDLL

    def free(self, memory: Any) -> None:
        """Free what libxcb has handed out."""
        self.libc.free(memory)


@cache
def load() -> Libraries:
    """Return the libraries; raise MissingDependency, naming the remedy, without libxcb."""
    try:
        xcb = CDLL("libxcb.so.1")
    except OSError:
        raise MissingDependency(
            f"windows by their id need libxcb; on Debian and Ubuntu: {APT}; {QT_INSTEAD}"
        ) from None
    _declare(xcb, _WITH_CONNECTION, (_CONNECTION,))
    _declare(xcb, _OTHERS, ())
    shm = _optional("libxcb-shm.so.0", _SHM)
    shape = _optional("libxcb-shape.so.0", _SHAPE)
    libc = CDLL(None)
    libc.free.restype, libc.free.argtypes = None, (c_void_p,)
    return Libraries(xcb, shm, shape, libc)


def values(*numbers: int) -> "ctypes.Array[c_uint32]":
    """Return a list of values as requests take them."""
    return (c_uint32 * len(numbers))(*numbers)


def _optional(name: str, functions: dict[str, tuple[Any, tuple[Any, ...]]]) -> CDLL | None:
    try:
        library = CDLL(name)
        _declare(library, functions, (_CONNECTION,))
    except (OSError, AttributeError):
        return None
    return library


def _declare(library: Any, functions: dict[str, tuple[Any, tuple[Any, ...]]], first: tuple[Any, ...]) -> None:
    for name, (result, arguments) in functions.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, (*first, *arguments)
