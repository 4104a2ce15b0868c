"""Whether Qt can open a window here: where it can't, it would abort the process without an exception."""

import ctypes
import os
from pathlib import Path

from qtpy.QtCore import QLibraryInfo

from camgraph.base.errors import MissingDependency
from camgraph.qt.binding import APT

_OFFSCREEN = "or run offscreen: QT_QPA_PLATFORM=offscreen"


def has_display() -> bool:
    """Tell whether the environment names a screen, or the user chose a platform himself."""
    return any(os.environ.get(name) for name in ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY"))


def check_display() -> None:
    """Raise MissingDependency, naming the remedy, if Qt would use X11 and can't."""
    platform = os.environ.get("QT_QPA_PLATFORM", "")
    if platform.partition(":")[0] not in ("", "xcb") or (not platform and os.environ.get("WAYLAND_DISPLAY")):
        return
    plugin = Path(QLibraryInfo.path(QLibraryInfo.LibraryPath.PluginsPath)) / "platforms" / "libqxcb.so"
    try:
        if plugin.exists():
            ctypes.CDLL(str(plugin))
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError as error:
        missing = str(error).partition(":")[0]
        raise MissingDependency(
            f"Qt can't open windows: {missing} is missing; on Debian and Ubuntu: {APT}; {_OFFSCREEN}"
        ) from None
    if not _answers(xcb):
        raise MissingDependency(
            f"The display {os.environ.get('DISPLAY', '')!r} does not answer: set DISPLAY to one that does, "
            f"unset it, {_OFFSCREEN}"
        )


def _answers(xcb: ctypes.CDLL) -> bool:
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connect.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
    xcb.xcb_connection_has_error.argtypes = xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    connection = xcb.xcb_connect(None, None)
    try:
        return not xcb.xcb_connection_has_error(connection)
    finally:
        xcb.xcb_disconnect(connection)
