"""One RTSP session with a camera: sockets and timers in a loop that do what the client machine says."""

import logging
import socket
import time
import traceback
from collections.abc import Callable
from contextlib import suppress

from camgraph.base.errors import SourceError, SourceRefused, SourceTimeout, SourceUnavailable
from camgraph.base.loop import Loop, Timer
from camgraph.base.redact import redact
from camgraph.graph.spec import Transport
from camgraph.media.connecting import Connecting, Resolved
from camgraph.media.datagrams import DatagramPair, arrived, is_address
from camgraph.media.faults import Address
from camgraph.media.feed import Feed, ForeignCodec, Reopen
from camgraph.media.rtsp.client import Answered, Data, Described, Failed, Moved, Playing, RtspClient, Wish
from camgraph.media.rtsp.description import Track
from camgraph.media.rtsp.message import interleaved_prefix
from camgraph.media.rtsp.split import is_cut
from camgraph.media.source import NetworkCounts, Packet
from camgraph.media.track import TrackReceiver, is_known, video_of

_log = logging.getLogger(__name__)

_KINDS: dict[str, type[SourceError]] = {
    "no_answer": SourceTimeout,
    **dict.fromkeys(("not_rtsp", "camera_closed", "server_error", "busy"), SourceUnavailable),
}
"""What is raised for a reason; for any other: SourceRefused."""

CONNECT_BOUND_S = 2.5
REPORT_EVERY_NS = 5_000_000_000
NOTHING_BY_UDP_NS = 3_000_000_000
MOST_LOSS = 0.02
"""Of the packets by UDP; at more the stream changes to TCP."""
LOSS_OVER_NS = 5_000_000_000
_FEWEST_JUDGED = 100
_GATHERED_S, _GATHERED_BYTES = 0.1, 32 * 1024
"""How much may wait in the socket while nobody needs the pictures: that long, or so much."""
_FAREWELL_S = 0.3
_RECEIVE_BYTES = 64 * 1024
"""The C library maps and unmaps a buffer of twice the size for each call, at four times the cost."""


