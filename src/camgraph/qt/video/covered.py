"""Whether windows are under other programs', or on another desktop, as far as the X server tells."""

import os
import weakref
from collections.abc import Callable
from contextlib import suppress

from qtpy.QtCore import QObject, QSocketNotifier
from qtpy.QtGui import QGuiApplication, QWindow

from camgraph.base.errors import BrokenError, CamgraphError
from camgraph.x11 import xcb
from camgraph.x11.connection import Connection
from camgraph.x11.events import Covered, Destroyed, Moved, understood

_watches: list["_Watch"] = []
"""One while it has windows, else none."""


class Cover:
    """What lies over one top level window of this program.

    Not a Qt object: Qt, ending, would delete it before widgets that use it.
    """

    def __init__(self, window: int) -> None:
        self.window = window
        """Its id."""
        self.users: list[CoverOfOne] = []
        self.is_viewable = True
        self.is_obscured = False

    @property
    def covers(self) -> bool:
        """Whether nothing of the window can be seen."""
        return self.is_obscured or not self.is_viewable

    def see(self, *, is_viewable: bool, is_obscured: bool) -> None:
        """Keep how it is now, and tell."""
        before = self.covers
        self.is_viewable, self.is_obscured = is_viewable, is_obscured
        if self.covers != before:
            for user in list(self.users):
                user.tell()


def _cover_of(window: int) -> Cover | None:
    """Return what is known of a window; None where that can't be known. In the thread of the GUI.

    With a compositor no window ever counts as covered, since any may shine through.
    """
    if QGuiApplication.platformName() != "xcb":
        return None
    if not _watches:
        with suppress(CamgraphError):
            _watches.append(_Watch(_Connection(os.environ.get("DISPLAY", ""))))
    return _watches[0].cover(window) if _watches else None


class CoverOfOne:
    """What lies over a window, for one who may come and go; `leave` it when its object is destroyed."""

    def __init__(self, changed: Callable[[], None]) -> None:
        """`changed`, a method whose object is not held, is called when `all` is another."""
        self._changed = weakref.WeakMethod(changed)
        self._cover: Cover | None = None

    @property
    def all(self) -> bool:
        """Whether all of the window is covered, as far as is known."""
        return self._cover is not None and self._cover.covers

    def enter(self, window: QWindow | None) -> None:
        """Hear of a window, unless one is heard of already, or that can't be."""
        if self._cover is None and window is not None:
            self._cover = _cover_of(int(window.winId()))
            if self._cover is not None:
                self._cover.users.append(self)

    def leave(self) -> None:
        """Hear no more of it."""
        cover, self._cover = self._cover, None
        if cover is not None:
            cover.users.remove(self)
            if not cover.users and _watches:
                _watches[0].forget(cover)

    def tell(self) -> None:
        """Call whom it is for."""
        if changed := self._changed():
            changed()


class _Connection(Connection):
    events_of_windows = xcb.VISIBILITY_CHANGE | xcb.STRUCTURE_NOTIFY


class _Watch(QObject):
    """Hears of windows, by a connection of its own: Qt's is not to be had in all bindings."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._connection = connection
        connection.close_in_children()
        self._covers: dict[int, Cover] = {}
        self._notifier = QSocketNotifier(connection.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._take)

    def cover(self, window: int) -> Cover | None:
        cover = self._covers.get(window)
        if cover is None:
            # Qt may be on another display than the environment names: an id means something else there.
            if self._connection.number_at(window, "_NET_WM_PID") != os.getpid():
                self._end_if_idle()
                self._take()
                return None
            # What is still on its way was told of this window before it was forgotten.
            self._take()
            cover = self._covers[window] = Cover(window)
            self._connection.listen(window)
            self._look()
        return cover

    def forget(self, cover: Cover) -> None:
        if self._covers.get(cover.window) is cover:
            del self._covers[cover.window]
            self._connection.forget(cover.window)
            with suppress(BrokenError):
                self._connection.flush()
        self._end_if_idle()
        self._take()

    def _end_if_idle(self) -> None:
        if not self._covers:
            _watches.remove(self)
            with suppress(RuntimeError):  # Qt, ending, may have deleted the notifier before the widgets.
                self._notifier.setEnabled(False)
            self._connection.close()

    def _look(self) -> None:
        """See which windows are mapped, and then what else has come: libxcb may have read more."""
        for cover in list(self._covers.values()):
            cover.see(is_viewable=self._connection.is_viewable(cover.window), is_obscured=cover.is_obscured)
        self._take()

    def _take(self) -> None:
        """Hear what has come; also after each request, since libxcb may read more whenever it sends."""
        if self._connection.connection is None:
            return
        try:
            moved = False
            for data in self._connection.messages():
                event = understood(data)
                if isinstance(event, Moved):
                    moved = True
                elif isinstance(event, Covered) and event.window in self._covers:
                    cover = self._covers[event.window]
                    cover.see(is_viewable=cover.is_viewable, is_obscured=event.is_covered)
                elif isinstance(event, Destroyed) and event.window in self._covers:
                    # Whoever was in it is in another now.
                    self._covers.pop(event.window).see(is_viewable=True, is_obscured=False)
            if moved:
                self._look()
        except BrokenError:
            # Nothing is known any more; most often Qt is about to end the program.
            self._notifier.setEnabled(False)
            for cover in list(self._covers.values()):
                cover.see(is_viewable=True, is_obscured=False)
