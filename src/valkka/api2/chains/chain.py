"""What all filterchains share: a decoder, what feeds it and what it feeds."""

import logging
import secrets
from typing import Any, ClassVar

from valkka import core
from valkka.api2.threads import LiveThread
from valkka.api2.tools import parameterInitCheck
from valkka.core.plan import HasDescriptor

_log = logging.getLogger("valkka.api2")

DECODER: dict[str, Any] = {
    "slot": int,
    "n_basic": (int, 20),
    "n_setup": (int, 20),
    "n_signal": (int, 20),
    "flush_when_full": (bool, False),
    "affinity": (int, -1),
    "verbose": (bool, False),
    "msreconnect": (int, 0),
    "time_correction": None,
    "recv_buffer_size": (int, 0),
    "reordering_mstime": (int, 0),
    "n_threads": (int, 1),
    "vaapi": (bool, False),
}
LIVE: dict[str, Any] = {"livethread": LiveThread, "address": str}
SHMEM: dict[str, Any] = {
    "shmem_image_dimensions": (tuple, (480, 270)),
    "shmem_image_interval": (int, 1000),
    "shmem_ringbuffer_size": (int, 10),
    "shmem_name": (str, None),
    "event_fd": None,
}


class Chain:
    """Decodes what goes in at `av_in_filter` from `decodingOn` on; ends with `close`."""

    parameter_defs: ClassVar[dict[str, Any]]

    slot: int
    n_basic: int
    n_setup: int
    n_signal: int
    flush_when_full: bool
    affinity: int
    verbose: bool
    msreconnect: int
    time_correction: int | None
    recv_buffer_size: int
    reordering_mstime: int
    n_threads: int
    vaapi: bool

    active = False

    def __init__(self, **kwargs: Any) -> None:
        self.pre = f"{type(self).__name__}: "
        parameterInitCheck(self.parameter_defs, kwargs, self)
        self.pre = f"{type(self).__name__} at slot {self.slot}: "
        if self.n_threads > 1 and self.affinity > -1:
            raise AttributeError(
                f"{self.pre}n_threads={self.n_threads} can't be had on one processor: "
                f"leave out n_threads, or affinity={self.affinity}"
            )
        fifo = core.FrameFifoContext()
        fifo.n_basic, fifo.n_setup, fifo.n_signal = self.n_basic, self.n_setup, self.n_signal
        fifo.flush_when_full = self.flush_when_full
        self.framefifo_ctx = fifo
        make = core.VAAPIThread if self.vaapi else core.AVThread
        self.avthread = make(f"avthread_{self.slot}", self._outputs(), fifo)
        if self.affinity > -1:
            self.avthread.setAffinity(self.affinity)
        if self.n_threads > 1:
            self.avthread.setNumberOfThreads(self.n_threads)
        self.av_in_filter = self.avthread.getFrameFilter()
        self.avthread.startCall()
        self.active = True
        self._begin()

    def _outputs(self) -> core.FrameFilter:
        """Return what gets the decoded pictures."""
        raise NotImplementedError

    def _begin(self) -> None:
        """Do what is left once the decoder runs."""

    def _end(self) -> None:
        """Undo it."""

    def decodingOn(self) -> None:
        """Decode from now on."""
        self.report("decoding")
        self.avthread.decodingOnCall()

    def decodingOff(self) -> None:
        """Decode no more."""
        self.report("not decoding")
        self.avthread.decodingOffCall()

    def close(self) -> None:
        """End it all. Called again, or after the threads it uses were closed, it does no harm."""
        self.requestClose()
        self.waitClose()

    def requestClose(self) -> None:
        """Begin to end it all."""
        if self.active:
            self.active = False
            self.report("closing")
            self._end()
            self.avthread.decodingOffCall()
            self.avthread.requestStopCall()

    def waitClose(self) -> None:
        """Wait until it has ended."""
        if hasattr(self, "avthread"):
            self.avthread.waitStopCall()

    def report(self, *args: object) -> None:
        """Print if this chain is verbose."""
        if self.verbose:
            print(self.pre, *args)

    def __del__(self) -> None:
        # Nothing is waited for: it may be any thread that drops the last reference.
        try:
            self.requestClose()
        except Exception:
            _log.debug("%s closing failed", type(self).__name__, exc_info=True)

    def _connection(self, address: str) -> core.LiveConnectionContext:
        ctx = core.LiveConnectionContext(
            core.LiveConnectionType_sdp if address.endswith(".sdp") else core.LiveConnectionType_rtsp,
            address,
            self.slot,
            self.av_in_filter,
        )
        ctx.msreconnect = self.msreconnect
        ctx.recv_buffer_size = self.recv_buffer_size
        ctx.reordering_time = self.reordering_mstime * 1000
        if self.time_correction is not None:
            ctx.time_correction = self.time_correction
        return ctx


class LiveChain(Chain):
    """A chain with a camera at its beginning: it plays as soon as it is made."""

    livethread: LiveThread
    address: str

    def _begin(self) -> None:
        self.ctx = self.live_ctx = self._connection(self.address)
        self.livethread.registerStream(self.ctx)
        self.livethread.playStream(self.ctx)

    def _end(self) -> None:
        self.livethread.stopStream(self.ctx)
        self.livethread.deregisterStream(self.ctx)


class Shmem:
    """Pictures of a chain, scaled, now and then, in a ring by name."""

    slot: int
    shmem_image_dimensions: tuple[int, int]
    shmem_image_interval: int
    shmem_ringbuffer_size: int
    shmem_name: str | None
    event_fd: HasDescriptor | None

    def _ring(self) -> core.FrameFilter:
        if self.shmem_name is None:
            self.shmem_name = random_name()
        filter_, self.shmem_filter = ring(
            self.slot,
            self.shmem_name,
            self.shmem_ringbuffer_size,
            self.shmem_image_dimensions,
            self.shmem_image_interval,
        )
        if self.event_fd is not None:
            self.shmem_filter.useFd(self.event_fd)
        return filter_

    def getShmemPars(self) -> tuple[str, int, tuple[int, int]]:
        """Return name, cells, and (width, height) in px, of the ring."""
        assert self.shmem_name is not None
        return self.shmem_name, self.shmem_ringbuffer_size, self.shmem_image_dimensions


def random_name() -> str:
    """Return a name that no other ring has."""
    return f"shmem_{secrets.token_hex(8)}"


def ring(
    slot: int, name: str, cells: int, size: tuple[int, int], interval_ms: int
) -> tuple[core.FrameFilter, core.RGBShmemFrameFilter]:
    """Return the filter that pictures go into on their way to a ring, and the one that has it."""
    width, height = size
    end = core.RGBShmemFrameFilter(name, cells, width, height)
    scale = core.SwScaleFrameFilter(f"scale_{slot}", width, height, end)
    return core.TimeIntervalFrameFilter(f"interval_{slot}", interval_ms, scale), end
