"""Threads that start when they are made, checked keyword by keyword, and end with `close`."""

__all__ = ["FileThread", "LiveThread", "Namespace", "OpenGLThread", "USBDeviceThread"]

import logging
import os
import re
from collections import Counter
from types import SimpleNamespace
from typing import Any, ClassVar

from valkka import core
from valkka.api2.background import background_path, make_background
from valkka.api2.tools import parameterInitCheck
from valkka.core.later import PLAYING_FILES, USB, Later
from valkka.core.runtime import runtime

_log = logging.getLogger("valkka.api2")


class Namespace(SimpleNamespace):
    """A bag of attributes."""


class _Thread:
    """What the threads share: `core` is the thread of valkka.core; it runs until `close`."""

    parameter_defs: ClassVar[dict[str, Any]]
    core: Any = None

    def __init__(self, **kwargs: Any) -> None:
        self.pre = f"{type(self).__name__}: "
        parameterInitCheck(self.parameter_defs, kwargs, self)
        self.pre = f"{type(self).__name__} {self.name}: "
        made = self._make()
        if self.affinity > -1:
            made.setAffinity(self.affinity)
        made.startCall()
        self.core = made
        self.closed = False

    name: str
    affinity: int
    verbose: bool
    closed = True

    def _make(self) -> Any:
        raise NotImplementedError

    def close(self) -> None:
        """End the thread. What comes later does no harm."""
        self.requestClose()
        self.waitClose()

    def requestClose(self) -> None:
        """Begin to end the thread."""
        if not self.closed:
            self.core.requestStopCall()

    def waitClose(self) -> None:
        """Wait until the thread has ended."""
        if not self.closed:
            self.core.waitStopCall()
            self.closed = True

    def __del__(self) -> None:
        # Nothing is waited for here: it may be any thread that drops the last reference.
        try:
            self.requestClose()
            if not self.closed:
                runtime.finally_call(self.core.waitStopCall)
        except Exception:
            _log.debug("%s closing failed", type(self).__name__, exc_info=True)

    def _report(self, *what: object) -> None:
        if self.verbose:
            print(self.pre, *what)


_FIFO: dict[str, Any] = {
    "n_basic": (int, 20),
    "n_setup": (int, 20),
    "n_signal": (int, 20),
    "flush_when_full": (bool, False),
    "affinity": (int, -1),
    "verbose": (bool, False),
}


class LiveThread(_Thread):
    """Receives from cameras, as `core.LiveThread` does."""

    parameter_defs: ClassVar[dict[str, Any]] = {
        "name": (str, "live_thread"),
        **_FIFO,
        "rtsp_server": (int, -1),
    }

    n_basic: int
    n_setup: int
    n_signal: int
    flush_when_full: bool
    rtsp_server: int

    def _make(self) -> core.LiveThread:
        fifo = core.FrameFifoContext()
        fifo.n_basic, fifo.n_setup, fifo.n_signal = self.n_basic, self.n_setup, self.n_signal
        fifo.flush_when_full = self.flush_when_full
        made = core.LiveThread(self.name, fifo)
        if self.rtsp_server > 0:
            made.setRTSPServer(self.rtsp_server)
        return made

    @property
    def input_filter(self) -> Any:
        """Where streams that are to be sent on go in."""
        return self.core.getFrameFilter()

    def getInput(self) -> Any:
        """Return where streams that are to be sent on go in."""
        return self.input_filter

    def registerStream(self, ctx: core.LiveConnectionContext) -> None:
        """Get to know a connection."""
        self._report("registerStream", ctx.slot)
        self.core.registerStreamCall(ctx)

    def deregisterStream(self, ctx: core.LiveConnectionContext) -> None:
        """Forget a connection."""
        self._report("deregisterStream", ctx.slot)
        self.core.deregisterStreamCall(ctx)

    def playStream(self, ctx: core.LiveConnectionContext) -> None:
        """Connect."""
        self._report("playStream", ctx.slot)
        self.core.playStreamCall(ctx)

    def stopStream(self, ctx: core.LiveConnectionContext) -> None:
        """Disconnect."""
        self._report("stopStream", ctx.slot)
        self.core.stopStreamCall(ctx)


