"""The connection that windows are drawn by: what the X server can do, and memory that it maps."""

import ctypes
import os
import socket
import struct
from collections.abc import Iterator
from ctypes import byref
from typing import NamedTuple

from camgraph.x11 import xcb
from camgraph.x11.connection import Connection
from camgraph.x11.events import WindowEvent, kind_of, understood

_LITTLE_ENDIAN = 0
_NUMBER_BITS = 1 << 32


class Served(NamedTuple):
    """The server has done what was asked up to that request."""

    number: int


Event = WindowEvent | Served


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


class Display(Connection):
    """What windows are drawn by, and heard of."""

    def __init__(self, name: str) -> None:
        """Connect; raises MissingDependency without libxcb, CannotStart where nothing answers."""
        super().__init__(name)
        setup = self.c.xcb_get_setup(self.connection)
        formats = self.c.xcb_setup_pixmap_formats(setup)
        count = self.c.xcb_setup_pixmap_formats_length(setup)
        self._bits = {formats[i].depth: formats[i].bits_per_pixel for i in range(count)}
        self.is_little_endian = setup.contents.image_byte_order == _LITTLE_ENDIAN
        self.roots, self._visuals = self._look_at_screens(setup)
        self.root = self.roots[min(self.screen_number, len(self.roots) - 1)]
        self.longest_request = 4 * self.c.xcb_get_maximum_request_length(self.connection)
        self._mine = self._own_window()
        self._first_shm_event = -1
        self.shares_memory = self._can_share()
        """Whether it maps memory that is handed to it."""

    def look_at(self, window: int) -> WindowFacts | None:
        """Begin to hear of a window, and return what is known of it; None: there is no such window."""
        c, connection = self.c, self.connection
        self.listen(window)
        geometry_asked = c.xcb_get_geometry(connection, window)
        attributes_asked = c.xcb_get_window_attributes(connection, window)
        geometry = self.reply(c.xcb_get_geometry_reply, geometry_asked)
        attributes = self.reply(c.xcb_get_window_attributes_reply, attributes_asked)
        try:
            if not geometry or not attributes or attributes.contents.window_class == xcb.INPUT_ONLY:
                self.check()
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
        """Give what has happened; raises BrokenError when the server is gone."""
        for data in self.messages():
            if kind_of(data) in (xcb.ERROR, self._first_shm_event, xcb.CLIENT_MESSAGE):
                # What failed is over as well: the window was destroyed meanwhile, most often.
                yield Served(*struct.unpack_from("<I", data, 32))
            elif event := understood(data):
                yield event

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
        version = self.reply(shm.xcb_shm_query_version_reply, shm.xcb_shm_query_version(self.connection))
        if not version:
            return False
        told = version.contents
        enough = (told.major, told.minor) >= (1, 2)
        self.libraries.free(version)
        return bool(enough)


def is_past(number: int, served: int) -> bool:
    """Tell whether a request is done when `served` was: their numbers begin again after 2³²."""
    return (served - number) % _NUMBER_BITS < _NUMBER_BITS // 2
