"""What an X server tells of windows."""

import struct
from typing import NamedTuple

from camgraph.x11 import xcb

_SYNTHETIC = 0x80


class Exposed(NamedTuple):
    """A part of a window has lost its pixels."""

    window: int


class Covered(NamedTuple):
    """Others lie over all of a window, or not any more. Where there is a compositor that is never told."""

    window: int
    is_covered: bool


class Resized(NamedTuple):
    """A window has another size, in px."""

    window: int
    width: int
    height: int


class Moved(NamedTuple):
    """A window, or one around it, was mapped, unmapped, or put into another: what is seen may differ."""

    window: int


class Destroyed(NamedTuple):
    """A window is no more."""

    window: int


WindowEvent = Exposed | Covered | Resized | Moved | Destroyed


def kind_of(data: bytes) -> int:
    """Return the number of an event's kind, as libxcb gives events."""
    return data[0] & ~_SYNTHETIC


def understood(data: bytes) -> WindowEvent | None:
    """Return what an event tells of a window, if it does."""
    match kind_of(data):
        case xcb.EXPOSE:
            window, _, _, _, _, more = struct.unpack_from("<I5H", data, 4)
            return None if more else Exposed(window)
        case xcb.VISIBILITY_NOTIFY:
            window, state = struct.unpack_from("<IB", data, 4)
            return Covered(window, state == xcb.FULLY_OBSCURED)
        case xcb.CONFIGURE_NOTIFY if not data[0] & _SYNTHETIC:
            return Resized(*struct.unpack_from("<I", data, 8), *struct.unpack_from("<2H", data, 20))
        case xcb.MAP_NOTIFY | xcb.UNMAP_NOTIFY | xcb.REPARENT_NOTIFY:
            return Moved(*struct.unpack_from("<I", data, 8))
        case xcb.DESTROY_NOTIFY:
            return Destroyed(*struct.unpack_from("<I", data, 8))
    return None