class OpenGLThread(_Thread):
    """Shows streams in windows, as `core.OpenGLThread` does; `background` is what a window shows without."""

    parameter_defs: ClassVar[dict[str, Any]] = {
        "name": (str, "gl_thread"),
        "n_720p": (int, 20),
        "n_1080p": (int, 20),
        "n_1440p": (int, 0),
        "n_4K": (int, 0),
        "n_setup": (int, 20),
        "n_signal": (int, 20),
        "flush_when_full": (bool, False),
        "msbuftime": (int, 100),
        "affinity": (int, -1),
        "verbose": (bool, False),
        "background": (str, background_path()),
        "x_connection": (str, ""),
    }

    n_720p: int
    n_1080p: int
    n_1440p: int
    n_4K: int
    n_setup: int
    n_signal: int
    flush_when_full: bool
    msbuftime: int
    background: str
    x_connection: str

    def __init__(self, **kwargs: Any) -> None:
        self._windows: dict[int, int] = {}
        self._users: Counter[int] = Counter()
        super().__init__(**kwargs)
        self.input_filter = self.core.getFrameFilter()

    def _make(self) -> core.OpenGLThread:
        fifo = core.OpenGLFrameFifoContext()
        for name in ("n_720p", "n_1080p", "n_1440p", "n_4K", "n_setup", "n_signal", "flush_when_full"):
            setattr(fifo, name, getattr(self, name))
        made = core.OpenGLThread(self.name, fifo, self.msbuftime, _display(self.x_connection))
        if self.background:
            if self.background == background_path():
                try:
                    make_background(self.background)
                except OSError as error:
                    _log.warning("%swindows without a stream stay black: %s", self.pre, error)
                    return made
            made.setStaticTexFile(self.background)
        return made

    def getInput(self) -> Any:
        """Return where streams that are to be shown go in."""
        return self.input_filter

    def createWindow(self, show: bool = True) -> int:
        """Return the id of a new window, which is on the screen already if `show`."""
        return int(self.core.createWindow(show, False))

    def newRenderGroup(self, window_id: int) -> bool:
        """Get to know a window."""
        return bool(self.core.newRenderGroupCall(window_id))

    def delRenderGroup(self, window_id: int) -> bool:
        """Forget a window."""
        return bool(self.core.delRenderGroupCall(window_id))

    def newRenderContext(self, slot: int, window_id: int, z: int = 0) -> int:
        """Show a slot in a window; return a token, 0 where that failed."""
        return int(self.core.newRenderContextCall(slot, window_id, z))

    newRenderContextCall = newRenderContext

    def delRenderContext(self, token: int) -> bool:
        """Show no more what a token stands for."""
        return bool(self.core.delRenderContextCall(token))

    def connect(self, slot: int = 0, window_id: int = 0) -> int:
        """Show a slot in a window, which need not be known yet; return a token, 0 where that failed.

        Raises AssertionError where slot or window are 0.
        """
        if slot == 0 or window_id == 0:
            raise AssertionError(f"{self.pre}connect needs a slot and a window, not {slot} and {window_id}")
        window = int(window_id)
        # False where it is known already: to the program, or by an earlier connection.
        made = self.newRenderGroup(window)
        token = self.newRenderContext(slot, window)
        if not token:
            _log.warning("%sslot %d could not be shown in window %#x", self.pre, slot, window)
            if made:
                self.delRenderGroup(window)
            return 0
        self._users[window] += 1
        self._windows[token] = window
        self._report("slot", slot, "in window", window)
        return token

    def disconnect(self, token: int) -> None:
        """Show no more what a token of `connect` stands for, and forget the window after its last one."""
        window = self._windows.pop(token, None)
        if window is None:
            _log.warning("%stoken %s is unknown", self.pre, token)
            return
        self.delRenderContext(token)
        self._users[window] -= 1
        if not self._users[window]:
            del self._users[window]
            self.delRenderGroup(window)

    def hadVsync(self) -> bool:
        """Return whether showing waited for the screen when the thread started."""
        return bool(self.core.getVsyncAtStartup())


def _display(x_connection: str) -> str:
    """Return the display to use: programs say ``:0.n`` for screen n, whatever the number of their display."""
    local = re.fullmatch(r":(\d+)(\.\d+)?", x_connection)
    if local and not os.path.exists(f"/tmp/.X11-unix/X{local[1]}") and os.environ.get("DISPLAY"):
        _log.warning("there is no display %s: %s is used", x_connection, os.environ["DISPLAY"])
        return ""
    return x_connection


class FileThread(Later, what=PLAYING_FILES):
    """Plays files."""

    parameter_defs: ClassVar[dict[str, Any]] = {"name": (str, "file_thread"), **_FIFO}


class USBDeviceThread(Later, what=USB):
    """Reads USB cameras."""

    parameter_defs: ClassVar[dict[str, Any]] = {
        "name": (str, "usb_thread"),
        "affinity": (int, -1),
        "verbose": (bool, False),
    }
