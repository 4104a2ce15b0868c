"""Receiving one track of video, in a loop: packets of the network in, access units out into a feed."""

import time
from collections.abc import Callable
from contextlib import suppress

from camgraph.base.errors import SourceError, SourceUnavailable
from camgraph.base.loop import Loop, Timer
from camgraph.graph.nodes import Transport
from camgraph.media.rtsp.description import Track
from camgraph.media.source import NetworkCounts, Packet, StreamInfo
from camgraph.media.sources.datagrams import DatagramPair, arrived
from camgraph.media.sources.feed import Feed
from camgraph.media.sources.guard import Guard
from camgraph.media.sources.receiving import USUAL, Receiving
from camgraph.media.sources.track import TrackReceiver


class Reception:
    """Belongs to the loop's thread. `fail` is told why nothing more comes; call `close` at the end.

    `name` is what sends, for sentences. Raises LookupError where no depacketizer of ours knows the encoding.
    """

    def __init__(
        self,
        loop: Loop,
        track: Track,
        feed: Feed,
        *,
        transport: Transport,
        name: str,
        fail: Callable[[SourceError], None],
        ssrc: int | None = None,
        receiving: Receiving = USUAL,
    ) -> None:
        self.transport = transport
        self._loop, self._feed, self._name, self._fail = loop, feed, name, fail
        self._guarded = Guard(name, fail)
        self._track = TrackReceiver(
            track,
            ordered=transport == "tcp",
            ssrc=ssrc,
            reorder_ms=receiving.reorder_ms,
            clock=receiving.clock,
        )
        self._buffer_bytes = receiving.buffer_bytes
        self._datagrams: DatagramPair | None = None
        self._timer: Timer | None = None

    @property
    def info(self) -> StreamInfo:
        """What is known of the video before its first packet."""
        return self._track.info

    @property
    def counts(self) -> NetworkCounts:
        """What came so far."""
        return self._track.counts(self.transport)

    def set_gathered(self, gathered: bool) -> None:
        """Say whether packets gather in the socket for a moment before they are taken."""
        self._track.rtp.gathered = gathered

    def own(self, datagrams: DatagramPair) -> None:
        """Take over the sockets that packets will come by, if not by `take`."""
        self._datagrams = datagrams
        datagrams.ask_for_buffer(self._buffer_bytes)

    def listen(self) -> None:
        """Receive what comes by the sockets from now on."""
        if self._datagrams is not None:
            self._loop.add(self._datagrams.rtp, self._guarded(self._on_datagrams))
            self._loop.add(self._datagrams.rtcp, self._guarded(self._on_control))

    def close(self) -> None:
        """Release the sockets; closing twice does nothing."""
        if self._timer is not None:
            self._timer.cancel()
        datagrams, self._datagrams = self._datagrams, None
        if datagrams is not None:
            self._loop.remove(datagrams.rtp)
            self._loop.remove(datagrams.rtcp)
            datagrams.close()

    def take_run(self, data: bytes, channel: int, now_ns: int, wall_ns: int) -> int:
        """Take the packets on RTSP's channel that `data` begins with; return where something else begins."""
        packets: list[Packet] = []
        at = self._track.receive_run(data, 0, channel, now_ns, wall_ns, packets)
        self._put(packets)
        return at

    def take(self, data: bytes | memoryview, now_ns: int, wall_ns: int) -> None:
        """Take one RTP packet."""
        self._put(self._track.receive(data, now_ns, wall_ns))

    def take_control(self, data: bytes | memoryview, now_ns: int, wall_ns: int) -> None:
        """Take one RTCP packet."""
        self._track.receive_control(data, now_ns, wall_ns)

    def report(self, now_ns: int) -> bytes:
        """Return a receiver report; see `RtpReceiver.report`."""
        return self._track.rtp.report(now_ns)

    def send_report(self, now_ns: int) -> None:
        """Send a receiver report to whoever sends by datagrams; a group has no one to send it to."""
        if self._datagrams is not None and self.transport == "udp":
            with suppress(OSError):
                self._datagrams.rtcp.send(self.report(now_ns))

    def check(self) -> None:
        """After packets: end at a sender's end; have a timer for what is due, if it is due before."""
        track = self._track
        if track.rtp.ended:
            sentence = f"{self._name} ended the stream: was it restarted or switched off?"
            self._fail(SourceUnavailable(sentence, reason="camera_closed"))
        elif track.foreign:
            sentence = f"{self._name} sends another codec than was described: asking anew."
            self._fail(SourceUnavailable(sentence, reason="codec_changed"))
        elif due_ns := track.rtp.due_ns():
            timer = self._timer
            if timer is None or timer.callback is None or due_ns < timer.due_ns:
                self._arm(due_ns)

    def _arm(self, due_ns: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(due_ns, self._guarded(self._tick))

    def _tick(self) -> None:
        self._put(self._track.flush_due(time.monotonic_ns(), time.time_ns()))
        self.check()

    def _on_datagrams(self) -> None:
        assert self._datagrams is not None
        for data in arrived(self._datagrams.rtp):
            self.take(data, time.monotonic_ns(), time.time_ns())
        self.check()

    def _on_control(self) -> None:
        assert self._datagrams is not None
        for data in arrived(self._datagrams.rtcp):
            self.take_control(data, time.monotonic_ns(), time.time_ns())
        self.check()

    def _put(self, packets: list[Packet]) -> None:
        for packet in packets:
            self._feed.put(packet)
