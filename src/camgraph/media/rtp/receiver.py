"""One RTP stream: packets in, access units out; what is counted, and what is reported to the sender."""

import random
import secrets
from collections.abc import Iterable
from typing import NamedTuple

from camgraph.media.rtp.packet import (
    DOLLAR,
    HEADER,
    HEADER_BYTES,
    INTERLEAVED,
    INTERLEAVED_BYTES,
    PLAIN,
    payload_bounds,
)
from camgraph.media.rtp.reorder import WAIT_NS, Released, ReorderBuffer
from camgraph.media.rtp.rtcp import (
    Bye,
    ReportBlock,
    SenderReport,
    middle_of,
    parse_control,
    receiver_report,
)
from camgraph.media.rtp.units import AccessUnit, Depacketizer

MOST_HELD = 128
"""Packets that usually wait for one before them, at most."""
QUIET_NS = 20_000_000
"""A sender that is silent for so long has sent the whole unit, if its marker bits do not tell."""

_MOST_QUIET_NS = 8 * QUIET_NS
_NO_JITTER_NS = 1_000_000_000
"""A larger difference is a jump of the sender's clock, or a pause."""
_RETURN_NS = 1_000_000_000
_CNAME = secrets.token_hex(12)
"""One for all streams of a process, which tells nothing of it (RFC 7022)."""

_unpack = HEADER.unpack_from
_unpack_interleaved = INTERLEAVED.unpack_from
_BEFORE_BYTES = INTERLEAVED_BYTES - HEADER_BYTES


class _Stray(NamedTuple):
    """A packet of a sender that is not received so far; `packets`: how many had come of the present one."""

    ssrc: int
    sequence: int
    packets: int
    data: bytes
    arrival_ns: int


