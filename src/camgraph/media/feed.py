"""Packets on their way from the loop that receives them to the thread that decodes them."""

import queue
from typing import NamedTuple

from camgraph.base.errors import SourceError
from camgraph.graph.spec import Transport
from camgraph.media.source import Packet, StreamInfo

BEHIND_NS = 1_000_000_000
"""The thread decodes what came so long before the newest packet: it is behind."""
MOST_WAITING_BYTES = 32 << 20


class Reopen(NamedTuple):
    """The stream is to be opened anew at another address, or in another way; without a new attempt."""

    url: str
    transport: Transport


class ForeignCodec(NamedTuple):
    """The stream is in an encoding that no depacketizer of ours knows."""

    encoding: str


Word = StreamInfo | SourceError | Reopen | ForeignCodec | None
"""What is said beside packets; None: the source was cancelled."""
Item = Packet | Word


class Feed:
    """One writer, the loop's thread, and one reader. Neither takes a lock of ours.

    A reader that is behind loses all packets up to the next key frame: late pictures are of no use, and what
    waits must not grow.
    """

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Item] = queue.SimpleQueue()
        self._taken_ns = self._empty_ns = 0
        self._put_bytes = self._taken_bytes = 0
        self._skipping = False
        self.dropped = 0
        """Packets that were dropped here."""

    @property
    def waiting(self) -> int:
        """How many items wait."""
        return self._queue.qsize()

    def put(self, packet: Packet) -> None:
        """Hand a packet over, or drop it."""
        if self._skipping:
            if not packet.keyframe:
                self.dropped += 1
                return
            self._skipping = False
        if not self._queue.qsize():
            self._empty_ns = packet.arrival_ns
        elif self._is_behind(packet.arrival_ns):
            self._drop_waiting()
            if not packet.keyframe:
                self.dropped += 1
                self._skipping = True
                return
        self._put_bytes += len(packet.data)
        self._queue.put(packet)

    def tell(self, item: Word) -> None:
        """Hand something else over; it is never dropped."""
        self._queue.put(item)

    def get(self, timeout_s: float) -> Item:
        """Wait for the next item; raise TimeoutError when none comes."""
        try:
            item = self._queue.get(timeout=timeout_s)
        except queue.Empty:
            raise TimeoutError from None
        if isinstance(item, Packet):
            self._taken_ns = item.arrival_ns
            self._taken_bytes += len(item.data)
        return item

    def _is_behind(self, now_ns: int) -> bool:
        if self._put_bytes - self._taken_bytes > MOST_WAITING_BYTES:
            return True
        return now_ns - max(self._taken_ns, self._empty_ns) > BEHIND_NS

    def _drop_waiting(self) -> None:
        kept: list[Item] = []
        while True:
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                break
            if isinstance(item, Packet):
                self.dropped += 1
                self._put_bytes -= len(item.data)
            else:
                kept.append(item)
        for item in kept:
            self._queue.put(item)
