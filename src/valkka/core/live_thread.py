"""Receiving."""

import itertools
import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakSet

from camgraph.base.redact import redact_address
from camgraph.graph.source_values import LONGEST_TIME_S, MOST_BUFFER_BYTES, MOST_REORDER_MS, SHORTEST_TIME_S
from valkka.core.arguments import LARGEST_SLOT, a, a_or_none, text, whole
from valkka.core.constants import (
    LiveConnectionType_rtsp,
    LiveConnectionType_sdp,
    TimeCorrectionType_dummy,
    TimeCorrectionType_none,
)
from valkka.core.contexts import FrameFifoContext, LiveConnectionContext
from valkka.core.frame_filter import FrameFilter, plain
from valkka.core.later import Sending
from valkka.core.plan import Connection
from valkka.core.runtime import changed, runtime
from valkka.core.thread import Thread

__all__ = ["LiveThread"]

_log = logging.getLogger("valkka.livethread")
_plays = itertools.count(1)
CRAZY = 1


@dataclass(frozen=True)
class _Registered:
    ctx: LiveConnectionContext
    connection: Connection
    playing: bool = False


class LiveThread(Sending, Thread):
    """Receives any number of streams, one per slot."""

    def __init__(self, name: str, fifo_ctx: FrameFifoContext | None = None) -> None:
        super().__init__(name)
        fifo_ctx = a_or_none("LiveThread", "fifo_ctx", fifo_ctx, FrameFifoContext)
        self.fifo_ctx = fifo_ctx or FrameFifoContext()
        self._slots: dict[int, _Registered] = {}
        self._refused: WeakSet[LiveConnectionContext] = WeakSet()
        """Those whose slot was taken: what is done with them later does not concern who has it."""
        runtime.add_player(self)

    def __del__(self) -> None:
        # Nobody could stop it later.
        if getattr(self, "_running", False):
            self.requestStopCall()

    def registerStreamCall(self, connection_ctx: LiveConnectionContext) -> None:
        """Take up a connection, as its context is now; a slot that is taken is left as it is."""
        ctx = a("LiveThread.registerStreamCall", "connection_ctx", connection_ctx, LiveConnectionContext)
        text("LiveConnectionContext", "address", ctx.address)
        a_or_none("LiveConnectionContext", "framefilter", ctx.framefilter, FrameFilter)
        where = f"slot {ctx.slot} of {self!r}"
        self._refused.discard(ctx)
        if not 1 <= ctx.slot <= LARGEST_SLOT:
            _log.error("%s can't be: slots are 1 to %d", where, LARGEST_SLOT)
        elif ctx.slot in self._slots:
            _log.error("%s is taken already: the stream is not registered", where)
            if self._slots[ctx.slot].ctx is not ctx:
                self._refused.add(ctx)
        elif ctx.connection_type not in (LiveConnectionType_rtsp, LiveConnectionType_sdp):
            _log.error("%s: connection type %r is none", where, ctx.connection_type)
        else:
            _log.log(CRAZY, "%s: registered", where)
            self._slots[ctx.slot] = _Registered(ctx, _connection(self.name, ctx))

    def deregisterStreamCall(self, connection_ctx: LiveConnectionContext) -> None:
        """Forget a connection."""
        ctx = a("LiveThread.deregisterStreamCall", "connection_ctx", connection_ctx, LiveConnectionContext)
        if ctx not in self._refused and self._slots.pop(ctx.slot, None) is not None:
            _log.log(CRAZY, "slot %d of %r: deregistered", ctx.slot, self)
            changed()

    def playStreamCall(self, connection_ctx: LiveConnectionContext) -> None:
        """Begin to receive."""
        ctx = a("LiveThread.playStreamCall", "connection_ctx", connection_ctx, LiveConnectionContext)
        known = self._known(ctx)
        if known is None:
            _log.error("slot %r of %r can't play: register the stream first", ctx.slot, self)
        elif not known.playing:
            _log.log(CRAZY, "slot %d of %r: plays", ctx.slot, self)
            # What plays again is another stream: it is opened anew.
            id_ = f"{plain(self.name)}.{ctx.slot}-{next(_plays)}"
            connection = replace(known.connection, id=id_)
            self._slots[ctx.slot] = replace(known, connection=connection, playing=True)
            changed()

    def stopStreamCall(self, connection_ctx: LiveConnectionContext) -> None:
        """Receive no longer."""
        ctx = a("LiveThread.stopStreamCall", "connection_ctx", connection_ctx, LiveConnectionContext)
        known = self._known(ctx)
        if known is not None and known.playing:
            _log.log(CRAZY, "slot %d of %r: stopped", ctx.slot, self)
            self._slots[ctx.slot] = replace(known, playing=False)
            changed()

    def playing(self) -> Iterable[Connection]:
        """Return the connections that play."""
        if not self._running:
            return []
        return [it.connection for it in self._slots.copy().values() if it.playing]

    def forget_in_child(self) -> None:
        """In a forked child: it does not run, and has no connections."""
        super().forget_in_child()
        self._slots.clear()

    def _stop(self) -> None:
        self._slots.clear()

    def _known(self, ctx: LiveConnectionContext) -> _Registered | None:
        return None if ctx in self._refused else self._slots.get(ctx.slot)


def _connection(thread: str, ctx: LiveConnectionContext) -> Connection:
    rtsp = ctx.connection_type == LiveConnectionType_rtsp
    return Connection(
        id="",
        where=f"slot {ctx.slot} of live thread {thread!r} ({redact_address(ctx.address)})",
        rtsp=rtsp,
        address=ctx.address,
        slot=whole("LiveConnectionContext", "slot", ctx.slot),
        framefilter=ctx.framefilter,
        options=_options(ctx, rtsp),
        raw_times=ctx.time_correction == TimeCorrectionType_none,
    )


def _options(ctx: LiveConnectionContext, rtsp: bool) -> dict[str, Any]:
    """Return a context's options as camgraph's sources take them; what it leaves to them is left out."""
    where = "LiveConnectionContext"
    msreconnect = whole(where, "msreconnect", ctx.msreconnect)
    recv_buffer_size = whole(where, "recv_buffer_size", ctx.recv_buffer_size)
    reordering_time = whole(where, "reordering_time", ctx.reordering_time)
    options: dict[str, Any] = {}
    if rtsp:
        udp = "multicast" if ctx.request_multicast else "udp"
        options["transport"] = "tcp" if ctx.request_tcp else udp
    if msreconnect > 0:
        # Without it, streams that break off come back all the same, at intervals that grow.
        seconds = min(max(msreconnect / 1000, SHORTEST_TIME_S), LONGEST_TIME_S)
        options["stalled_after_s"] = options["longest_retry_s"] = seconds
    if recv_buffer_size > 0:
        options["receive_buffer_bytes"] = min(recv_buffer_size, MOST_BUFFER_BYTES)
    if reordering_time > 0:
        options["reorder_ms"] = min(max(1, reordering_time // 1000), MOST_REORDER_MS)
    if ctx.time_correction == TimeCorrectionType_dummy:
        options["clock"] = "arrival"
    return options
