"""A connection to an X server."""

import ctypes
import os
from collections.abc import Iterator
from ctypes import byref, c_int, c_void_p

from camgraph.base.errors import BrokenError, CannotStart
from camgraph.base.parking import close_in_children
from camgraph.x11 import xcb


class Connection:
    """One connection, to be used in one thread. Nothing here ends the process when the server dies."""

    events_of_windows = xcb.EXPOSURE | xcb.VISIBILITY_CHANGE | xcb.STRUCTURE_NOTIFY
    """What is heard of a window. The same of those around it: one that is listened to may lie in another."""

    def __init__(self, name: str) -> None:
        """Connect; raises MissingDependency without libxcb, CannotStart where nothing answers."""
        self.libraries = xcb.load()
        self.c = self.libraries.xcb
        self.name = name
        self._inherited: object = None
        screen_number = c_int()
        self.connection = self.c.xcb_connect(name.encode(), byref(screen_number))
        if self.c.xcb_connection_has_error(self.connection):
            self.c.xcb_disconnect(self.connection)
            raise CannotStart(
                f"the X11 display {name!r} does not answer: set DISPLAY to one; {xcb.QT_INSTEAD}"
            )
        self._fd: int = self.c.xcb_get_file_descriptor(self.connection)
        self.screen_number = screen_number.value

    def fileno(self) -> int:
        """Return a descriptor that is readable when events have come."""
        return self._fd

    def close(self) -> None:
        """Disconnect; closing twice does nothing."""
        connection, self.connection = self.connection, None
        if connection is not None:
            self.c.xcb_disconnect(connection)

    def close_in_children(self) -> None:
        """Have forked children close the descriptor: to disconnect there would end the connection here."""
        self._inherited = _Inherited(self)
        close_in_children(self._inherited)

    def flush(self) -> None:
        """Send what was asked for; raises BrokenError if the server is gone."""
        if self.c.xcb_flush(self.connection) <= 0:
            self.check()

    def check(self) -> None:
        """Raise BrokenError if the server is gone."""
        if self.c.xcb_connection_has_error(self.connection):
            raise BrokenError(f"the X11 display {self.name!r} is gone")

    def new_id(self) -> int:
        """Return a number for a new thing of this connection."""
        return int(self.c.xcb_generate_id(self.connection))

    def listen(self, window: int) -> None:
        """Begin to hear of a window."""
        mask = xcb.values(self.events_of_windows)
        self.c.xcb_change_window_attributes(self.connection, window, xcb.EVENT_MASK, mask)

    def forget(self, window: int) -> None:
        """Hear no more of a window."""
        self.c.xcb_change_window_attributes(self.connection, window, xcb.EVENT_MASK, xcb.values(0))

    def is_viewable(self, window: int) -> bool:
        """Tell whether a window is mapped and all around it are; `Moved` tells when that may be another."""
        c, connection = self.c, self.connection
        around = window
        while tree := self.reply(c.xcb_query_tree_reply, c.xcb_query_tree(connection, around)):
            around, root = tree.contents.parent, tree.contents.root
            self.libraries.free(tree)
            if around in (0, root):
                break
            self.listen(around)
        attributes = self.reply(
            c.xcb_get_window_attributes_reply, c.xcb_get_window_attributes(connection, window)
        )
        is_viewable = bool(attributes) and attributes.contents.map_state == xcb.VIEWABLE
        self.libraries.free(attributes)
        return is_viewable

    def number_at(self, window: int, name: str) -> int | None:
        """Return what a window's property holds, a single number; None: there is none."""
        c, connection, free = self.c, self.connection, self.libraries.free
        atom = self.reply(c.xcb_intern_atom_reply, c.xcb_intern_atom(connection, 1, len(name), name.encode()))
        asked = atom.contents.atom if atom else 0
        free(atom)
        if not asked:
            return None
        held = self.reply(
            c.xcb_get_property_reply, c.xcb_get_property(connection, 0, window, asked, xcb.CARDINAL, 0, 1)
        )
        number = c.xcb_get_property_value(held)[0] if held and held.contents.value_length else None
        free(held)
        return number

    def messages(self) -> Iterator[bytes]:
        """Give the events that have come, as libxcb has them; raises BrokenError when the server is gone.

        That is also what libxcb has received with answers, or while it sent: the descriptor does not tell of
        it.
        """
        while pointer := self.c.xcb_poll_for_event(self.connection):
            data = ctypes.string_at(pointer, xcb.EVENT_BYTES)
            self.libraries.free(pointer)
            yield data
        self.check()

    def reply(self, function: object, asked: int) -> "ctypes._Pointer[ctypes.Structure]":
        """Return the answer to a request, to be freed; a null pointer: there was an error."""
        error = c_void_p()
        reply = function(self.connection, asked, byref(error))  # type: ignore[operator]
        self.libraries.free(error)
        return reply  # type: ignore[no-any-return]


class _Inherited:
    """The connection in a forked child."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def close(self) -> None:
        """Close the descriptor of a child."""
        if self._connection.connection is not None:
            os.close(self._connection.fileno())
            self._connection.connection = None
