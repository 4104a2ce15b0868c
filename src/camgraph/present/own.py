"""Windows of this process's own, to be embedded by any toolkit, on an X connection of their own."""

import threading

from camgraph.base.errors import BrokenError, CannotStart
from camgraph.present.display import Display
from camgraph.x11 import xcb

_COPY_FROM_PARENT = 0
_LONGEST_SIDE_PX = 32767


class OwnWindows:
    """Makes and destroys windows; they end with the connection. Thread-safe.

    They want no events, and the mouse goes through them, to whatever they are embedded in: that they have no
    event mask is not enough, since Qt selects events of foreign windows that it embeds, and drops them.
    """

    def __init__(self, display: str) -> None:
        self._name = display
        self._lock = threading.Lock()
        self._display: Display | None = None
        self._windows: set[int] = set()

    def create(self, width: int, height: int, *, mapped: bool) -> int:
        """Make a black window and return its id; raises MissingDependency, CannotStart, BrokenError."""
        if not (1 <= width <= _LONGEST_SIDE_PX and 1 <= height <= _LONGEST_SIDE_PX):
            raise ValueError(
                f"a window of {width}x{height} px can't be: sides are 1 to {_LONGEST_SIDE_PX} px"
            )
        with self._lock:
            display = self._connected()
            c, connection = display.c, display.connection
            window = display.new_id()
            asked = c.xcb_create_window_checked(
                connection,
                _COPY_FROM_PARENT,
                window,
                display.root.root,
                0,
                0,
                width,
                height,
                0,
                xcb.INPUT_OUTPUT,
                display.root.root_visual,
                xcb.BACK_PIXEL | xcb.EVENT_MASK,
                xcb.values(display.root.black_pixel, 0),
            )
            error = c.xcb_request_check(connection, asked)
            if error:
                display.libraries.free(error)
                raise CannotStart(f"the X11 display {self._name!r} makes no window of {width}x{height} px")
            shape = display.libraries.shape
            if shape is not None and display.extension(shape, "xcb_shape_id"):
                kind = xcb.SHAPE_SET, xcb.SHAPE_INPUT
                shape.xcb_shape_rectangles(connection, *kind, 0, window, 0, 0, 0, None)
            if mapped:
                c.xcb_map_window(connection, window)
            display.flush()
            self._windows.add(window)
            return window

    def destroy(self, window: int) -> bool:
        """Destroy a window that `create` has made; False: there is none of that id."""
        with self._lock:
            if window not in self._windows or self._display is None:
                return False
            self._windows.discard(window)
            if self._display.connection is None:
                return False
            self._display.c.xcb_destroy_window(self._display.connection, window)
            self._settle()
            return True

    def close(self) -> None:
        """Destroy all of them, and disconnect."""
        with self._lock:
            display, self._display = self._display, None
            self._windows.clear()
            if display is not None:
                display.close()

    def _connected(self) -> Display:
        if self._display is not None and not self._settle():
            # Another server may have come in the place of the one that is gone.
            self._display.close()
            self._display = None
            self._windows.clear()
        if self._display is None:
            self._display = Display(self._name)
            self._display.close_in_children()
        return self._display

    def _settle(self) -> bool:
        """Send what was asked for, and take what has come; False: the server is gone."""
        if self._display is None or self._display.connection is None:
            return False  # Of a forked child, the parent's.
        try:
            self._display.flush()
            for _ in self._display.events():
                pass
        except BrokenError:
            return False
        return True
