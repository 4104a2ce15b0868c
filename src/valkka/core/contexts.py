"""Parameters of threads and connections. Whatever else a program sets on them is kept, and means nothing."""

from typing import Any

from valkka.core.arguments import a_or_none, text, whole
from valkka.core.constants import (
    DEFAULT_FRAMEFIFO_FLUSH_WHEN_FULL,
    DEFAULT_OPENGLFRAMEFIFO_FLUSH_WHEN_FULL,
    LiveConnectionType_none,
    TimeCorrectionType_smart,
)
from valkka.core.frame_filter import FrameFilter

__all__ = ["FrameFifoContext", "LiveConnectionContext", "OpenGLFrameFifoContext"]

_FIFO_NAMES = ("n_basic", "n_avpkt", "n_avframe", "n_yuvpbo", "n_setup", "n_signal", "flush_when_full")


class FrameFifoContext:
    """How many frames wait in front of a thread; kept for programs that tell it, what waits is bounded.

    ``FrameFifoContext()``, ``(n_signal)`` or ``(n_basic, n_avpkt, n_avframe, n_yuvpbo, n_setup, n_signal,
    flush_when_full)``.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.n_basic = 50
        self.n_avpkt = 0
        self.n_avframe = 0
        self.n_yuvpbo = 0
        self.n_setup = 20
        self.n_signal = 20
        self.n_marker = 20
        self.flush_when_full: bool | int = DEFAULT_FRAMEFIFO_FLUSH_WHEN_FULL
        names: tuple[str, ...] = _FIFO_NAMES
        if len(args) == 1 and not kwargs:
            names = ("n_signal",)
        elif args and len(args) + len(kwargs) != len(names):
            raise TypeError(f"FrameFifoContext takes 0, 1 or {len(names)} arguments")
        _set(self, names, args, kwargs)


class OpenGLFrameFifoContext:
    """How many pictures of each size wait for being shown. Kept for programs that tell it."""

    def __init__(self) -> None:
        self.n_720p = 20
        self.n_1080p = 20
        self.n_1440p = 20
        self.n_4K = 20
        self.n_setup = 20
        self.n_signal = 20
        self.flush_when_full: bool | int = DEFAULT_OPENGLFRAMEFIFO_FLUSH_WHEN_FULL


class LiveConnectionContext:
    """A connection to a camera: ``()``, or ``(connection_type, address, slot, framefilter)``.

    `framefilter` gets its frames. `msreconnect` is in ms, `reordering_time` in µs (0: as the library sees
    fit), `recv_buffer_size` in bytes (0: as the system sees fit).
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.connection_type = LiveConnectionType_none
        self.address = ""
        self.slot = 0
        self.framefilter: FrameFilter | None = None
        self.msreconnect = 10000
        self.request_multicast = False
        self.request_tcp = False
        self.recv_buffer_size = 0
        self.reordering_time = 0
        self.time_correction = TimeCorrectionType_smart
        names = ("connection_type", "address", "slot", "framefilter")
        if args or kwargs:
            if len(args) + len(kwargs) != len(names):
                raise TypeError("LiveConnectionContext takes 0 or 4 arguments: " + ", ".join(names))
            _set(self, names, args, kwargs)
            where = "LiveConnectionContext"
            whole(where, "connection_type", self.connection_type)
            text(where, "address", self.address)
            whole(where, "slot", self.slot, 0)
            a_or_none(where, "framefilter", self.framefilter, FrameFilter)


def _set(context: object, names: tuple[str, ...], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    where = type(context).__name__
    given = dict(zip(names, args, strict=False))
    for name, value in kwargs.items():
        if name not in names or name in given:
            raise TypeError(f"{where}: argument {name!r} is unknown, or given twice")
        given[name] = value
    for name, value in given.items():
        if name.startswith("n_") or name == "flush_when_full":
            whole(where, name, value)
        setattr(context, name, value)
