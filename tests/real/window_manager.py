"""A window manager: frames, icons and another desktop, as ICCCM has them, and no more than tests need."""

import select
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ctypes import c_char_p, c_int16, c_uint, c_uint8, c_uint16, c_uint32, c_void_p

from camgraph.base.errors import BrokenError
from camgraph.base.wakeup import Wakeup
from camgraph.x11 import xcb
from camgraph.x11.connection import Connection

STRIP_PX = 20
_MAP_REQUEST, _CONFIGURE_REQUEST = 20, 23
_SUBSTRUCTURE = 1 << 19 | 1 << 20
_NORMAL, _ICONIC = 1, 3
_X, _Y, _WIDTH, _HEIGHT, _STACK_MODE = 1, 2, 4, 8, 64
_FUNCTIONS = {
    "xcb_unmap_window": (),
    "xcb_reparent_window": (c_uint32, c_int16, c_int16),
    "xcb_configure_window": (c_uint16, c_void_p),
}


class WindowManager:
    """Puts each window into a frame, which is `STRIP_PX` higher: the window stays where it is."""

    def __init__(self, connection: Connection) -> None:
        self.connection, self._x = connection, connection.c
        for name, arguments in _FUNCTIONS.items():
            self._declare(name, *arguments)
        self._x.xcb_change_property.restype = c_uint
        numbers = (c_uint32, c_uint32, c_uint32, c_uint8, c_uint32)
        self._x.xcb_change_property.argtypes = (c_void_p, c_uint8, *numbers, c_char_p)
        self._frames: dict[int, int] = {}
        self._state, self._change_state = self._atom(b"WM_STATE"), self._atom(b"WM_CHANGE_STATE")
        setup = self._x.xcb_get_setup(connection.connection)
        self._root = self._x.xcb_setup_roots_iterator(setup).data[0].root
        self._manage_children_of(self._root)
        connection.flush()

    def minimise(self, window: int) -> None:
        """Make an icon of a window."""
        self._ask("xcb_unmap_window", self._frames[window])
        self._ask("xcb_unmap_window", window)
        self._set_state(window, _ICONIC)

    def restore(self, window: int) -> None:
        """Make a window of an icon."""
        self._ask("xcb_map_window", window)
        self._ask("xcb_map_window", self._frames[window])
        self._set_state(window, _NORMAL)

    def to_another_desktop(self, window: int) -> None:
        """Hide the frame; whose window is in it is not told."""
        self._ask("xcb_unmap_window", self._frames[window])

    def from_another_desktop(self, window: int) -> None:
        """Show the frame again."""
        self._ask("xcb_map_window", self._frames[window])

    def react(self) -> None:
        """Do what windows ask for."""
        for data in self.connection.messages():
            kind = data[0] & 0x7F
            if kind == _MAP_REQUEST:
                (window,) = struct.unpack_from("<I", data, 8)
                if window in self._frames or self._frame(window):
                    self.restore(window)
            elif kind == _CONFIGURE_REQUEST:
                window, _, x, y, width, height, _, mask = struct.unpack_from("<2I2h4H", data, 8)
                self._configure(window, mask, (x, y, width, height))
                if mask & _STACK_MODE:
                    self._ask(
                        "xcb_configure_window",
                        self._frames.get(window, window),
                        _STACK_MODE,
                        xcb.values(data[1]),
                    )
            elif kind == xcb.UNMAP_NOTIFY:
                (window,) = struct.unpack_from("<I", data, 8)
                frame = self._frames.get(window, 0)
                # It may have been mapped again by now.
                if frame and not self._is_mapped(window):
                    self._ask("xcb_unmap_window", frame)
            elif kind == xcb.DESTROY_NOTIFY:
                (window,) = struct.unpack_from("<I", data, 8)
                if frame := self._frames.pop(window, 0):
                    self._ask("xcb_destroy_window", frame)
            elif kind == xcb.CLIENT_MESSAGE:
                window, message, state = struct.unpack_from("<3I", data, 4)
                if (message, state) == (self._change_state, _ICONIC) and window in self._frames:
                    self.minimise(window)

    def _frame(self, window: int) -> bool:
        """Put a window into a frame; False: it is no more."""
        c, connection = self._x, self.connection
        known = connection.reply(c.xcb_get_geometry_reply, c.xcb_get_geometry(connection.connection, window))
        if not known:
            return False
        place = known.contents
        frame = self._frames[window] = connection.new_id()
        size = place.width, place.height + STRIP_PX
        self._ask(
            "xcb_create_window_checked", 0, frame, self._root, place.x, place.y, *size, 0, 1, 0, 0, None
        )
        self._manage_children_of(frame)
        self._ask("xcb_reparent_window", window, frame, 0, 0)
        return True

    def _is_mapped(self, window: int) -> bool:
        c, connection = self._x, self.connection
        asked = c.xcb_get_window_attributes(connection.connection, window)
        known = connection.reply(c.xcb_get_window_attributes_reply, asked)
        is_mapped = bool(known) and known.contents.map_state != 0
        connection.libraries.free(known)
        return is_mapped

    def _configure(self, window: int, mask: int, wanted: Sequence[int]) -> None:
        values = dict(zip((_X, _Y, _WIDTH, _HEIGHT), wanted, strict=True))
        frame = self._frames.get(window)
        if frame is not None:
            self._place(frame, mask, {**values, _HEIGHT: values[_HEIGHT] + STRIP_PX})
            mask &= _WIDTH | _HEIGHT
        self._place(window, mask, values)

    def _place(self, window: int, mask: int, values: dict[int, int]) -> None:
        numbers = [value & 0xFFFFFFFF for bit, value in values.items() if mask & bit]
        self._ask("xcb_configure_window", window, mask & sum(values), xcb.values(*numbers))

    def _manage_children_of(self, window: int) -> None:
        self._ask("xcb_change_window_attributes", window, xcb.EVENT_MASK, xcb.values(_SUBSTRUCTURE))

    def _set_state(self, window: int, state: int) -> None:
        data = struct.pack("<2I", state, 0)
        self._ask("xcb_change_property", 0, window, self._state, self._state, 32, 2, data)

    def _atom(self, name: bytes) -> int:
        c, connection = self._x, self.connection
        asked = c.xcb_intern_atom(connection.connection, 0, len(name), name)
        return int(connection.reply(c.xcb_intern_atom_reply, asked).contents.atom)

    def _declare(self, name: str, *arguments: type) -> None:
        function = getattr(self._x, name)
        function.restype, function.argtypes = c_uint, (c_void_p, c_uint32, *arguments)

    def _ask(self, name: str, *arguments: object) -> None:
        getattr(self._x, name)(self.connection.connection, *arguments)
        self.connection.flush()


@contextmanager
def window_manager(display: str) -> Iterator[WindowManager]:
    """Manage the windows of a display, from a thread of its own."""
    manager, enough = WindowManager(Connection(display)), Wakeup()

    def run() -> None:
        ends = manager.connection.fileno(), enough.fileno()
        while enough.fileno() not in select.select(ends, [], [])[0]:
            try:
                manager.react()
            except BrokenError:
                return

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield manager
    finally:
        enough.set()
        thread.join()
        enough.close()
        manager.connection.close()
