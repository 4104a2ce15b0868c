"""RTSP by our own client: the thread's side. Its sockets live in the loop (see `conversation`)."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from camgraph.base.errors import ClosedError, SourceError, SourceTimeout, SourceUnavailable
from camgraph.base.loop import Loop
from camgraph.base.redact import empty_places, split_login
from camgraph.graph.nodes import Transport
from camgraph.graph.source_values import LONGEST_TIME_S
from camgraph.media.source import NetworkCounts, Packet, StreamInfo
from camgraph.media.sources.connecting import Resolved
from camgraph.media.sources.conversation import Conversation
from camgraph.media.sources.faults import Address
from camgraph.media.sources.feed import Feed, ForeignCodec, Item, Need, Reopen
from camgraph.media.sources.libav_rtsp import LibavRtspSource
from camgraph.media.sources.look_up import look_up
from camgraph.media.sources.receiving import USUAL, Receiving

OPEN_BOUND_S = 10.0
_MOST_MOVES = 3
"""Changes of address or transport, none of them `OPEN_BOUND_S` after the one before."""
_DEFAULT_PORT = 554
_SILENCE_S = LONGEST_TIME_S + 10.0
"""The session finds silence out earlier, however long it is told to wait."""


class TransportMemory:
    """How the packets of one camera travel: once changed to TCP, its later attempts begin there."""

    def __init__(self) -> None:
        self.changed_to: Transport | None = None


class RtspSource:
    """Receives the video of one RTSP camera. `login` is ``user:password``; for `need` see `Feed`.

    An encoding that we can't depacketize is left to libavformat.
    """

    def __init__(
        self,
        loop: Loop,
        url: str,
        login: str | None,
        transport: Transport,
        memory: TransportMemory,
        need: Callable[[], Need] = lambda: "all",
        receiving: Receiving = USUAL,
    ) -> None:
        self._loop, self._url, self._login = loop, url, login
        self._transport, self._memory = transport, memory
        self._feed, self._receiving = Feed(need), receiving
        self._address = Address(url, "", 0)
        self._resolved: list[Resolved] = []
        self._counting: tuple[Conversation | None, int, int] = (None, 0, 0)
        """What is counted now, with the bytes, and the lost packets, of the connections before."""
        self._moves, self._moved_s = 0, 0.0
        self._foreign: LibavRtspSource | None = None
        self._cancelled = False

    @property
    def network(self) -> NetworkCounts:
        """What came over the network so far."""
        if self._foreign is not None:
            return self._foreign.network
        conversation, earlier_bytes, earlier_lost = self._counting
        counts = NetworkCounts() if conversation is None else conversation.counts
        return replace(
            counts,
            received_bytes=earlier_bytes + counts.received_bytes,
            lost=earlier_lost + counts.lost,
            dropped=self._feed.dropped,
            queued=self._feed.waiting,
            waiting_ns=self._feed.arrived_ns,
        )

    def resolve(self) -> None:
        """Look the host's name up; raise SourceUnavailable if it has no address."""
        self._address, self._resolved = look_up(self._url, _DEFAULT_PORT)
        self._check_cancelled()

    def open(self) -> StreamInfo:
        """Connect, log in and start the stream; raise SourceError within some 10 s if that fails."""
        deadline = time.monotonic() + OPEN_BOUND_S
        while True:
            overdue = SourceTimeout(
                f"{self._address.at} did not start its stream within {OPEN_BOUND_S:.0f} s: "
                "restart the camera if that goes on.",
                reason="no_answer",
            )
            self._converse()
            match self._next(deadline - time.monotonic(), overdue):
                case StreamInfo() as info:
                    return info
                case Reopen() as reopen:
                    self._move(reopen)
                case ForeignCodec():
                    return self._open_foreign()

    def packets(self) -> Iterator[Packet]:
        """Yield the video's packets; raise SourceError when they end."""
        if self._foreign is not None:
            yield from self._foreign.packets()
        silent = SourceTimeout(
            f"{self._address.url} has stopped sending: is the camera on, is the network up?", reason="stalled"
        )
        while True:
            match self._next(_SILENCE_S, silent):
                case Packet() as packet:
                    yield packet
                case Reopen() as reopen:
                    self._move(reopen)
                    return

    def cancel(self) -> bool:
        """End a wait of this source at once; see `PacketSource.cancel`."""
        self._cancelled = True
        self._feed.tell(None)
        return self._foreign is None or self._foreign.cancel()

    def close(self) -> None:
        """Leave the camera; does not wait for it."""
        self._leave()
        if self._foreign is not None:
            self._foreign.close()

    def _converse(self) -> None:
        self._check_cancelled()
        self._leave()
        before = self.network
        conversation = Conversation(
            self._loop,
            self._address,
            self._login,
            self._resolved,
            self._memory.changed_to or self._transport,
            self._feed,
            self._receiving,
        )
        self._counting = conversation, before.received_bytes, before.lost
        self._loop.call_soon_threadsafe(conversation.start)

    def _leave(self) -> None:
        conversation = self._counting[0]
        if conversation is not None:
            self._loop.call_soon_threadsafe(conversation.close)

    def _next(self, timeout_s: float, overdue: SourceTimeout) -> Item:
        """Return what comes next but errors and the end, which are raised."""
        try:
            item = self._feed.get(max(0.0, timeout_s))
        except TimeoutError:
            raise overdue from None
        self._check_cancelled()
        if isinstance(item, SourceError):
            raise item
        return item

    def _move(self, reopen: Reopen) -> None:
        now_s = time.monotonic()
        self._moves = self._moves + 1 if now_s - self._moved_s < OPEN_BOUND_S else 1
        self._moved_s = now_s
        if self._moves > _MOST_MOVES:
            raise SourceUnavailable(
                f"{self._address.at} sends us on from address to address: is its set-up right?",
                reason="request_refused",
            )
        if reopen.transport != self._transport:
            self._memory.changed_to = reopen.transport
        if reopen.url != self._address.url:
            before = self._address.host
            url, login = split_login(reopen.url)
            if login is None and self._login is not None:
                sent, url = url, empty_places(url, self._login)
                login = self._login if url != sent else None
            self._address, self._resolved = look_up(url, _DEFAULT_PORT)
            if login is not None or self._address.host != before:
                self._login = login  # Ours is this camera's, not anybody's whom it names.

    def _open_foreign(self) -> StreamInfo:
        self._foreign = LibavRtspSource(self._address.url, self._login)
        self._foreign.resolve()
        self._check_cancelled()
        return self._foreign.open()

    def _check_cancelled(self) -> None:
        if self._cancelled:
            raise ClosedError("the stream was closed")
