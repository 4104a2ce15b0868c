"""What becomes of the packets of a camera that has a fault: pure, the time is passed in."""

import random
import struct
from collections.abc import Sequence

from camgraph.media.rtsp.packetize import is_rtcp
from camgraph.testing.faults import (
    Bye,
    Drift,
    Duplicate,
    Fault,
    FirstKeyframeAfter,
    Jitter,
    Jump,
    Loss,
    MarkerAlways,
    NoMarker,
    Reorder,
    Silent,
    WrongClock,
)

_MARKER = 0x80
_SENDER_REPORT = 200
_NTP_AT, _SENDER_TIMESTAMP_AT, _RTP_TIMESTAMP_AT = 8, 16, 4
_TIMESTAMP = struct.Struct("!I")
_NTP = struct.Struct("!Q")


class PacketFaults:
    """The packets of one stream, whose timestamps have `clock` units a second, before they are sent.

    Times are seconds of any clock that only grows. What a jump or a drift has added to the timestamps stays
    when the fault is over: a camera does not jump back.
    """

    def __init__(self, clock: int) -> None:
        self._clock = clock
        self._fault: Fault | None = None
        self._jumped_s = self._drifted_s = self._wall_error_s = 0.0
        self._since = self._measured = 0.0
        self._dice = random.Random()
        self._late: list[tuple[int, bytes]] = []

    def begin(self, fault: Fault | None, now: float) -> None:
        """Have this fault from now on, in place of another; None: none."""
        self._drift(now)
        self._fault, self._since, self._measured = fault, now, now
        self._wall_error_s = fault.seconds if isinstance(fault, WrongClock) else 0.0
        if isinstance(fault, Jump):
            self._jumped_s += fault.seconds
        if isinstance(fault, Loss | Reorder | Duplicate | Jitter):
            self._dice.seed(fault.seed)

    @property
    def says_bye(self) -> bool:
        """Whether the stream is to end as soon as it has begun."""
        return isinstance(self._fault, Bye)

    def withholds_keyframes(self, began: float, now: float) -> bool:
        """Return whether a stream that began then has no keyframes yet."""
        fault = self._fault
        return isinstance(fault, FirstKeyframeAfter) and now < max(began, self._since) + fault.seconds

    def delay_s(self) -> float:
        """Return by how much the next picture is to be late."""
        return self._dice.random() * self._fault.ms / 1000 if isinstance(self._fault, Jitter) else 0.0

    def apply(self, packets: Sequence[bytes], now: float) -> list[bytes]:
        """Return what to send in place of the packets of a picture."""
        self._drift(now)
        if self._jumped_s or self._drifted_s or self._wall_error_s:
            packets = [self._shifted(packet) for packet in packets]
        if self._late and not isinstance(self._fault, Reorder):
            packets = [*(packet for _, packet in self._late), *packets]
            self._late.clear()
        match self._fault:
            case Silent():
                return []
            case Loss():
                return [
                    packet for packet in packets if is_rtcp(packet) or not self._hits(self._fault.percent)
                ]
            case Duplicate(percent=percent):
                return [
                    packet
                    for packet in packets
                    for _ in range(1 if is_rtcp(packet) or not self._hits(percent) else 2)
                ]
            case Reorder():
                return self._reordered(packets, self._fault)
            case NoMarker():
                return [_marked(packet, 0) for packet in packets]
            case MarkerAlways():
                return [_marked(packet, _MARKER) for packet in packets]
        return list(packets)

    def _hits(self, percent: float) -> bool:
        return self._dice.random() * 100 < percent

    def _reordered(self, packets: Sequence[bytes], fault: Reorder) -> list[bytes]:
        sent: list[bytes] = []
        for packet in packets:
            if is_rtcp(packet):
                sent.append(packet)
                continue
            if self._hits(fault.percent):
                self._late.append((fault.by, packet))
                continue
            sent.append(packet)
            self._late = [(left - 1, late) for left, late in self._late]
            sent += [late for left, late in self._late if left <= 0]
            self._late = [(left, late) for left, late in self._late if left > 0]
        return sent

    def _drift(self, now: float) -> None:
        if isinstance(self._fault, Drift):
            self._drifted_s += (now - self._measured) * self._fault.ppm * 1e-6
            self._measured = now

    def _shifted(self, packet: bytes) -> bytes:
        ticks = (self._jumped_s + self._drifted_s) * self._clock
        if not is_rtcp(packet):
            return _added(packet, _RTP_TIMESTAMP_AT, _TIMESTAMP, ticks)
        if packet[1] != _SENDER_REPORT:
            return packet
        packet = _added(packet, _SENDER_TIMESTAMP_AT, _TIMESTAMP, ticks)
        return _added(packet, _NTP_AT, _NTP, (self._wall_error_s + self._drifted_s) * (1 << 32))


def _added(packet: bytes, at: int, field: struct.Struct, amount: float) -> bytes:
    """Return the packet with a field that is larger by so much, modulo its size."""
    (value,) = field.unpack_from(packet, at)
    value = (value + round(amount)) % (1 << 8 * field.size)
    return packet[:at] + field.pack(value) + packet[at + field.size :]


def _marked(packet: bytes, marker: int) -> bytes:
    if is_rtcp(packet):
        return packet
    return packet[:1] + bytes((packet[1] & ~_MARKER | marker,)) + packet[2:]