class Conversation:
    """Opens a session, and puts what comes into `feed`: the stream's info, packets, at the end the reason.

    Belongs to the loop's thread. Call `start` once, and `close` at the end, whatever has happened.
    """

    def __init__(
        self,
        loop: Loop,
        address: Address,
        login: str | None,
        resolved: list[Resolved],
        transport: Transport,
        feed: Feed,
    ) -> None:
        self._loop, self._address, self._login, self._resolved = loop, address, login, resolved
        self._transport, self._feed = transport, feed
        self._client: RtspClient | None = None
        self._connecting: Connecting | None = None
        self._sock: socket.socket | None = None
        self._datagrams: DatagramPair | None = None
        self._track: TrackReceiver | None = None
        self._channels = (-1, -1)
        self._timer: Timer | None = None
        self._gathering: Timer | None = None
        """Packets gather in the socket until then."""
        self._report_ns = self._judge_ns = 0
        self._judged = (0, 0)
        self._cut = b""
        """A packet whose end is still to come."""
        self._over = False

    def start(self) -> None:
        """Begin to connect."""
        if not self._over:
            self._connecting = Connecting(
                self._loop, self._address, self._resolved, CONNECT_BOUND_S, self._connected, self._fail
            )

    def close(self) -> None:
        """Leave the camera, without waiting for it; closing twice does nothing."""
        self._over = True
        if self._connecting is not None:
            self._connecting.close()
        for timer in (self._timer, self._gathering):
            if timer is not None:
                timer.cancel()
        self._close_datagrams()
        sock, self._sock = self._sock, None
        if sock is not None:
            self._loop.remove(sock)
            self._part(sock)

    @property
    def counts(self) -> NetworkCounts:
        """What came so far."""
        if self._track is None:
            return NetworkCounts(transport=self._transport)
        return self._track.counts(self._transport)

    def _connected(self, sock: socket.socket) -> None:
        self._connecting, self._sock = None, sock
        self._guarded(self._greet)()

    def _greet(self) -> None:
        assert self._sock is not None
        now_ns = time.monotonic_ns()
        self._client = RtspClient(self._address.url, self._login, now_ns)
        self._loop.add(self._sock, self._guarded(self._on_readable))
        self._client.start(now_ns)
        self._flush()
        self._arm()

    def _guarded(self, call: Callable[[], None]) -> Callable[[], None]:
        """Have a bug of ours end this session, and not leave it silent."""

        def guarded() -> None:
            try:
                call()
            except SourceError as error:
                self._fail(error)
            except OSError as error:
                sentence = f"This machine can't receive from {self._address.at} ({error.strerror})."
                self._fail(SourceUnavailable(sentence, reason="no_socket"))
            except Exception:
                _log.error("%s: %s", self._address.at, redact(traceback.format_exc()))
                self._fail(
                    SourceRefused("A bug of camgraph ended the stream: please report it.", reason="internal")
                )

        return guarded

    def _on_readable(self) -> None:
        sock, client = self._sock, self._client
        if sock is None or client is None:
            return
        try:
            data = sock.recv(_RECEIVE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        now_ns = time.monotonic_ns()
        if not data:
            for event in client.closed(now_ns):
                self._on_event(event, now_ns)
            return
        if self._cut:
            data, self._cut = self._cut + data, b""
        wall_ns = time.time_ns()
        at = self._take_run(data, client, now_ns, wall_ns)
        if at < len(data):
            if is_cut(data, at) and client.expects_packets:
                self._cut = data[at:]
            else:
                self._take(data[at:], client, now_ns, wall_ns)
        if not self._over:
            self._after_packets()
            self._gather_or_not(sock)

    def _gather_or_not(self, sock: socket.socket) -> None:
        """While nobody needs the pictures, let several gather: that halves what receiving them costs."""
        track, gathers = self._track, self._gathering is not None
        if track is None or self._channels[0] < 0 or (self._feed.need() == "nothing") == gathers:
            return
        track.rtp.gathered = not gathers
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1 if gathers else _GATHERED_BYTES)
        if self._gathering is not None:
            self._gathering.cancel()
            self._gathering = None
        else:
            self._gathering = self._loop.call_later(_GATHERED_S, self._guarded(self._gather))

    def _gather(self) -> None:
        """Take what came, which may be too little to be told of."""
        self._gathering = self._loop.call_later(_GATHERED_S, self._guarded(self._gather))
        self._on_readable()

    def _take_run(self, data: bytes, client: RtspClient, now_ns: int, wall_ns: int) -> int:
        """Take the packets of the video that `data` begins with; return where something else begins."""
        track = self._track
        if track is None or not client.expects_packets:
            return 0
        packets: list[Packet] = []
        at = track.receive_run(data, 0, self._channels[0], now_ns, wall_ns, packets)
        for packet in packets:
            self._feed.put(packet)
        return at

    def _take(self, data: bytes, client: RtspClient, now_ns: int, wall_ns: int) -> None:
        """Take whatever comes: packets, and messages between them."""
        track, (rtp, rtcp) = self._track, self._channels
        for event in client.receive(data, now_ns):
            if type(event) is Data:
                if event.channel == rtp and track is not None:
                    self._put(track.receive(event.data, now_ns, wall_ns))
                elif event.channel == rtcp and track is not None:
                    track.receive_control(event.data, now_ns, wall_ns)
            else:
                self._on_event(event, now_ns)
                track, (rtp, rtcp) = self._track, self._channels
            if self._over:
                return
        self._flush()
        self._arm()

    def _on_event(self, event: object, now_ns: int) -> None:
        match event:
            case Described(description=description):
                self._set_up(video_of(description, self._address.url), now_ns)
            case Answered() as answer:
                self._prepare(answer)
            case Playing():
                self._play(now_ns)
            case Moved(url=url):
                self._end(Reopen(url, self._transport))
            case Failed(reason="transport_refused") if self._transport != "tcp":
                self._change_to_tcp(f"{self._transport} is refused")
            case Failed(reason=reason, sentence=sentence):
                self._fail(_KINDS.get(reason, SourceRefused)(sentence, reason=reason))

    def _set_up(self, track: Track, now_ns: int) -> None:
        assert self._client is not None
        assert self._sock is not None
        if not is_known(track):
            self._end(ForeignCodec(track.encoding))
            return
        ports = (0, 0)
        if self._transport == "udp":
            try:
                self._datagrams = DatagramPair.bound(self._sock.family)
            except OSError as error:
                self._change_to_tcp(f"there are no ports ({error})")
                return
            ports = self._datagrams.ports
        self._client.setup([Wish(track, self._transport, ports)], now_ns)

    def _prepare(self, answer: Answered) -> None:
        """Be ready for what the camera will send: a group that is joined later misses the first key frame."""
        assert self._sock is not None
        self._transport = answer.transport
        self._track = TrackReceiver(answer.track, ordered=answer.transport == "tcp", ssrc=answer.ssrc)
        if answer.transport == "tcp":
            self._channels = answer.channels
            self._close_datagrams()
            return
        try:
            self._receive_datagrams(answer, self._sock)
        except OSError as error:
            self._change_to_tcp(f"its datagrams can't be received ({error})")

    def _receive_datagrams(self, answer: Answered, sock: socket.socket) -> None:
        if answer.transport == "multicast":
            group, (port, _), own = answer.destination, answer.server_ports, sock.getsockname()[0]
            self._datagrams = DatagramPair.joined(group, port, own)
        elif any(answer.server_ports):
            assert self._datagrams is not None
            # Looking a name up would keep all cameras waiting.
            source = answer.source if is_address(answer.source) else sock.getpeername()[0]
            self._datagrams.connect(source, answer.server_ports)

    def _play(self, now_ns: int) -> None:
        track, datagrams = self._track, self._datagrams
        assert track is not None
        if datagrams is not None:
            self._loop.add(datagrams.rtp, self._guarded(self._on_datagrams))
            self._loop.add(datagrams.rtcp, self._guarded(self._on_control))
            self._send_report(now_ns)  # Opens the way back, too.
            self._judge_ns = now_ns + NOTHING_BY_UDP_NS
        self._report_ns = now_ns + REPORT_EVERY_NS
        self._feed.tell(track.info)

    def _on_datagrams(self) -> None:
        datagrams, track = self._datagrams, self._track
        assert datagrams is not None
        assert track is not None
        for data in arrived(datagrams.rtp):
            self._put(track.receive(data, time.monotonic_ns(), time.time_ns()))
        self._after_packets()

    def _on_control(self) -> None:
        datagrams, track = self._datagrams, self._track
        assert datagrams is not None
        assert track is not None
        for data in arrived(datagrams.rtcp):
            track.receive_control(data, time.monotonic_ns(), time.time_ns())
        self._after_packets()

    def _put(self, packets: list[Packet]) -> None:
        for packet in packets:
            self._feed.put(packet)

    def _after_packets(self) -> None:
        track = self._track
        if track is not None and track.rtp.ended:
            self._fail(
                SourceUnavailable(
                    f"{self._address.at} ended the stream: was the camera restarted or switched off?",
                    reason="camera_closed",
                )
            )
        elif track is not None and track.foreign:
            sentence = f"{self._address.at} sends another codec than it had described: asking it again."
            self._fail(SourceUnavailable(sentence, reason="codec_changed"))
        elif track is not None and (due_ns := track.rtp.due_ns()):
            timer = self._timer
            if timer is None or timer.callback is None or due_ns < timer.due_ns:
                self._arm()

    def _arm(self) -> None:
        """Have a timer for what is due next; one that comes too early does no harm."""
        client, track = self._client, self._track
        if client is None or self._over:
            return
        due_ns = client.due_ns or 0
        if track is not None:
            for other_ns in (track.rtp.due_ns(), self._report_ns, self._judge_ns):
                due_ns = min(due_ns or other_ns, other_ns or due_ns)
        timer = self._timer
        if timer is not None and timer.callback is not None and timer.due_ns <= due_ns:
            return
        if timer is not None:
            timer.cancel()
        self._timer = self._loop.call_at(due_ns, self._guarded(self._tick)) if due_ns else None

    def _tick(self) -> None:
        now_ns = time.monotonic_ns()
        client, track = self._client, self._track
        assert client is not None
        for event in client.tick(now_ns):
            self._on_event(event, now_ns)
        if self._over:
            return
        if track is not None:
            self._put(track.flush_due(now_ns, time.time_ns()))
            if self._report_ns and now_ns >= self._report_ns:
                self._report_ns = now_ns + REPORT_EVERY_NS
                self._send_report(now_ns)
            if self._judge_ns and now_ns >= self._judge_ns:
                self._judge(now_ns)
        if not self._over:
            self._flush()
            self._arm()

    def _judge(self, now_ns: int) -> None:
        """Change to TCP where too little comes by datagrams."""
        assert self._track is not None
        rtp = self._track.rtp
        self._judge_ns = now_ns + LOSS_OVER_NS
        if not rtp.packets:
            self._change_to_tcp(f"no packet came by {self._transport}")
            return
        came, lost = rtp.packets - self._judged[0], rtp.lost - self._judged[1]
        self._judged = rtp.packets, rtp.lost
        if came + lost >= _FEWEST_JUDGED and lost > MOST_LOSS * (came + lost):
            self._change_to_tcp(f"{lost / (came + lost):.1%} is lost by {self._transport}")

    def _change_to_tcp(self, why: str) -> None:
        _log.info("%s: %s: going on by TCP", self._address.at, why)
        self._end(Reopen(self._address.url, "tcp"))

    def _send_report(self, now_ns: int) -> None:
        assert self._track is not None
        report = self._track.rtp.report(now_ns)
        if self._transport == "tcp" and self._client is not None:
            self._flush()
            if not self._client.output:  # Else it takes nothing: reports would pile up.
                self._client.output += interleaved_prefix(self._channels[1], len(report)) + report
                self._flush()
        elif self._transport == "udp" and self._datagrams is not None:
            with suppress(OSError):
                self._datagrams.rtcp.send(report)

    def _close_datagrams(self) -> None:
        datagrams, self._datagrams = self._datagrams, None
        if datagrams is not None:
            self._loop.remove(datagrams.rtp)
            self._loop.remove(datagrams.rtcp)
            datagrams.close()

    def _flush(self) -> None:
        """Send what the machine has to say; a camera that takes nothing is told nothing, for the moment."""
        client, sock = self._client, self._sock
        if client is None or sock is None or not client.output:
            return
        try:
            sent = sock.send(client.output)
        except BlockingIOError:
            sent = 0
        except OSError:
            return  # Reading tells why.
        del client.output[:sent]
        if client.output:
            self._loop.add(sock, self._guarded(self._on_readable), self._guarded(self._flush_rest))

    def _flush_rest(self) -> None:
        assert self._sock is not None
        self._loop.add(self._sock, self._guarded(self._on_readable))
        self._flush()

    def _fail(self, error: SourceError) -> None:
        self._end(error)

    def _end(self, item: "SourceError | Reopen | ForeignCodec") -> None:
        if not self._over:
            self.close()
            self._feed.tell(item)

    def _part(self, sock: socket.socket) -> None:
        """Say goodbye, and read for a moment on: closing with unread data would reset the connection."""
        if self._client is not None and self._client.has_session:
            self._client.teardown(time.monotonic_ns())
            with suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
                sock.send(self._client.output)
                sock.shutdown(socket.SHUT_WR)
                _Farewell(self._loop, sock)
                return
        sock.close()


class _Farewell:
    """Reads and drops until the other side has closed, or a moment has passed."""

    def __init__(self, loop: Loop, sock: socket.socket) -> None:
        self._loop, self._sock = loop, sock
        self._timer = loop.call_later(_FAREWELL_S, self._close)
        loop.add(sock, self._drop)

    def _drop(self) -> None:
        try:
            if self._sock.recv(_RECEIVE_BYTES):
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self._close()

    def _close(self) -> None:
        self._timer.cancel()
        self._loop.remove(self._sock)
        self._sock.close()
