"""A connection to an X server: what it can do, what happens to windows, and memory that it maps."""

import ctypes
import os
import socket
import struct
from collections.abc import Iterator
from ctypes import byref, c_int, c_void_p
from typing import NamedTuple

from camgraph.base.errors import BrokenError, CannotStart
from camgraph.present import xcb
from camgraph.present.xcb import QT_INSTEAD

_SYNTHETIC = 0x80
_LITTLE_ENDIAN = 0
_NUMBER_BITS = 1 << 32


class Exposed(NamedTuple):
    """A part of a window has lost its pixels."""

    window: int


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


class Served(NamedTuple):
    """The server has done what was asked up to that request."""

    number: int


Event = Exposed | Resized | Moved | Destroyed | Served


class Visual(NamedTuple):
    """How colours are bits of a pixel."""

    is_true_color: bool
    red: int
    green: int
    blue: int


class WindowFacts(NamedTuple):
    """What the server knows of a window."""

    width: int
    height: int
    depth: int
    bits_per_pixel: int
    visual: Visual
    root: int
    is_viewable: bool


class Display:
    """One connection, to be used in one thread. Nothing here ends the process when the server dies."""

    def __init__(self, name: str) -> None:
        """Connect; raises MissingDependency without libxcb, CannotStart where nothing answers."""
        self.libraries = xcb.load()
        self.inherited: object = None
        """Kept for as long as this: what forked children do with the connection."""
        self.c = self.libraries.xcb
        self.name = name
        screen_number = c_int()
        self.connection = self.c.xcb_connect(name.encode(), byref(screen_number))
        if self.c.xcb_connection_has_error(self.connection):
            self.c.xcb_disconnect(self.connection)
            raise CannotStart(f"the X11 display {name!r} does not answer: set DISPLAY to one; {QT_INSTEAD}")
        self._fd: int = self.c.xcb_get_file_descriptor(self.connection)
        setup = self.c.xcb_get_setup(self.connection)
        formats = self.c.xcb_setup_pixmap_formats(setup)
        count = self.c.xcb_setup_pixmap_formats_length(setup)
        self._bits = {formats[i].depth: formats[i].bits_per_pixel for i in range(count)}
        self.is_little_endian = setup.contents.image_byte_order == _LITTLE_ENDIAN
        self.roots, self._visuals = self._look_at_screens(setup)
        self.root = self.roots[min(screen_number.value, len(self.roots) - 1)]
        self.longest_request = 4 * self.c.xcb_get_maximum_request_length(self.connection)
        self._mine = self._own_window()
        self._first_shm_event = -1
        self.shares_memory = self._can_share()
        """Whether it maps memory that is handed to it."""

    def fileno(self) -> int:
        """Return a descriptor that is readable when events have come."""
        return self._fd

    def close(self) -> None:
        """Disconnect; closing twice does nothing."""
        connection, self.connection = self.connection, None
        if connection is not None:
            self.c.xcb_disconnect(connection)

    def flush(self) -> None:
        """Send what was asked for; raises BrokenError if the server is gone."""
        if self.c.xcb_flush(self.connection) <= 0:
            self._check()

    def new_id(self) -> int:
        """Return a number for a new thing of this connection."""
        return int(self.c.xcb_generate_id(self.connection))

    def look_at(self, window: int) -> WindowFacts | None:
        """Begin to hear of a window, and return what is known of it; None: there is no such window."""
        c, connection = self.c, self.connection
        mask = xcb.values(xcb.EXPOSURE | xcb.STRUCTURE_NOTIFY)
        c.xcb_change_window_attributes(connection, window, xcb.EVENT_MASK, mask)
        geometry_asked = c.xcb_get_geometry(connection, window)
        attributes_asked = c.xcb_get_window_attributes(connection, window)
        geometry = self._reply(c.xcb_get_geometry_reply, geometry_asked)
        attributes = self._reply(c.xcb_get_window_attributes_reply, attributes_asked)
        try:
            if not geometry or not attributes or attributes.contents.window_class == xcb.INPUT_ONLY:
                self._check()
                return None
            told = geometry.contents
            return WindowFacts(
                told.width,
                told.height,
                told.depth,
                self._bits.get(told.depth, 0),
                self._visuals.get(attributes.contents.visual, Visual(False, 0, 0, 0)),
                told.root,
                self.is_viewable(window),
            )
        finally:
            self.libraries.free(geometry)
            self.libraries.free(attributes)

    def is_viewable(self, window: int) -> bool:
        """Tell whether a window is mapped and all around it are; `Moved` tells when that may be another."""
        c, connection = self.c, self.connection
        around = window
        # As of windows that are drawn into: one may lie in another.
        mask = xcb.values(xcb.EXPOSURE | xcb.STRUCTURE_NOTIFY)
        while tree := self._reply(c.xcb_query_tree_reply, c.xcb_query_tree(connection, around)):
            around, root = tree.contents.parent, tree.contents.root
            self.libraries.free(tree)
            if around in (0, root):
                break
            c.xcb_change_window_attributes(connection, around, xcb.EVENT_MASK, mask)
        attributes = self._reply(
            c.xcb_get_window_attributes_reply, c.xcb_get_window_attributes(connection, window)
        )
        is_viewable = bool(attributes) and attributes.contents.map_state == xcb.VIEWABLE
        self.libraries.free(attributes)
        return is_viewable

    def forget(self, window: int) -> None:
        """Hear no more of a window."""
        self.c.xcb_change_window_attributes(self.connection, window, xcb.EVENT_MASK, xcb.values(0))

    def clear(self, window: int) -> None:
        """Have whose a window is paint it again."""
        self.c.xcb_clear_area(self.connection, 1, window, 0, 0, 0, 0)

    def extension(self, library: ctypes.CDLL | None, name: str) -> xcb.Extension | None:
        """Return an extension's numbers; None: its library, or the server, lacks it."""
        if library is None:
            return None
        key = ctypes.addressof(ctypes.c_char.in_dll(library, name))
        extension = self.c.xcb_get_extension_data(self.connection, key)
        return extension.contents if extension and extension.contents.present else None

    def share(self, descriptor: int) -> int:
        """Have the server map memory; return its number there, 0: it can't. Takes the descriptor."""
        shm = self.libraries.shm
        if shm is None or not self.shares_memory:
            os.close(descriptor)
            return 0
        segment = self.new_id()
        # libxcb closes the descriptor when it is sent.
        asked = shm.xcb_shm_attach_fd_checked(self.connection, segment, descriptor, 1)
        error = self.c.xcb_request_check(self.connection, asked)
        if error:
            self.libraries.free(error)
            return 0
        return segment

    def unshare(self, segment: int) -> None:
        """Have the server unmap memory, after what was asked for before."""
        if self.libraries.shm is not None and self.connection is not None:
            self.libraries.shm.xcb_shm_detach(self.connection, segment)

    def ask_when_served(self) -> int:
        """Have the server tell when it has come here: `Served` with at least the number returned."""
        message = struct.pack("<BBHII20x", xcb.CLIENT_MESSAGE, 32, 0, self._mine, 0)
        return int(self.c.xcb_send_event(self.connection, 0, self._mine, 0, message))

    def events(self) -> Iterator[Event]:
        """Give what has happened; raises BrokenError when the server is gone.

        That is also what libxcb has received with answers, or while it sent: the descriptor does not tell of
        it.
        """
        while pointer := self.c.xcb_poll_for_event(self.connection):
            data = ctypes.string_at(pointer, xcb.EVENT_BYTES)
            self.libraries.free(pointer)
            yield from self._understood(data)
        self._check()

    def _understood(self, data: bytes) -> Iterator[Event]:
        kind = data[0] & ~_SYNTHETIC
        if kind in (xcb.ERROR, self._first_shm_event, xcb.CLIENT_MESSAGE):
            # What failed is over as well: the window was destroyed meanwhile, most often.
            yield Served(*struct.unpack_from("<I", data, 32))
        elif kind == xcb.EXPOSE:
            window, _, _, _, _, more = struct.unpack_from("<I5H", data, 4)
            if not more:
                yield Exposed(window)
        elif kind == xcb.CONFIGURE_NOTIFY and not data[0] & _SYNTHETIC:
            yield Resized(*struct.unpack_from("<I", data, 8), *struct.unpack_from("<2H", data, 20))
        elif kind in (xcb.MAP_NOTIFY, xcb.UNMAP_NOTIFY, xcb.REPARENT_NOTIFY):
            yield Moved(*struct.unpack_from("<I", data, 8))
        elif kind == xcb.DESTROY_NOTIFY:
            yield Destroyed(*struct.unpack_from("<I", data, 8))

    def _check(self) -> None:
        if self.c.xcb_connection_has_error(self.connection):
            raise BrokenError(f"the X11 display {self.name!r} is gone")

    def _reply(self, function: object, asked: int) -> "ctypes._Pointer[ctypes.Structure]":
        error = c_void_p()
        reply = function(self.connection, asked, byref(error))  # type: ignore[operator]
        self.libraries.free(error)
        return reply  # type: ignore[no-any-return]

    def _look_at_screens(self, setup: object) -> tuple[list[xcb.Screen], dict[int, Visual]]:
        c = self.c
        roots, visuals = [], {}
        screens = c.xcb_setup_roots_iterator(setup)
        while screens.rest:
            roots.append(screens.data.contents)
            depths = c.xcb_screen_allowed_depths_iterator(screens.data)
            while depths.rest:
                found = c.xcb_depth_visuals(depths.data)
                for i in range(depths.data.contents.visuals):
                    it = found[i]
                    is_true = it.kind in (xcb.TRUE_COLOR, xcb.DIRECT_COLOR)
                    visuals[it.id] = Visual(is_true, it.red, it.green, it.blue)
                c.xcb_depth_next(byref(depths))
            c.xcb_screen_next(byref(screens))
        return roots, visuals

    def _own_window(self) -> int:
        """Make a window that nobody sees, for messages to ourselves."""
        window = self.new_id()
        place = (0, window, self.root.root, 0, 0, 1, 1, 0, xcb.INPUT_ONLY, 0, 0, None)
        error = self.c.xcb_request_check(
            self.connection, self.c.xcb_create_window_checked(self.connection, *place)
        )
        self.libraries.free(error)
        return window

    def _can_share(self) -> bool:
        """Tell whether the server takes descriptors (MIT-SHM 1.2), by a socket that carries them."""
        shm = self.libraries.shm
        if shm is None:
            return False
        with socket.socket(fileno=os.dup(self._fd)) as sock:
            if sock.family != socket.AF_UNIX:
                return False
        extension = self.extension(shm, "xcb_shm_id")
        if extension is None:
            return False
        self._first_shm_event = extension.first_event
        version = self._reply(shm.xcb_shm_query_version_reply, shm.xcb_shm_query_version(self.connection))
        if not version:
            return False
        told = version.contents
        enough = (told.major, told.minor) >= (1, 2)
        self.libraries.free(version)
        return bool(enough)


def is_past(number: int, served: int) -> bool:
    """Tell whether a request is done when `served` was: their numbers begin again after 2³²."""
    return (served - number) % _NUMBER_BITS < _NUMBER_BITS // 2
