"""When packets are due that could all be had at once: of files, of recordings behind HTTP, of pictures."""

import threading
import time
from fractions import Fraction
from typing import Literal

from camgraph.base.errors import ClosedError
from camgraph.media.source import NetworkCounts, Packet
from camgraph.media.sources.libav_input import EncodedPacket, LibavInput
from camgraph.media.sources.timing import CaptureClock

LATE_NS = 200_000_000
"""A packet later than this is not caught up with: what follows comes later, too, instead of in a burst."""
LONGEST_GAP_NS = 10_000_000_000
"""No packet is waited for longer, whatever the times in the file say."""
_SAY_EVERY_NS = 50_000_000
_US = 1_000_000
_S = 1_000_000_000
_USUAL_FPS = 25.0


Pace = Literal["own", "fast", "live"]


class Playback:
    """Gives packets their times, in passes one after the other, and holds each back until it is due.

    Only ``own`` holds any back; what comes ``live`` is in time already. Belongs to the thread that reads;
    setting `cancelled` ends a wait. `network.waiting_ns` says while it waits that all is well.
    """

    def __init__(self, network: NetworkCounts, cancelled: threading.Event, pace: Pace) -> None:
        self._network, self._cancelled, self._pace = network, cancelled, pace
        self._clock = CaptureClock(_US)
        self._anchor_ns: int | None = None  # CLOCK_MONOTONIC - time in the file
        self._time_base: Fraction | None = None
        self._usual_ticks = 1
        self._start: int | None = None
        self._shift = self._end = self._time = 0

    def begin(self, opened: LibavInput) -> None:
        """Begin a pass: its times go on where those of the last one ended."""
        before, self._time_base = self._time_base, opened.time_base
        fps = opened.info.fps or _USUAL_FPS
        self._usual_ticks = max(1, round(1 / (Fraction(fps) * self._time_base)))
        if before is not None:
            self._end = round(self._end * before / self._time_base)
            # It is the same file again: its first packet may be of a picture that others come before.
            self._shift = self._end - round((self._start or 0) * before / self._time_base)
            self._start = None
        self._time = self._end - self._usual_ticks

    def next(self, encoded: EncodedPacket, *, keyframe: bool) -> Packet:
        """Wait until the packet is due, and return it; raise ClosedError once cancelled."""
        assert self._time_base is not None
        shown = self._place(encoded)
        if self._pace == "own":
            self._wait_for(self._ns(self._time))
        if self._cancelled.is_set():
            raise ClosedError("the stream was closed")
        arrival_ns, wall_ns = time.monotonic_ns(), time.time_ns()
        capture_ns = wall_ns
        if self._pace != "fast":
            capture_ns = self._clock.place(self._ns(shown) // 1000, arrival_ns, wall_ns).capture_ns
        self._network.received_bytes += encoded.size
        return Packet(
            encoded,
            encoded.pts,
            self._time_base,
            keyframe,
            arrival_ns,
            capture_ns,
            "arrival",
            damaged=encoded.is_corrupt,
        )

    def _place(self, encoded: EncodedPacket) -> int:
        """Move the packet's times behind those of the last pass; return when it is shown.

        `_time` becomes that of its decoding: pictures that are shown later than the next ones come before.
        """
        pts, dts = encoded.pts, encoded.dts
        if pts is not None:
            encoded.pts = pts = pts + self._shift
        if dts is not None:
            encoded.dts = dts = dts + self._shift
        self._time = self._time_of(pts, dts)
        shown = self._time if pts is None else pts
        start = shown - self._shift
        self._start = start if self._start is None else min(self._start, start)
        self._end = max(self._end, shown + (encoded.duration or self._usual_ticks))
        return shown

    def _time_of(self, pts: int | None, dts: int | None) -> int:
        if dts is not None:
            return dts
        # Such files tell the time of showing at most, which is not in order.
        return self._time + self._usual_ticks if pts is None else max(self._time, pts)

    def _wait_for(self, time_ns: int) -> None:
        now_ns = time.monotonic_ns()
        if self._anchor_ns is None:
            self._anchor_ns = now_ns - time_ns
        wait_ns = self._anchor_ns + time_ns - now_ns
        if wait_ns < -LATE_NS or wait_ns > LONGEST_GAP_NS:
            wait_ns = max(0, min(wait_ns, LONGEST_GAP_NS))
            self._anchor_ns = now_ns + wait_ns - time_ns
        due_ns = now_ns + wait_ns
        while now_ns < due_ns and not self._cancelled.is_set():
            self._network.waiting_ns = now_ns
            self._cancelled.wait(min(due_ns - now_ns, _SAY_EVERY_NS) / _S)
            now_ns = time.monotonic_ns()

    def _ns(self, ticks: int) -> int:
        assert self._time_base is not None
        return ticks * _S * self._time_base.numerator // self._time_base.denominator
