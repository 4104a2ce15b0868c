"""One RTSP session with a camera: sockets and timers in a loop that do what the client machine says."""

import logging
import socket
import time
from contextlib import suppress

from camgraph.base.errors import SourceError, SourceRefused, SourceTimeout, SourceUnavailable
from camgraph.base.loop import Loop, Timer
from camgraph.graph.nodes import Transport
from camgraph.media.rtsp.client import Answered, Data, Described, Failed, Moved, Playing, RtspClient, Wish
from camgraph.media.rtsp.description import Track
from camgraph.media.rtsp.message import interleaved_prefix
from camgraph.media.rtsp.split import is_cut
from camgraph.media.source import NetworkCounts
from camgraph.media.sources.connecting import Connecting, Resolved
from camgraph.media.sources.datagrams import DatagramPair, is_address
from camgraph.media.sources.faults import Address
from camgraph.media.sources.feed import Feed, ForeignCodec, Reopen
from camgraph.media.sources.guard import Guard
from camgraph.media.sources.receiving import USUAL, Receiving
from camgraph.media.sources.reception import Reception
from camgraph.media.sources.track import is_known, video_of

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
_GATHERED_S, _GATHERED_BYTES = 0.15, 64 * 1024
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
        receiving: Receiving = USUAL,
    ) -> None:
        self._loop, self._address, self._login, self._resolved = loop, address, login, resolved
        self._transport, self._feed, self._receiving = transport, feed, receiving
        self._guarded = Guard(address.at, self._fail)
        self._client: RtspClient | None = None
        self._connecting: Connecting | None = None
        self._sock: socket.socket | None = None
        self._datagrams: DatagramPair | None = None
        """The ports that the camera was offered; the reception's from its answer on."""
        self._reception: Reception | None = None
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
                self._loop,
                self._address,
                self._resolved,
                CONNECT_BOUND_S,
                self._connected,
                self._fail,
                # By datagrams, its packets come elsewhere.
                receive_buffer_bytes=self._receiving.buffer_bytes if self._transport == "tcp" else 0,
            )

    def close(self) -> None:
        """Leave the camera, without waiting for it; closing twice does nothing."""
        self._over = True
        if self._connecting is not None:
            self._connecting.close()
        for timer in (self._timer, self._gathering):
            if timer is not None:
                timer.cancel()
        if self._reception is not None:
            self._reception.close()
        if self._datagrams is not None:
            self._datagrams.close()
        sock, self._sock = self._sock, None
        if sock is not None:
            self._loop.remove(sock)
            self._part(sock)

    @property
    def counts(self) -> NetworkCounts:
        """What came so far."""
        if self._reception is None:
            return NetworkCounts(transport=self._transport)
        return self._reception.counts

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
        if not self._over and self._reception is not None:
            self._reception.check()
            self._gather_or_not(sock, self._reception)

    def _gather_or_not(self, sock: socket.socket, reception: Reception) -> None:
        """While nobody needs the pictures, let several gather: that halves what receiving them costs."""
        gathers = self._gathering is not None
        if self._channels[0] < 0 or (self._feed.need() == "nothing") == gathers:
            return
        reception.set_gathered(not gathers)
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
        if self._reception is None or not client.expects_packets:
            return 0
        return self._reception.take_run(data, self._channels[0], now_ns, wall_ns)

    def _take(self, data: bytes, client: RtspClient, now_ns: int, wall_ns: int) -> None:
        """Take whatever comes: packets, and messages between them."""
        reception, (rtp, rtcp) = self._reception, self._channels
        for event in client.receive(data, now_ns):
            if type(event) is Data:
                if event.channel == rtp and reception is not None:
                    reception.take(event.data, now_ns, wall_ns)
                elif event.channel == rtcp and reception is not None:
                    reception.take_control(event.data, now_ns, wall_ns)
            else:
                self._on_event(event, now_ns)
                reception, (rtp, rtcp) = self._reception, self._channels
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
        self._reception = reception = Reception(
            self._loop,
            answer.track,
            self._feed,
            transport=answer.transport,
            name=self._address.at,
            fail=self._fail,
            ssrc=answer.ssrc,
            receiving=self._receiving,
        )
        if answer.transport == "tcp":
            self._channels = answer.channels
            if self._datagrams is not None:
                self._datagrams.close()
            return
        try:
            reception.own(self._datagrams_for(answer, self._sock))
        except OSError as error:
            self._change_to_tcp(f"its datagrams can't be received ({error})")

    def _datagrams_for(self, answer: Answered, sock: socket.socket) -> DatagramPair:
        if answer.transport == "multicast":
            return DatagramPair.joined(answer.destination, answer.server_ports[0], sock.getsockname()[0])
        datagrams = self._datagrams
        assert datagrams is not None
        if any(answer.server_ports):
            # Looking a name up would keep all cameras waiting.
            source = answer.source if is_address(answer.source) else sock.getpeername()[0]
            datagrams.connect(source, answer.server_ports)
        return datagrams

    def _play(self, now_ns: int) -> None:
        assert self._reception is not None
        self._reception.listen()
        self._reception.send_report(now_ns)  # Opens the way back, too.
        self._judge_ns = now_ns + NOTHING_BY_UDP_NS if self._transport != "tcp" else 0
        self._report_ns = now_ns + REPORT_EVERY_NS
        self._feed.tell(self._reception.info)

    def _arm(self) -> None:
        """Have a timer for what is due next; one that comes too early does no harm."""
        client = self._client
        if client is None or self._over:
            return
        due_ns = client.due_ns or 0
        for other_ns in (self._report_ns, self._judge_ns):
            due_ns = min(due_ns or other_ns, other_ns or due_ns)
        timer = self._timer
        if timer is not None and timer.callback is not None and timer.due_ns <= due_ns:
            return
        if timer is not None:
            timer.cancel()
        self._timer = self._loop.call_at(due_ns, self._guarded(self._tick)) if due_ns else None

    def _tick(self) -> None:
        now_ns = time.monotonic_ns()
        client, reception = self._client, self._reception
        assert client is not None
        for event in client.tick(now_ns):
            self._on_event(event, now_ns)
        if reception is not None and not self._over:
            if self._report_ns and now_ns >= self._report_ns:
                self._report_ns = now_ns + REPORT_EVERY_NS
                self._send_report(reception, now_ns)
            if self._judge_ns and now_ns >= self._judge_ns:
                self._judge(reception.counts, now_ns)
        if not self._over:
            self._flush()
            self._arm()

    def _judge(self, counts: NetworkCounts, now_ns: int) -> None:
        """Change to TCP where too little comes by datagrams."""
        self._judge_ns = now_ns + LOSS_OVER_NS
        if not counts.packets:
            self._change_to_tcp(f"no packet came by {self._transport}")
            return
        came, lost = counts.packets - self._judged[0], counts.lost - self._judged[1]
        self._judged = counts.packets, counts.lost
        if came + lost >= _FEWEST_JUDGED and lost > MOST_LOSS * (came + lost):
            self._change_to_tcp(f"{lost / (came + lost):.1%} is lost by {self._transport}")

    def _change_to_tcp(self, why: str) -> None:
        _log.info("%s: %s: going on by TCP", self._address.at, why)
        self._end(Reopen(self._address.url, "tcp"))

    def _send_report(self, reception: Reception, now_ns: int) -> None:
        if self._transport != "tcp" or self._client is None:
            reception.send_report(now_ns)
            return
        self._flush()
        if not self._client.output:  # Else it takes nothing: reports would pile up.
            report = reception.report(now_ns)
            self._client.output += interleaved_prefix(self._channels[1], len(report)) + report
            self._flush()

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
