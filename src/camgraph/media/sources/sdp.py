"""RTP that nobody is asked for: received as a session description file says."""

import ipaddress
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from camgraph.base.errors import ClosedError, SourceError, SourceRefused, SourceTimeout, SourceUnavailable
from camgraph.base.loop import Loop
from camgraph.graph.source_values import LONGEST_TIME_S
from camgraph.media.rtsp.description import Track, parse_description
from camgraph.media.source import NetworkCounts, Packet, StreamInfo
from camgraph.media.sources.datagrams import DatagramPair
from camgraph.media.sources.feed import Feed
from camgraph.media.sources.receiving import USUAL, Receiving
from camgraph.media.sources.reception import Reception
from camgraph.media.sources.track import video_of

_MOST_BYTES = 1 << 20
_STARTED_BOUND_S = 2.0
_SILENCE_S = LONGEST_TIME_S + 10.0
"""The session finds silence out earlier, however long it is told to wait."""


class SdpSource:
    """Receives the first video that the file at `path` describes (RFC 8866), at a port of its own."""

    def __init__(self, loop: Loop, path: str, receiving: Receiving = USUAL) -> None:
        self._loop, self._path, self._receiving = loop, path, receiving
        self._feed = Feed()
        self._listening: _Listening | None = None
        self._cancelled = False

    @property
    def network(self) -> NetworkCounts:
        """What came so far."""
        listening = self._listening
        counts = NetworkCounts() if listening is None else listening.counts
        return replace(counts, dropped=self._feed.dropped, queued=self._feed.waiting)

    def resolve(self) -> None:
        """There are addresses only in such a file, no names."""

    def open(self) -> StreamInfo:
        """Read the file and listen; raise SourceError if that can't be done."""
        track = self._read()
        try:
            self._listening = listening = _Listening(self._loop, track, self._feed, self._receiving)
        except LookupError:
            raise SourceRefused(
                f"{self._path} describes video as {track.encoding}, which we can't receive so: use H.264.",
                reason="codec_unknown",
            ) from None
        self._loop.call_soon_threadsafe(listening.start)
        match self._next(_STARTED_BOUND_S):
            case StreamInfo() as info:
                return info
        raise AssertionError("a packet before the stream has begun")

    def packets(self) -> Iterator[Packet]:
        """Yield the video's packets; raise SourceError when they end."""
        while True:
            match self._next(_SILENCE_S):
                case Packet() as packet:
                    yield packet

    def cancel(self) -> bool:
        """End a wait of this source at once; see `PacketSource.cancel`."""
        self._cancelled = True
        self._feed.tell(None)
        return True

    def close(self) -> None:
        """Stop listening."""
        if self._listening is not None:
            self._loop.call_soon_threadsafe(self._listening.close)

    def _read(self) -> Track:
        try:
            with Path(self._path).open("rb") as file:
                text = file.read(_MOST_BYTES).decode(errors="replace")
        except OSError as error:
            raise SourceRefused(
                f"The file {self._path} can't be read ({error.strerror}): is the path right?",
                reason="not_found",
            ) from error
        try:
            track = video_of(parse_description(text), self._path)
        except ValueError as error:
            raise SourceRefused(
                f"{self._path} is no session description ({error}).", reason="broken_sdp"
            ) from error
        if not track.port:
            raise SourceRefused(
                f"{self._path} names no port for its video: write m=video PORT RTP/AVP …", reason="broken_sdp"
            )
        return track

    def _next(self, timeout_s: float) -> object:
        try:
            item = self._feed.get(timeout_s)
        except TimeoutError:
            raise SourceTimeout(
                f"Nothing comes at the port that {self._path} names: is the sender on?", reason="stalled"
            ) from None
        if self._cancelled:
            raise ClosedError("the stream was closed")
        if isinstance(item, SourceError):
            raise item
        return item


class _Listening:
    """The side in the loop's thread. Call `start` once, and `close` at the end."""

    def __init__(self, loop: Loop, track: Track, feed: Feed, receiving: Receiving) -> None:
        """Raise LookupError where no depacketizer of ours knows the encoding."""
        self._track, self._feed, self._over = track, feed, False
        self._reception = Reception(
            loop,
            track,
            feed,
            transport="multicast" if _is_group(track.address) else "udp",
            name="The sender",
            fail=self._end,
            receiving=receiving,
        )

    @property
    def counts(self) -> NetworkCounts:
        return self._reception.counts

    def start(self) -> None:
        if self._over:
            return
        try:
            self._reception.own(_sockets_for(self._track))
        except OSError as error:
            self._end(
                SourceUnavailable(
                    f"Port {self._track.port} can't be listened at ({error.strerror or error}): "
                    "does another program?",
                    reason="no_socket",
                )
            )
            return
        self._reception.listen()
        self._feed.tell(self._reception.info)

    def close(self) -> None:
        self._over = True
        self._reception.close()

    def _end(self, error: SourceError) -> None:
        if not self._over:
            self.close()
            self._feed.tell(error)


def _sockets_for(track: Track) -> DatagramPair:
    if _is_group(track.address):
        return DatagramPair.joined(track.address, track.port)
    return DatagramPair.at(track.address, track.port)


def _is_group(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_multicast
    except ValueError:
        return False
