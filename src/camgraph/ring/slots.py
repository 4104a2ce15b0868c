"""The writer's side of one generation of a ring: its memory, and which slot the next frame goes to."""

import os
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import islice

import numpy as np
import numpy.typing as npt

from camgraph.base.pixels import planes_of
from camgraph.ring import locks
from camgraph.ring.layout import (
    LOCK_STRIDE,
    NEWEST_OFFSET,
    NEWEST_SLOT_BITS,
    PUBLISH_WORD,
    TOUCHED_OFFSET,
    Geometry,
    RingHeader,
)
from camgraph.ring.memory import Pages, create, reopen

Plane = npt.NDArray[np.uint8]
_UINT8 = np.dtype(np.uint8)


class Slot:
    """A slot that has been written at least once, with everything prepared that writing it again needs."""

    __slots__ = (
        "_payload",
        "_pixels",
        "_rows",
        "geometry",
        "header_at",
        "index",
        "lock",
        "published_ns",
        "seq_word",
        "unlock",
    )

    def __init__(self, index: int, header_at: int, payload: Plane, geometry: Geometry) -> None:
        self.index = index
        self.header_at = header_at
        self.seq_word = header_at // 8
        self.lock = locks.write_lock(index * LOCK_STRIDE, LOCK_STRIDE)
        self.unlock = locks.no_lock(index * LOCK_STRIDE, LOCK_STRIDE)
        self.published_ns = 0
        self._payload = payload
        self.shape(geometry)

    def shape(self, geometry: Geometry) -> None:
        """Be about to hold a picture, or an item, of that geometry; it has room."""
        self._rows: list[Plane] = []
        self._pixels: list[Plane] = []
        payload = self._payload
        for plane in planes_of(*geometry):
            flat = payload[plane.offset : plane.offset + plane.stride * plane.height]
            self._rows.append(flat.reshape(plane.height, plane.stride))
            self._pixels.append(flat.reshape(plane.height, plane.width, plane.channels))
        self.geometry = geometry

    def write(self, planes: Sequence[Plane]) -> None:
        """Copy the planes of a picture; raise ValueError if one has another shape."""
        if len(planes) != len(self._rows):
            raise ValueError(f"{len(self._rows)} planes make a picture of this ring, not {len(planes)}")
        for plane, rows, pixels in zip(planes, self._rows, self._pixels, strict=True):
            target = rows if plane.ndim == 2 else pixels
            if plane.shape != target.shape or plane.dtype != _UINT8:
                raise ValueError(
                    f"a plane must be {rows.shape} or {pixels.shape} uint8, not {plane.shape} {plane.dtype}"
                )
            # Releases the GIL, as numpy.copyto does, at half of its overhead.
            target[...] = plane


