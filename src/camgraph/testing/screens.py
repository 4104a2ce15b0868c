"""A screen for tests of windows: an X server of their own, and a click on a window's close button."""

import ctypes
import os
import select
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

_CLIENT_MESSAGE = 33


@contextmanager
def screen(
    width_px: int = 1600,
    height_px: int = 1200,
    *,
    framebuffer_in: Path | None = None,
    depth: int = 24,
    without: Sequence[str] = (),
    pids: list[int] | None = None,
) -> Iterator[str]:
    """Run an X server (Xvfb, `depth` bits deep, lacking extensions) and give the name of its display, ``:N``.

    With `framebuffer_in`, a directory, its pixels lie in the file ``Xvfb_screen0`` there, as xwd writes them.
    The server's pid is appended to `pids`.
    If this process is killed, so is the server: the kernel sees to that. Raises RuntimeError with the remedy
    if it does not start.
    """
    reader, writer = os.pipe()
    command = ["setpriv", "--pdeathsig", "KILL", "Xvfb", "-displayfd", str(writer), "-noreset"]
    options = ["-nolisten", "tcp", "-screen", "0", f"{width_px}x{height_px}x{depth}"]
    for extension in without:
        options += ["-extension", extension]
    if framebuffer_in is not None:
        options += ["-fbdir", str(framebuffer_in)]
    with (
        os.fdopen(reader, "rb", buffering=0) as told,
        subprocess.Popen([*command, *options], pass_fds=[writer], stderr=subprocess.DEVNULL) as server,
    ):
        os.close(writer)
        if pids is not None:
            pids.append(server.pid)
        try:
            ready, _, _ = select.select([told], [], [], 20)
            number = told.read(16).decode().strip() if ready else ""
            if not number:
                raise RuntimeError("Xvfb did not start; on Debian or Ubuntu: sudo apt-get install -y xvfb")
            yield f":{number}"
        finally:
            server.terminate()
            try:
                server.wait(5)
            except subprocess.TimeoutExpired:
                server.kill()


def windows_of(display: str, pid: int) -> list[int]:
    """Return the ids of the visible windows of a process."""
    command = ["xdotool", "search", "--onlyvisible", "--all", "--pid", str(pid), "--name", ""]
    found = subprocess.run(command, env={**os.environ, "DISPLAY": display}, capture_output=True, text=True)
    return [int(line) for line in found.stdout.split()]


def pixels_of(display: str, width_px: int, height_px: int) -> npt.NDArray[np.uint8]:
    """Return what the X server shows at its upper left, shape (height, width, 3), RGB: taken by ffmpeg."""
    grab = f"ffmpeg -v error -f x11grab -draw_mouse 0 -video_size {width_px}x{height_px} -i {display}"
    output = ["-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    raw = subprocess.run([*grab.split(), *output], check=True, capture_output=True, timeout=20).stdout
    return np.frombuffer(raw, np.uint8).reshape(height_px, width_px, 3)


class _ClientMessage(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("serial", ctypes.c_ulong),
        ("send_event", ctypes.c_int),
        ("display", ctypes.c_void_p),
        ("window", ctypes.c_ulong),
        ("message_type", ctypes.c_ulong),
        ("format", ctypes.c_int),
        ("data", ctypes.c_long * 5),
        ("padding", ctypes.c_long * 24),
    )


def ask_to_close(display: str, window: int) -> None:
    """Send a window what a window manager sends when its close button is clicked (``WM_DELETE_WINDOW``)."""
    x11 = ctypes.CDLL("libX11.so.6")
    x11.XOpenDisplay.restype = ctypes.c_void_p
    x11.XInternAtom.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
    x11.XInternAtom.restype = ctypes.c_ulong
    x11.XSendEvent.argtypes = [ctypes.c_void_p, ctypes.c_ulong, ctypes.c_int, ctypes.c_long, ctypes.c_void_p]
    x11.XCloseDisplay.argtypes = [ctypes.c_void_p]
    connection = x11.XOpenDisplay(display.encode())
    if not connection:
        raise RuntimeError(f"the display {display} does not answer")
    protocols, delete = (
        x11.XInternAtom(connection, name, 0) for name in (b"WM_PROTOCOLS", b"WM_DELETE_WINDOW")
    )
    message = _ClientMessage(
        type=_CLIENT_MESSAGE, window=window, message_type=protocols, format=32, data=(delete, 0, 0, 0, 0)
    )
    x11.XSendEvent(connection, window, 0, 0, ctypes.byref(message))
    x11.XCloseDisplay(connection)