class RtpReceiver:
    """Receives one stream of `payload_type`, whose clock has `clock_rate` ticks a second.

    `ordered`: the transport keeps the order (TCP), and nobody else sends on it. `ssrc` is the sender's, if it
    was announced. Late packets are waited for `reorder_ms` at most (0: as usual). Times are of
    CLOCK_MONOTONIC. Packets that are none, or not of this stream, are ignored.
    """

    def __init__(
        self,
        depacketizer: Depacketizer,
        *,
        payload_type: int,
        clock_rate: int,
        ordered: bool,
        ssrc: int | None = None,
        reorder_ms: int = 0,
    ) -> None:
        self._depacketizer = depacketizer
        self._push_payload = depacketizer.push
        self._plain, self._marked = payload_type, payload_type | 0x80
        self._tick_ns = 1e9 / clock_rate
        self._ordered = ordered
        self._announced = ssrc
        wait_ns = reorder_ms * 1_000_000 or WAIT_NS
        # So many come at a rate that is high for cameras; more wait where they are to wait longer.
        most = MOST_HELD * max(1, wait_ns // WAIT_NS)
        self._order = ReorderBuffer(0 if ordered else most, wait_ns)
        self._ssrc = self._left = -1
        self._stray: _Stray | None = None
        self._own_ssrc = random.getrandbits(32)
        self._arrival_ns = 0
        self._timestamp = -1
        self._began_ns = 0
        self._jitter_ns = 0.0
        self._unmarked = 0
        """Units that began since the last marker bit."""
        self._quiet_ns, self._quiet_due_ns = QUIET_NS, 0
        self._flushed = -1
        self._packets_before = 0
        self._reported = (0, 0)
        self.packets = 0
        """Packets that came, late ones and duplicates included."""
        self.received_bytes = 0
        self.gathered = False
        """Packets wait to be received several at a time: when they come tells nothing of the network."""
        self.ended = False
        """The sender has said goodbye."""
        self.sender_report: SenderReport | None = None
        """The newest."""

    @property
    def lost(self) -> int:
        """Packets that did not come in time."""
        return self._order.lost

    @property
    def jitter_ns(self) -> int:
        """How unevenly units come: RFC 3550's estimate, of the first packet of each timestamp."""
        return int(self._jitter_ns)

    def receive(self, data: bytes | memoryview, arrival_ns: int) -> list[AccessUnit]:
        """Take a packet; return the units that are complete."""
        size = len(data)
        if size < HEADER_BYTES:
            return []
        first, second, sequence, timestamp, ssrc = _unpack(data)
        start, end = HEADER_BYTES, size
        if first != PLAIN:
            bounds = payload_bounds(data)
            if bounds is None:
                return []
            start, end = bounds
        if ssrc != self._ssrc:
            return self._of_another(data, second, sequence, ssrc, arrival_ns)
        self.packets += 1
        self.received_bytes += size
        self._arrival_ns = arrival_ns
        order = self._order
        expected = order.expected
        if sequence != expected & 0xFFFF or order.held:
            return self._push_all(order.push(sequence, data, arrival_ns))
        order.expected = expected + 1
        return self._push(data, start, end, second, timestamp, arrival_ns)

    def receive_run(
        self, data: bytes, at: int, channel: int, arrival_ns: int, units: list[AccessUnit]
    ) -> int:
        """Take packets as they lie between RTSP's messages, from `data[at]` on, and add to `units`.

        Return where something begins that is not the next plain packet of this stream on `channel`, whole:
        that is for others to look at. This is `receive` in fewer steps.
        """
        order, push, end = self._order, self._push_payload, len(data)
        if order.held:
            return at
        lead, ssrc = DOLLAR | channel, self._ssrc
        plain, marked = PLAIN << 8 | self._plain, PLAIN << 8 | self._marked
        begin, before = at, order.expected
        expected = before
        while at + INTERLEAVED_BYTES < end:
            led, size, head, sequence, timestamp, source = _unpack_interleaved(data, at)
            start, stop = at + INTERLEAVED_BYTES, at + _BEFORE_BYTES + size
            if (
                sequence != expected & 0xFFFF
                or led != lead
                or source != ssrc
                or (head != plain and head != marked)
                or not start < stop <= end
            ):
                break
            expected += 1
            if timestamp == self._timestamp and head == plain and self._unmarked < 3:
                self._quiet_due_ns = 0
                if more := push(data, start, stop, timestamp, False):
                    units += more
            else:
                units += self._push(data, start, stop, head & 0xFF, timestamp, arrival_ns)
            at = stop
        if taken := expected - before:
            order.expected = expected
            self._arrival_ns = arrival_ns
            self.packets += taken
            self.received_bytes += at - begin - taken * _BEFORE_BYTES
        return at

    def receive_control(self, data: bytes | memoryview, arrival_ns: int) -> None:
        """Take a compound RTCP packet."""
        for packet in parse_control(data, arrival_ns):
            if isinstance(packet, SenderReport):
                if packet.ntp and self._believes(packet.ssrc, unknown=True):
                    self.sender_report = packet
            elif isinstance(packet, Bye) and any(
                self._believes(ssrc, unknown=False) for ssrc in packet.ssrcs
            ):
                self.ended = True

    def due_ns(self) -> int:
        """Return when `flush_due` has something to do; 0: not without another packet."""
        return self._order.due_ns if self._order.held else self._quiet_due_ns

    def flush_due(self, now_ns: int) -> list[AccessUnit]:
        """Return units that need not wait any longer for packets, or for a marker bit."""
        order = self._order
        if order.held:
            return self._push_all(order.expire(now_ns))
        if not self._quiet_due_ns or now_ns < self._quiet_due_ns:
            return []
        self._quiet_due_ns = 0
        self._flushed = self._timestamp
        return self._depacketizer.flush()

    def report(self, now_ns: int) -> bytes:
        """Return a receiver report with our name, to be sent as it is."""
        if self._ssrc < 0:
            return receiver_report(self._own_ssrc, _CNAME, ())
        sent, received = self._order.sent, self.packets - self._packets_before
        sent_before, received_before = self._reported
        self._reported = sent, received
        newly_sent = sent - sent_before
        newly_lost = newly_sent - (received - received_before)
        fraction = min(256 * newly_lost // newly_sent, 255) if newly_sent > 0 and newly_lost > 0 else 0
        last, delay = 0, 0
        if self.sender_report is not None:
            last = middle_of(self.sender_report.ntp)
            delay = ((now_ns - self.sender_report.arrival_ns) << 16) // 1_000_000_000
        block = ReportBlock(
            self._ssrc,
            fraction,
            sent - received,
            self._order.highest & 0xFFFFFFFF,
            int(self._jitter_ns / self._tick_ns),
            last,
            max(0, min(delay, 0xFFFFFFFF)),
        )
        return receiver_report(self._own_ssrc, _CNAME, (block,))

    def _push_all(self, packets: Iterable[Released]) -> list[AccessUnit]:
        units: list[AccessUnit] = []
        for packet in packets:
            bounds = payload_bounds(packet.data)
            assert bounds is not None, "it was looked at when it came"
            if packet.gap:
                self._depacketizer.lost()
            _, second, _, timestamp, _ = _unpack(packet.data)
            units += self._push(packet.data, *bounds, second, timestamp, packet.arrival_ns)
        return units

    def _push(
        self, data: bytes | memoryview, start: int, end: int, second: int, timestamp: int, arrival_ns: int
    ) -> list[AccessUnit]:
        """Hand a packet whose turn it is to the depacketizer."""
        marker = second == self._marked
        if (not marker and second != self._plain) or start == end:
            return []
        self._quiet_due_ns = 0
        if timestamp != self._timestamp:
            self._begin_unit(timestamp, arrival_ns)
        units = self._push_payload(data, start, end, timestamp, marker)
        if marker:
            self._unmarked = 0
        elif self._unmarked < 3:
            return units
        if not units or (units[-1].timestamp - timestamp) & 0x80000000:
            # Something is held back, and no marker bit will tell when it is complete.
            if timestamp == self._flushed:
                self._flushed = -1
                self._quiet_ns = min(2 * self._quiet_ns, _MOST_QUIET_NS)
            self._quiet_due_ns = arrival_ns + self._quiet_ns
        return units

    def _begin_unit(self, timestamp: int, arrival_ns: int) -> None:
        self._unmarked += 1
        if self._timestamp >= 0 and not self.gathered:
            ticks = ((timestamp - self._timestamp + 0x80000000) & 0xFFFFFFFF) - 0x80000000
            difference_ns = abs(arrival_ns - self._began_ns - ticks * self._tick_ns)
            if difference_ns < _NO_JITTER_NS:
                self._jitter_ns += (difference_ns - self._jitter_ns) / 16
        self._timestamp = timestamp
        self._began_ns = arrival_ns

    def _of_another(
        self, data: bytes | memoryview, second: int, sequence: int, ssrc: int, arrival_ns: int
    ) -> list[AccessUnit]:
        """Take a packet that is not of the sender received so far; it may be the first one, or a new one.

        Where strays may come, two packets in a row prove a new sender; and one that was left for another
        comes back only if that one is silent, else two that send to one group would take turns.
        """
        if second & 0x7F != self._plain:
            if 200 <= second <= 207:
                self.receive_control(data, arrival_ns)
            return []
        if self._ordered or (self._ssrc < 0 and self._announced in (None, ssrc)):
            self._begin(ssrc, sequence)
            return self.receive(data, arrival_ns)
        if ssrc == self._left and arrival_ns - self._arrival_ns < _RETURN_NS:
            return []
        stray = self._stray
        if stray is None or stray[:3] != (ssrc, (sequence - 1) & 0xFFFF, self.packets):
            self._stray = _Stray(ssrc, sequence, self.packets, bytes(data), arrival_ns)
            return []
        self._begin(ssrc, stray.sequence)
        return self.receive(stray.data, stray.arrival_ns) + self.receive(data, arrival_ns)

    def _begin(self, ssrc: int, sequence: int) -> None:
        if self._ssrc >= 0:
            self._depacketizer.lost()
        self._left, self._ssrc = self._ssrc, ssrc
        self._order.begin(sequence)
        self._stray = None
        self._timestamp = self._flushed = -1
        self._packets_before, self._reported = self.packets, (0, 0)
        self.ended = False
        if self.sender_report is not None and self.sender_report.ssrc != ssrc:
            self.sender_report = None
        if self._own_ssrc == ssrc:
            self._own_ssrc ^= 1

    def _believes(self, ssrc: int, *, unknown: bool) -> bool:
        """Say whether control packets of this source count: in a group, other receivers speak, too.

        `unknown`: the answer while the sender is not known.
        """
        known = self._ssrc if self._ssrc >= 0 else self._announced
        return self._ordered or (unknown if known is None else ssrc == known)