class Slots:
    """One generation: a memfd and its slots, taken for writing oldest first, touched only when needed."""

    def __init__(self, name: str, geometry: Geometry, *, epoch: int, generation: int, slots: int) -> None:
        self.geometry = geometry
        self.header = RingHeader.plan(generation, slots, epoch, geometry.length)
        self._pages: Pages | None = create(name, self.header.size)
        array = np.asarray(self._pages)
        self.memory = array.data[: self.header.payload_offset]
        self.words = self.memory.cast("Q")
        self._array: Plane | None = array
        self._by_age: deque[Slot] = deque()
        self.header.pack_into(self.memory)

    @property
    def touched(self) -> int:
        """Slots that have been written: what of the ring is resident."""
        return len(self._by_age)

    @property
    def touched_bytes(self) -> int:
        """The memory that the kernel has given for it so far."""
        return os.fstat(self._descriptor).st_blocks * 512

    def open_for_reader(self) -> list[int]:
        """Return a descriptor to map and one to lock with; the caller owns them."""
        assert self._pages is not None
        to_map = reopen(self._pages)
        try:
            return [to_map, reopen(self._pages)]
        except OSError:
            os.close(to_map)
            raise

    def newest(self, count: int) -> list[tuple[int, int]]:
        """Return (seq, slot) of the newest frames, `count` at most, the oldest of them first."""
        slots = [slot for slot in self._by_age if self.words[slot.seq_word]]
        return [(self.words[slot.seq_word], slot.index) for slot in slots[max(0, len(slots) - count) :]]

    def take(self, now_ns: int, grace_ns: int, budget: int, keep: int) -> Slot | None:
        """Return a slot locked for writing; None if all are held, or memory is short. `give` must follow.

        Preferred is the oldest one that has been readable for `grace_ns`; then a fresh one, while fewer
        than `budget` have been touched, which is never exceeded; then the oldest younger one. The `keep`
        newest ones are not taken, unless there is no other.
        """
        by_age = self._by_age
        older = islice(by_age, max(0, len(by_age) - keep)) if keep else by_age
        slot = self._first_free(older, now_ns - grace_ns)
        if slot is None and len(self._by_age) < budget:
            slot = self._fresh()
        return slot or self._first_free(self._by_age, now_ns)

    def shape(self, slot: Slot, geometry: Geometry) -> None:
        """Have a slot that `take` returned hold a picture of another size, or an item, from now on."""
        slot.shape(geometry)
        geometry.pack_into(self.memory, slot.header_at, self.header.epoch)

    def give(self, slot: Slot, seq: int, now_ns: int) -> None:
        """Let readers have what was written into a slot that `take` returned."""
        words = self.words
        slot.published_ns = words[slot.seq_word + PUBLISH_WORD] = now_ns
        words[slot.seq_word] = seq
        self._unlock(slot)
        words[NEWEST_OFFSET // 8] = seq << NEWEST_SLOT_BITS | slot.index
        self._by_age.append(slot)

    def give_back(self, slot: Slot) -> None:
        """Return a slot whose writing failed: there is nothing in it."""
        self._unlock(slot)
        self._by_age.appendleft(slot)

    def holder(self) -> int | None:
        """Return the reader that holds the oldest slot; None if nobody does any more."""
        for slot in self._by_age:
            start = locks.first_conflict(self._descriptor, slot.lock)
            if start is not None:
                return start % LOCK_STRIDE
        return None

    def is_held_by(self, reader_id: int) -> bool:
        """Tell whether a reader holds any slot."""
        starts = (slot.index * LOCK_STRIDE + reader_id for slot in self._by_age)
        return any(
            locks.first_conflict(self._descriptor, locks.write_lock(start, 1)) is not None for start in starts
        )

    def close(self) -> None:
        """Let the memory go; readers keep theirs for as long as they hold a frame of it."""
        self._by_age.clear()
        self._array = None
        self._pages = None
        self.words.release()
        self.memory.release()

    @property
    def _descriptor(self) -> int:
        assert self._pages is not None
        return self._pages.descriptor

    def _first_free(self, candidates: Iterable[Slot], latest_ns: int) -> Slot | None:
        descriptor = self._descriptor
        for slot in candidates:
            if slot.published_ns > latest_ns:
                break
            if locks.try_lock(descriptor, slot.lock):
                self._by_age.remove(slot)
                return slot
        return None

    def _fresh(self) -> Slot | None:
        index = len(self._by_age)
        header = self.header
        if index >= header.slots:
            return None
        assert self._array is not None
        assert self._pages is not None
        at = header.payload_at(index)
        payload = self._array[at : at + header.capacity]
        slot = Slot(index, header.slot_header_at(index), payload, self.geometry)
        if not locks.try_lock(self._descriptor, slot.lock):
            return None
        if not self._pages.populate(at, header.slot_stride):
            self._unlock(slot)
            return None
        self.geometry.pack_into(self.memory, slot.header_at, header.epoch)
        self.words[TOUCHED_OFFSET // 8] = index + 1
        return slot

    def _unlock(self, slot: Slot) -> None:
        locks.unlock(self._descriptor, slot.unlock)
