"""The windows of a site: several walls, on several screens, saved and restored together."""

import logging
import weakref
from collections.abc import Iterable, Mapping
from contextlib import suppress
from itertools import count
from typing import Any

from qtpy.QtCore import QObject, QRect, Signal

from camgraph.client.site import Site
from camgraph.qt.ending import when_destroyed
from camgraph.qt.wall.saved import VERSION, checked_wall, field, versioned
from camgraph.qt.wall.screens import fitted, screen_named
from camgraph.qt.wall.window import WallWindow

_log = logging.getLogger(__name__)

_MOST_PX = 1 << 24
"""Qt has no larger windows."""
_STATES = ("normal", "maximized", "full_screen")


class Walls(QObject):
    """Windows with walls of one site's streams; a window that is closed is forgotten.

    The site is not closed with them.
    """

    windows_changed = Signal()
    """A window has come, or was closed."""

    def __init__(self, site: Site, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._site = site
        self._numbers = count()
        self._windows: dict[int, WallWindow] = {}

    @property
    def windows(self) -> tuple[WallWindow, ...]:
        """The windows that are open, the oldest first."""
        return tuple(self._windows.values())

    def add(
        self,
        names: Iterable[str] | None = None,
        *,
        title: str = "",
        size: tuple[int, int] = (1280, 720),
        screen: str = "",
    ) -> WallWindow:
        """Open a window with a wall of these streams; without `names` of all, as they come and go.

        It opens in the middle of the screen of that name, on the primary one if there is none. Raises
        KeyError if the site has no such stream.
        """
        if isinstance(names, str):
            raise TypeError(f"names are several: write [{names!r}]")
        chosen = None if names is None else list(names)
        window = self._make(chosen, title, size)
        if place := screen_named(screen):
            area = QRect(0, 0, *size)
            area.moveCenter(place.availableGeometry().center())
            window.setScreen(place)
            window.setGeometry(fitted(area, place.availableGeometry()))
        window.show()
        self.windows_changed.emit()
        return window

    def save(self) -> dict[str, Any]:
        """Return all windows: screens, places on them, streams and walls; plain data that JSON can hold."""
        return {"version": VERSION, "windows": [self._saved(window) for window in self.windows]}

    def restore(self, saved: object) -> tuple[str, ...]:
        """Open the windows that were saved in place of those that are open; return the streams not here.

        Windows whose screen is gone come to the primary one. Raises ValueError, telling what is wrong, for
        data that `save` does not give; nothing changes then.
        """
        windows = field(versioned(saved, "walls"), "walls", "windows", list)
        for number, data in enumerate(windows, 1):
            try:
                _check_window(data)
            except ValueError as error:
                raise ValueError(f"window {number}: {error}") from None
        self.close()
        unknown = dict.fromkeys(name for data in windows for name in self._open(data))
        if unknown:
            _log.info("saved windows had streams that the site has not: %s", ", ".join(unknown))
        self.windows_changed.emit()
        return tuple(unknown)

    def close(self) -> None:
        """Close all windows."""
        for window in self.windows:
            window.close()

    def _make(self, names: list[str] | None, title: str, size: tuple[int, int]) -> WallWindow:
        streams = self._site.streams
        window = WallWindow(streams if names is None else [streams[name] for name in names], title, size)
        number, forget = next(self._numbers), weakref.WeakMethod(self._forget)

        def ended() -> None:
            if (call := forget()) is not None:
                call(number)

        self._windows[number] = window
        window.closing.connect(ended)
        # A program may delete it without closing it.
        when_destroyed(window, ended)
        return window

    def _forget(self, number: int) -> None:
        window = self._windows.pop(number, None)
        if window is not None:
            with suppress(RuntimeError):  # It is deleted already, or this is.
                window.deleteLater()
            with suppress(RuntimeError):
                self.windows_changed.emit()

    def _saved(self, window: WallWindow) -> dict[str, Any]:
        screen, area = window.screen(), window.normal_geometry
        corner = screen.geometry().topLeft()
        state = "full_screen" if window.full_screen else "maximized" if window.isMaximized() else "normal"
        return {
            "title": window.windowTitle(),
            "streams": None if window.wall.follows_site else list(window.wall.order),
            "screen": screen.name(),
            "area": [area.x() - corner.x(), area.y() - corner.y(), area.width(), area.height()],
            "state": state,
            "wall": window.wall.save(),
        }

    def _open(self, data: Mapping[str, Any]) -> list[str]:
        """Open a window that was saved; return the streams that are not here."""
        names: list[str] | None = data["streams"]
        unknown = [name for name in names or () if name not in self._site.streams]
        known = None if names is None else [name for name in dict.fromkeys(names) if name not in unknown]
        left, top, width, height = data["area"]
        window = self._make(known, data["title"], (width, height))
        unknown += window.wall.restore(data["wall"])
        if screen := screen_named(data["screen"]):
            corner = screen.geometry().topLeft()
            area = QRect(corner.x() + left, corner.y() + top, width, height)
            window.setScreen(screen)
            window.setGeometry(fitted(area, screen.availableGeometry()))
        if data["state"] == "full_screen":
            window.set_full_screen(True)
        elif data["state"] == "maximized":
            window.showMaximized()
        else:
            window.show()
        return unknown


def _check_window(data: object) -> None:
    if not isinstance(data, Mapping):
        raise ValueError(f"saved window: an object with its fields, not {data!r}")
    for name, kind in (("title", str), ("screen", str), ("state", str), ("area", list)):
        field(data, "window", name, kind)
    if data["state"] not in _STATES:
        raise ValueError(f"saved window: state can't be {data['state']!r}; it is one of {', '.join(_STATES)}")
    area = data["area"]
    if len(area) != 4 or not all(_is_px(side) for side in area) or min(area[2:]) < 1:
        raise ValueError(f"saved window: area is x, y, width and height in px, not {area!r}")
    names = field(data, "window", "streams", (list, type(None)))
    if not all(isinstance(name, str) for name in names or ()):
        raise ValueError(f"saved window: streams are names, not {names!r}")
    checked_wall(data.get("wall"))


def _is_px(side: object) -> bool:
    return type(side) is int and abs(side) <= _MOST_PX
