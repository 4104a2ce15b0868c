"""The writer of a ring: one copy of a frame into shared memory, and a datagram to each reader."""

import logging
import math
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from camgraph.base.descriptors import check_peer
from camgraph.base.errors import BrokenError, CamgraphError, ClosedError
from camgraph.base.pixels import FrameFormat
from camgraph.ring.forks import forget_in_children
from camgraph.ring.layout import LOCK_STRIDE, MAX_SLOTS, Geometry, resident_bytes, whole_pages
from camgraph.ring.link import ReaderLink
from camgraph.ring.meta import FrameMeta, write_meta
from camgraph.ring.protocol import FRAME_KIND, FRAME_LAYOUT, Hello, refuse
from camgraph.ring.slots import Slots

__all__ = ["FrameMeta", "RingWriter", "WriterStatistics", "planned_bytes"]

Bytes = npt.NDArray[np.uint8]

_log = logging.getLogger(__name__)

MIN_LEASES = 8
"""Held frames that even a ring of very large pictures has room for."""
GRACE_NS = 100_000_000
"""For so long a frame can be taken by a reader that was told of it late."""


def planned_bytes(
    format: FrameFormat,  # noqa: A002
    width: int,
    height: int,
    *,
    fps: float = 25.0,
    leases: int,
) -> int:
    """Return how many bytes a ring with readers of so many leases, all together, touches at most."""
    return resident_bytes(_own_slots(fps) + leases, Geometry(format, width, height).length)


def _own_slots(fps: float) -> int:
    return 1 + max(2, math.ceil(fps * GRACE_NS / 1e9))


@dataclass(frozen=True, slots=True)
class WriterStatistics:
    """Counts since the ring was made."""

    published: int
    behind: int
    """Notices that a reader's full socket did not take, all readers together."""
    no_slot: int
    """Frames dropped because every slot was held."""
    readers: int
    generation: int
    slots_touched: int
    """Slots that are resident in memory."""
    holder: str
    """Who held the oldest slot when a frame was last dropped; empty: none was."""


