"""The reader's side of one generation of a ring: its memory, and the leases on its slots."""

import threading
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple
from weakref import ref

import numpy as np
import numpy.typing as npt

from camgraph.base.errors import BrokenError
from camgraph.ring import locks
from camgraph.ring.layout import NEWEST_OFFSET, NEWEST_SLOT_BITS, SLOT_HEADER, RingHeader, SlotHeader
from camgraph.ring.memory import Pages, adopt
from camgraph.ring.protocol import Ring

Bytes = npt.NDArray[np.uint8]


class _Payload:
    """The bytes of a slot, for numpy: the base of each frame's own array.

    Views made of an array of numpy's keep that array alive, not its base, unless the base is an array or
    a memoryview of one itself: then they keep only the base, and the lease would end too early.
    """

    __slots__ = ("__array_interface__", "_pages")

    def __init__(self, pages: Pages, offset: int, length: int) -> None:
        self._pages = pages
        self.__array_interface__ = pages.interface(offset, length)


class Watch(ref[Bytes]):
    """Knows which slot an array lies in, when the array has died."""

    __slots__ = ("slot",)
    slot: int


class Lease(NamedTuple):
    """A slot that the writer can't overwrite for as long as `root`, or anything made of it, lives."""

    ring: "LeasedRing"
    watch: Watch
    root: Bytes
    """The payload, (capacity,) uint8, read-only."""
    header: SlotHeader

    def release(self) -> None:
        """Let the writer have the slot now, whatever views of it live."""
        self.ring.released.append(self.watch)
        self.ring.reap()


class LeasedRing:
    """A mapped generation, and the locks that this reader holds in it.

    A finalizer runs wherever the collector happens to, also in a thread that holds `_lock`; therefore it
    only appends to `released`, and nothing waits for `_lock` but `lease`.
    """

    def __init__(self, ring: Ring, descriptors: Sequence[int]) -> None:
        """Map a ring; takes the descriptors, on failure too. Raises BrokenError, OSError."""
        to_map, to_lock = descriptors
        self._pages = adopt(to_map, to_lock, ring.size)
        self._memory = np.asarray(self._pages).data
        try:
            self.header = RingHeader.unpack_from(self._memory)
        except ValueError as error:
            raise BrokenError(str(error)) from error
        if self.header.uuid != ring.uuid:
            raise BrokenError("the memory that came is another ring's")
        self._newest = self._memory[NEWEST_OFFSET : NEWEST_OFFSET + 8].cast("Q")
        self._payloads: dict[int, _Payload] = {}
        self._lock_bytes: dict[int, tuple[bytes, bytes]] = {}
        self.reader_id = ring.reader_id
        self.limit = ring.lease_limit
        self.released: deque[Watch] = deque()
        self._held: dict[int, Watch] = {}
        self._lock = threading.Lock()

    @property
    def held(self) -> int:
        """How many slots are leased."""
        return len(self._held)

    @property
    def forgotten(self) -> bool:
        """This process was forked from the one that holds the leases."""
        return self._pages.forgotten

    def newest(self) -> tuple[int, int]:
        """Return (seq, slot) of the newest frame: a hint, which only its lease verifies."""
        word = self._newest[0]
        return word >> NEWEST_SLOT_BITS, word & ((1 << NEWEST_SLOT_BITS) - 1)

    def lease(self, slot: int, seq: int) -> Lease | None:
        """Lease frame `seq` in `slot`; None if it has been overwritten, or is being."""
        with self._lock:
            if slot in self._held or not 0 <= slot < self.header.slots:
                return None
            lock, unlock = self._lock_bytes.get(slot) or self._prepare(slot)
            if not locks.try_lock(self._pages.descriptor, lock):
                return None
            try:
                header = SlotHeader._make(
                    SLOT_HEADER.unpack_from(self._memory, self.header.slot_header_at(slot))
                )
                if header.seq == seq:
                    root: Bytes = np.asarray(self._payloads[slot])
                    watch = Watch(root, self.released.append)
                    watch.slot = slot
                    self._held[slot] = watch
                    return Lease(self, watch, root, header)
            except BaseException:
                locks.unlock(self._pages.descriptor, unlock)
                raise
            locks.unlock(self._pages.descriptor, unlock)
            return None

    def reap(self) -> None:
        """Unlock the slots whose arrays have died; what another thread is at is left to that thread."""
        while self.released and self._lock.acquire(blocking=False):
            try:
                while self.released:
                    watch = self.released.popleft()
                    if self._held.get(watch.slot) is watch and not self.forgotten:
                        locks.unlock(self._pages.descriptor, self._lock_bytes[watch.slot][1])
                        # Afterwards: `lease` must not lock again what is about to be unlocked.
                        del self._held[watch.slot]
            finally:
                self._lock.release()

    def _prepare(self, slot: int) -> tuple[bytes, bytes]:
        start = self.header.payload_at(slot)
        self._payloads[slot] = _Payload(self._pages, start, self.header.capacity)
        at = slot * self.header.lock_stride + self.reader_id
        pair = self._lock_bytes[slot] = locks.read_lock(at, 1), locks.no_lock(at, 1)
        return pair
