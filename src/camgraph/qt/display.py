"""Whether Qt can open a window here: where it can't, it would abort the process without an exception."""

import ctypes
import os
import re
import socket
from pathlib import Path

from qtpy.QtCore import QLibraryInfo

from camgraph.base.errors import MissingDependency
from camgraph.qt.binding import APT


def has_display() -> bool:
    """Tell whether the environment names a screen, or the user chose a platform himself."""
    return any(os.environ.get(name) for name in ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY"))


def check_display() -> None:
    """Raise MissingDependency, naming the remedy, if Qt would use Wayland or X11, and can use neither."""
    problems = []
    for platform in _platforms():
        check = {"wayland": _wayland_problem, "xcb": _x11_problem}.get(platform)
        problem = "" if check is None else check()
        if not problem:
            return
        problems.append(problem)
    raise MissingDependency(f"{problems[0]} or run offscreen: QT_QPA_PLATFORM=offscreen")


def _platforms() -> list[str]:
    """Return what Qt will try, the first one first."""
    if chosen := os.environ.get("QT_QPA_PLATFORM"):
        return [re.split("[:-]", platform)[0] for platform in chosen.split(";")]
    named = {"wayland": "WAYLAND_DISPLAY", "xcb": "DISPLAY"}
    return [platform for platform, name in named.items() if os.environ.get(name)] or ["xcb"]


def _x11_problem() -> str:
    if missing := _missing_library("libqxcb.so"):
        return missing
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError as error:
        return _missing(error)
    if _answers(xcb):
        return ""
    return (
        f"The display {os.environ.get('DISPLAY', '')!r} does not answer: set DISPLAY to one that does, "
        "unset it,"
    )


def _wayland_problem() -> str:
    # Before Qt 6.10 there were two plugins, for each way of drawing.
    if missing := _missing_library("libqwayland.so", "libqwayland-generic.so"):
        return missing
    if os.environ.get("WAYLAND_SOCKET"):
        return ""  # A connection that is open already, and that is good for one use.
    name = os.environ.get("WAYLAND_DISPLAY") or "wayland-0"
    # A file in the runtime directory, unless it is a whole path.
    path = os.path.join(os.environ.get("XDG_RUNTIME_DIR", ""), name)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            connection.connect(path)
        except OSError:
            return (
                f"The Wayland display {path!r} does not answer: set WAYLAND_DISPLAY, or XDG_RUNTIME_DIR, to "
                "one that does, unset it,"
            )
    return ""


def _missing_library(*plugins: str) -> str:
    """Return what to tell if a plugin of Qt's can't be loaded; those that are not there are passed over."""
    folder = Path(QLibraryInfo.path(QLibraryInfo.LibraryPath.PluginsPath)) / "platforms"
    try:
        for plugin in plugins:
            if (folder / plugin).exists():
                ctypes.CDLL(str(folder / plugin))
    except OSError as error:
        return _missing(error)
    return ""


def _missing(error: OSError) -> str:
    library = str(error).partition(":")[0]
    return f"Qt can't open windows: {library} is missing; on Debian and Ubuntu: {APT};"


def _answers(xcb: ctypes.CDLL) -> bool:
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connect.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
    xcb.xcb_connection_has_error.argtypes = xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    connection = xcb.xcb_connect(None, None)
    try:
        return not xcb.xcb_connection_has_error(connection)
    finally:
        xcb.xcb_disconnect(connection)
