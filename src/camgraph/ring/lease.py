"""The reader's side of one generation of a ring: its memory, and the leases on its slots."""

import threading
from collections import deque
from collections.abc import Sequence
from typing import Any
from weakref import ref

import numpy as np

from camgraph.base.errors import BrokenError
from camgraph.ring import locks
from camgraph.ring.layout import (
    NEWEST_OFFSET,
    NEWEST_SLOT_BITS,
    SLOT_HEADER,
    TOUCHED_OFFSET,
    RingHeader,
    SlotHeader,
)
from camgraph.ring.memory import adopt
from camgraph.ring.protocol import Ring

# What leasing a slot needs, made once: records that lock and unlock, where its header lies, its payload.
_Prepared = tuple[bytes, bytes, int, dict[str, Any]]


class Watch(ref["Lease"]):
    """Knows which slot a lease was of, when the lease has died."""

    __slots__ = ("slot",)
    slot: int


class Lease:
    """A slot that the writer can't overwrite for as long as this object lives.

    ``numpy.asarray(lease)`` is the payload, (capacity,) uint8, read-only. The array's base is the lease, and
    whatever is made of the array keeps the array: numpy shortens chains of views only as far as the array
    whose base is no array. (One made over a *memoryview* has for base what the memoryview is of: views of it
    would skip it.)
    """

    __slots__ = ("__array_interface__", "__weakref__", "header", "ring", "watch")

    def __init__(self, ring: "LeasedRing", slot: int, header: SlotHeader, payload: dict[str, Any]) -> None:
        self.ring = ring
        self.header = header
        self.__array_interface__ = payload
        self.watch = watch = Watch(self, ring.released.append)
        watch.slot = slot

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
        self.pages = adopt(to_map, to_lock, ring.size)
        self._memory = np.asarray(self.pages).data
        try:
            self.header = RingHeader.unpack_from(self._memory)
        except ValueError as error:
            raise BrokenError(str(error)) from error
        if self.header.uuid != ring.uuid:
            raise BrokenError("the memory that came is another ring's")
        self._newest = self._memory[NEWEST_OFFSET : NEWEST_OFFSET + 8].cast("Q")
        self._touched = self._memory[TOUCHED_OFFSET : TOUCHED_OFFSET + 8].cast("Q")
        words = np.asarray(self.pages)[: self.header.payload_offset].view(np.uint64)
        first, step = self.header.slot_header_offset // 8, self.header.slot_header_bytes // 8
        self._seqs = words[first::step][: self.header.slots]
        self._prepared: dict[int, _Prepared] = {}
        self.reader_id = ring.reader_id
        self.limit = ring.lease_limit
        self.released: deque[Watch] = deque()
        self._held: dict[int, Watch] = {}
        self._lock = threading.Lock()

    @property
    def held(self) -> int:
        """How many slots are leased."""
        return len(self._held)

    def newest(self) -> tuple[int, int]:
        """Return (seq, slot) of the newest frame: a hint, which only its lease verifies."""
        word = self._newest[0]
        return word >> NEWEST_SLOT_BITS, word & ((1 << NEWEST_SLOT_BITS) - 1)

    def lying(self, after: int, upto: int) -> list[tuple[int, int]]:
        """Return (seq, slot) of the frames with numbers in between that lie in the ring, in order: hints."""
        seqs = self._seqs[: self._touched[0]].copy()
        slots = np.flatnonzero((seqs > after) & (seqs <= upto))
        return sorted(zip(seqs[slots].tolist(), slots.tolist(), strict=True))

    def lease(self, slot: int, seq: int) -> Lease | None:
        """Lease frame `seq` in `slot`; None if it has been overwritten, or is being."""
        with self._lock:
            if slot in self._held or not 0 <= slot < self.header.slots:
                return None
            descriptor = self.pages.descriptor
            lock, unlock, header_at, payload = self._prepared.get(slot) or self._prepare(slot)
            if not locks.try_lock(descriptor, lock):
                return None
            try:
                header = SlotHeader._make(SLOT_HEADER.unpack_from(self._memory, header_at))
                if header.seq == seq:
                    lease = Lease(self, slot, header, payload)
                    self._held[slot] = lease.watch
                    return lease
            except BaseException:
                locks.unlock(descriptor, unlock)
                raise
            locks.unlock(descriptor, unlock)
            return None

    def reap(self) -> None:
        """Unlock the slots whose leases have died; what another thread is at is left to that thread."""
        while self.released and self._lock.acquire(blocking=False):
            try:
                while self.released:
                    watch = self.released.popleft()
                    if self._held.get(watch.slot) is watch and not self.pages.forgotten:
                        locks.unlock(self.pages.descriptor, self._prepared[watch.slot][1])
                        # Afterwards: `lease` must not lock again what is about to be unlocked.
                        del self._held[watch.slot]
            finally:
                self._lock.release()

    def _prepare(self, slot: int) -> "_Prepared":
        header, at = self.header, slot * self.header.lock_stride + self.reader_id
        payload = self.pages.interface(header.payload_at(slot), header.capacity)
        prepared = (locks.read_lock(at, 1), locks.no_lock(at, 1), header.slot_header_at(slot), payload)
        self._prepared[slot] = prepared
        return prepared