class RingWriter:
    """A ring of one stream in one geometry; owns its memory and its readers' sockets.

    A ring of items has the width of the longest one, in bytes, and the height 1.

    Thread-safe: readers come and go in one thread while another publishes. Nothing here waits for a reader.
    """

    def __init__(
        self,
        stream: str,
        format: FrameFormat,  # noqa: A002
        width: int,
        height: int,
        *,
        epoch: int,
        fps: float = 25.0,
        max_bytes: int = 1 << 30,
        keep: int = 0,
        patient: bool = False,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """Make a ring that never grows over `max_bytes`, for about `fps` frames a second.

        Slots are touched only when needed: each reader's leases, one to write, and 0.1 s of frames, and never
        more than those. The newest `keep` frames stay even while nobody reads, and are announced to each
        reader that comes later; without, what nobody reads is not written at all. If it is `patient`, the
        newest frames, half as many as a reader has leases, wait for readers that are slow for longer than
        that. `clock` gives the monotonic time in ns, as `Frame.publish_ns` tells it.
        """
        self.stream = stream
        self._epoch = epoch
        self._clock = clock
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._links: list[ReaderLink] = []
        # Those of them that do not wait for an item to begin with.
        self._told: list[ReaderLink] = []
        # Found gone, and still open: somebody may be watching the descriptor.
        self._parted: list[ReaderLink] = []
        # Leases of those who have gone and still hold frames, by reader id: they count as long as they do.
        self._kept: dict[int, int] = {}
        self._last_id = 0
        self._names: dict[int, str] = {}
        self._seq = 0
        self._published = 0
        self._no_slot = 0
        self._behind_of_gone = 0
        self._holder = ""
        self._closed = False
        self._keep = self._waiting_frames = keep
        self._patient = patient
        self._budget = _own_slots(fps) + keep
        self._slots = self._make_slots(Geometry(format, width, height), 1)
        forget_in_children(self)

    @property
    def readers(self) -> int:
        """How many readers the ring has."""
        return len(self._links)

    @property
    def waiting(self) -> bool:
        """Whether there are readers that wait for an item to begin with."""
        return len(self._told) < len(self._links)

    @property
    def leases(self) -> int:
        """The leases of all its readers."""
        with self._lock:
            return sum(link.leases for link in self._links)

    @property
    def touched_bytes(self) -> int:
        """The memory that the present generation takes by now."""
        with self._lock:
            return 0 if self._closed else self._slots.touched_bytes

    def planned_bytes(self, leases: int = 0) -> int:
        """Return how much memory the present generation will take at most with so many leases more.

        Whoever has made sure of that much before each reader came need fear no other moment: until the next
        reader comes, or the geometry changes, less is touched, whoever leaves and whatever they keep.
        """
        with self._lock:
            if self._closed:
                return 0
            self._forget_returned()
            slots = max(self._slots.touched, min(self._budget + leases, self._slots.header.slots))
            return resident_bytes(slots, self._slots.geometry.length)

    def add_reader(self, sock: socket.socket, hello: Hello, *, waits: bool = False) -> bool:
        """Give a ring to a reader; owns its connection from now on, in every case.

        If it `waits`, it gets the ring with the next item that `begins`, and nothing of what comes before.

        False: it was refused (another user's, too many readers) and told so, or the ring is closed, and
        the reader will ask the site again; `sock` is closed. The
        caller may watch `sock` for reading: readable means that the reader is gone, then call
        `remove_reader`. Without that, `publish` notices too, and `remove_dead` closes what it found.
        """
        with self._lock:
            if self._closed:
                sock.close()
                return False
            self._forget_returned()
            try:
                peer = check_peer(sock)
                reader_id = self._free_id(hello.leases)
            except (CamgraphError, OSError) as error:
                _log.warning("a reader of %r was refused: %s", self.stream, error)
                refuse(sock, str(error))
                return False
            kept = max(self._keep, hello.leases if self._patient else 0)
            link = ReaderLink(sock, reader_id, hello.leases, peer, kept)
            self._last_id = reader_id
            self._names[reader_id] = f"process {peer.pid} (reader {reader_id})"
            self._links.append(link)
            self._budget += link.leases
            self._see_how_patient()
            if waits:
                return True
            self._told.append(link)
            newest = self._slots.newest(self._keep)
            link.offer(self._slots, newest[0][0] if newest else self._seq + 1)
            for seq, slot in newest:
                link.notify(FRAME_LAYOUT.pack(FRAME_KIND, slot, self._slots.header.generation, 0, seq), seq)
        return True

    def remove_reader(self, sock: socket.socket) -> None:
        """Close a reader's connection and forget it; one that is not known (any more) is ignored."""
        with self._lock:
            self._part([link for link in self._links if link.sock is sock])
            self._close_parted([link for link in self._parted if link.sock is sock])

    def remove_dead(self) -> None:
        """Close the connections of readers that `publish` found gone."""
        with self._lock:
            self._close_parted(list(self._parted))

    def sockets(self) -> tuple[socket.socket, ...]:
        """Return the connections of all readers; they stay the ring's."""
        with self._lock:
            return tuple(link.sock for link in (*self._links, *self._parted))

    def publish(self, planes: Sequence[Bytes], meta: FrameMeta, size: tuple[int, int] | None = None) -> bool:
        """Copy a frame into the ring and tell the readers; never waits.

        `planes`: one uint8 array per plane of the format, (rows, bytes) or (rows, pixels, channels), strided
        at will; `size`, (width, height), if the picture has fewer pixels than the ring's. False: nothing was
        done, there is no reader (and nothing is kept), or the frame was dropped, every slot is held. Raises
        ValueError for planes of another shape, ClosedError.
        """
        return self._put(planes, meta, None if size is None else self._slots.geometry.smaller(*size))

    def publish_bytes(
        self, data: bytes | bytearray | memoryview | Bytes, meta: FrameMeta, *, begins: bool = False
    ) -> bool:
        """Copy an item into a ring of items (bytes, nal, fmp4) and tell the readers; never waits.

        Readers that wait for an item that `begins` get the ring with it.
        False: as `publish`. Raises ValueError if it is longer than the ring's items, or empty; ClosedError.
        """
        item = np.frombuffer(data, np.uint8)
        if begins:
            self._begin_those_waiting()
        return self._put((item.reshape(1, -1),), meta, self._slots.geometry.of_item(len(item)))

    def _put(self, planes: Sequence[Bytes], meta: FrameMeta, size: Geometry | None) -> bool:
        with self._lock:
            if self._closed:
                raise ClosedError(f"the ring of {self.stream!r} was closed")
            if not self._told and not self._keep:
                return False
            slots = self._slots
            slot = slots.take(self._clock(), GRACE_NS, self._budget, self._waiting_frames)
            # A dropped frame takes a number too, so that its loss shows at the readers.
            self._seq = seq = self._seq + 1
            if slot is None:
                self._no_slot += 1
                self._holder = self._names.get(slots.holder() or 0, "nobody any more")
                return False
            try:
                slots.words[slot.seq_word] = 0
                write_meta(slots.memory, slot.header_at, meta)
                notice = FRAME_LAYOUT.pack(FRAME_KIND, slot.index, slots.header.generation, 0, seq)
                if slot.geometry is not (size or slots.geometry):
                    slots.shape(slot, size or slots.geometry)
                slot.write(planes)
            except BaseException:
                slots.give_back(slot)
                raise
            # From here on readers wait: nothing that could have been done before.
            slots.give(slot, seq, self._clock())
            gone = False
            for link in self._told:
                link.notify(notice, seq)
                gone |= link.gone
            self._published += 1
            if gone:
                self._part([link for link in self._told if link.gone])
        return True

    def reshape(self, format: FrameFormat, width: int, height: int) -> None:  # noqa: A002
        """Begin a new generation with another geometry, on the same connections.

        Frames of the old one stay valid for as long as their readers hold them.
        """
        geometry = Geometry(format, width, height)
        with self._lock:
            if self._closed:
                raise ClosedError(f"the ring of {self.stream!r} was closed")
            old, self._slots = self._slots, self._make_slots(geometry, self._slots.header.generation + 1)
            old.close()
            self._forget_returned()
            for link in self._told:
                link.offer(self._slots, self._seq + 1)

    def statistics(self) -> WriterStatistics:
        """Return the counts so far."""
        with self._lock:
            return WriterStatistics(
                published=self._published,
                behind=self._behind_of_gone + sum(link.behind for link in self._links),
                no_slot=self._no_slot,
                readers=self.readers,
                generation=self._slots.header.generation,
                slots_touched=self._slots.touched,
                holder=self._holder,
            )

    def close(self) -> None:
        """Let the memory and the connections go; readers see the end at once. Closing twice does nothing."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._part(list(self._links))
                self._close_parted(list(self._parted))
                self._slots.close()

    def forget_in_child(self) -> None:
        """Close a forked child's copies of the connections; the ring stays the parent's."""
        self._lock = threading.Lock()
        self._closed = True
        for link in (*self._links, *self._parted):
            link.sock.close()
        self._links, self._told, self._parted = [], [], []

    def _begin_those_waiting(self) -> None:
        with self._lock:
            if self._closed:
                return
            for link in self._links:
                if link not in self._told:
                    self._told.append(link)
                    link.offer(self._slots, self._seq + 1)

    def _make_slots(self, geometry: Geometry, generation: int) -> Slots:
        if geometry.width < 1 or geometry.height < 1:
            raise ValueError(f"a picture of {geometry.width}x{geometry.height} px has no pixels")
        affordable = self._max_bytes // whole_pages(geometry.length)
        slots = max(min(affordable, MAX_SLOTS), self._budget + MIN_LEASES)
        return Slots(
            f"camgraph-{self.stream[:60]}", geometry, epoch=self._epoch, generation=generation, slots=slots
        )

    def _free_id(self, leases: int) -> int:
        spare = self._slots.header.slots - self._budget + sum(self._kept.values())
        if leases > spare:
            raise BrokenError(
                f"the ring of {self.stream!r} has slots for {spare} more held frames, not for {leases}: "
                "ask for fewer leases, or close other readers"
            )
        used = {link.reader_id for link in self._links}
        for step in range(LOCK_STRIDE - 1):
            reader_id = (self._last_id + step) % (LOCK_STRIDE - 1) + 1
            if reader_id not in used:
                return reader_id
        raise BrokenError(f"the ring of {self.stream!r} has {len(used)} readers, and no place for another")

    def _part(self, links: list[ReaderLink]) -> None:
        for link in links:
            self._links.remove(link)
            if link in self._told:
                self._told.remove(link)
            self._parted.append(link)
            self._kept[link.reader_id] = self._kept.get(link.reader_id, 0) + link.leases
            self._behind_of_gone += link.behind
        self._see_how_patient()
        self._forget_returned()

    def _see_how_patient(self) -> None:
        if self._patient:
            half = max((link.leases // 2 for link in self._links), default=0)
            self._waiting_frames = max(self._keep, half)

    def _forget_returned(self) -> None:
        for reader_id in [key for key in self._kept if not self._slots.is_held_by(key)]:
            self._budget -= self._kept.pop(reader_id)

    def _close_parted(self, links: list[ReaderLink]) -> None:
        for link in links:
            self._parted.remove(link)
            link.sock.close()
