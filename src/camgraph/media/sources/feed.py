"""Packets on their way from the loop that receives them to the thread that decodes them."""

import queue
import time
from collections import deque
from collections.abc import Callable
from typing import Literal, NamedTuple

from camgraph.base.errors import SourceError
from camgraph.graph.nodes import Transport
from camgraph.media.source import Packet, StreamInfo

BEHIND_NS = 1_000_000_000
"""The thread decodes what came so long before the newest packet: it is behind."""
MOST_WAITING_BYTES = 32 << 20
PATIENT_NS = 400_000_000
"""So long packets may wait whose pictures nobody wants."""

Need = Literal["all", "keyframes", "nothing"]
"""What is wanted of a stream at once: every picture, or only key frames; or nobody wants any."""


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
    waits must not grow. While it has no `need` of all, which the writer asks for each packet, it is woken for
    key frames, and else for all that came in `PATIENT_NS`: to wake a thread costs as much as to receive a
    picture.
    """

    def __init__(self, need: Callable[[], Need] = lambda: "all") -> None:
        self.need = need
        """What the reader has need of now; asked by the writer."""
        self._items: deque[Item] = deque()
        self._bell: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._asleep = False
        """The reader may wait for the bell."""
        self._taken_ns = self._empty_ns = 0
        self._put_bytes = self._taken_bytes = 0
        self._skipping = self._refreshes = False
        self.dropped = 0
        """Packets that were dropped here."""
        self.arrived_ns = 0
        """When the newest packet came, taken yet or not; 0: none did."""

    @property
    def waiting(self) -> int:
        """How many items wait."""
        return len(self._items)

    def put(self, packet: Packet) -> None:
        """Hand a packet over, or drop it."""
        now_ns = self.arrived_ns = packet.arrival_ns
        if self._skipping:
            if not packet.keyframe:
                self.dropped += 1
                return
            self._skipping = False
        if self._put_bytes == self._taken_bytes:  # Words may wait, but no packets.
            self._empty_ns = now_ns
        elif self._is_behind(now_ns):
            self._drop_waiting()
            if not packet.keyframe:
                self.dropped += 1
                self._skipping = True
                return
        self._put_bytes += len(packet.data)
        self._items.append(packet)
        if packet.keyframe:
            # A stream without key pictures is decoded whole, even if only those are wanted.
            self._refreshes = packet.refresh
            self._ring()
        elif self._refreshes or now_ns - self._empty_ns >= PATIENT_NS or self.need() == "all":
            self._ring()

    def tell(self, item: Word) -> None:
        """Hand something else over; it is never dropped."""
        self._items.append(item)
        self._ring()

    def get(self, timeout_s: float) -> Item:
        """Wait for the next item; raise TimeoutError when none comes."""
        while True:
            try:
                item = self._items.popleft()
                break
            except IndexError:
                self._sleep(timeout_s)
        if isinstance(item, Packet):
            self._taken_ns = item.arrival_ns
            self._taken_bytes += len(item.data)
        return item

    def _ring(self) -> None:
        if self._asleep:
            self._asleep = False
            self._bell.put(None)

    def _sleep(self, timeout_s: float) -> None:
        """Return when there are items; the bell may have been rung for those that were found without it."""
        until_s = time.monotonic() + timeout_s
        while not self._items:
            self._asleep = True
            if self._items:
                return
            try:
                self._bell.get(timeout=max(0.0, until_s - time.monotonic()))
            except queue.Empty:
                if not self._items:
                    raise TimeoutError from None

    def _is_behind(self, now_ns: int) -> bool:
        if self._put_bytes - self._taken_bytes > MOST_WAITING_BYTES:
            return True
        return now_ns - max(self._taken_ns, self._empty_ns) > BEHIND_NS

    def _drop_waiting(self) -> None:
        kept: list[Item] = []
        while self._items:
            try:
                item = self._items.popleft()
            except IndexError:  # The reader has just taken the last one.
                break
            if isinstance(item, Packet):
                self.dropped += 1
                self._put_bytes -= len(item.data)
            else:
                kept.append(item)
        self._items.extend(kept)
