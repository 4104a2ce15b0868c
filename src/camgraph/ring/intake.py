"""What comes to a reader over its connection, made into frames: rings, notices, losses."""

import socket
from collections.abc import Callable
from dataclasses import dataclass

from camgraph.base.descriptors import close_all
from camgraph.base.errors import BrokenError, LeaseLimit
from camgraph.ring.connection import Connection
from camgraph.ring.frame import Frame
from camgraph.ring.lease import LeasedRing
from camgraph.ring.protocol import (
    FRAME_BYTES,
    FRAME_KIND,
    FRAME_LAYOUT,
    Hello,
    Refused,
    Ring,
    RingRequest,
    decode_answer,
)


@dataclass(frozen=True, slots=True)
class ReaderStatistics:
    """Counts since the reader was made; what became of each frame published while it was connected."""

    received: int
    late: int
    """Announced, and overwritten before this reader came for it."""
    behind: int
    """Never announced, since this reader's socket was full, or the ring had no free slot.

    With policy ``every`` what was not announced, and still lay in the ring, is had all the same.
    """
    skipped: int
    """Passed over for a newer one, by policy ``latest``."""
    reconnects: int
    held: int
    """Frames that are still referenced, of earlier rings and generations too."""
    epoch: int
    generation: int


class Intake:
    """The frames of one request, newest or next, across generations and connections.

    Not thread-safe, but for what `Connection` says. Owns its connection.
    """

    def __init__(
        self,
        connect: Callable[[], socket.socket],
        request: RingRequest,
        *,
        latest: bool,
        leases: int,
        patient: bool = False,
    ) -> None:
        """Connect and ask; raises BrokenError when there is nobody to connect to, unless `patient`."""
        self.connection = Connection(connect, Hello(request, leases).encode(), patient=patient)
        self._stream = request.stream
        self._latest = latest
        self._ring: LeasedRing | None = None
        self._retired: list[LeasedRing] = []
        self._fresh_connection = True
        self._drained = False
        self._epoch = self._generation = 0
        self._seq = 0  # what became of frames up to here has been counted
        self._received = self._late = self._behind = self._skipped = 0

    def take(self) -> Frame | None:
        """Return the next frame; None: there is none now. Raises LeaseLimit, BrokenError."""
        ring = self._ring
        if self._retired or (ring is not None and ring.released):
            self._reap()
        if ring is not None and ring.held >= ring.limit:
            raise LeaseLimit(
                f"{ring.held} frames of {self._stream!r} are held, as many as were granted: let one go, "
                f"keep frame.copy() instead, or ask for more (leases={ring.limit + 1})"
            )
        if ring is not None and self._drained:
            # What has come since is most often the one next frame. The hint says which without a system
            # call; its notice is received, and passed over, when there is time.
            seq, slot = ring.newest()
            if seq == self._seq + 1:
                lease = ring.lease(slot, seq)
                if lease is not None:
                    self._drained = False
                    self._seq = seq
                    self._received += 1
                    return Frame(self._stream, lease)
        return self._newest() if self._latest else self._next()

    @property
    def newest_seq(self) -> int:
        """The number of the newest frame in the ring; 0: there is no ring, or none in it."""
        return 0 if self._ring is None else self._ring.newest()[0]

    def statistics(self) -> ReaderStatistics:
        """Return the counts so far."""
        self._reap()
        return ReaderStatistics(
            received=self._received,
            late=self._late,
            behind=self._behind,
            skipped=self._skipped,
            reconnects=max(0, self.connection.made - 1),
            held=sum(ring.held for ring in (self._ring, *self._retired) if ring is not None),
            epoch=self._epoch,
            generation=self._generation,
        )

    def close(self) -> None:
        """Release the connection, and the rings as far as no frame of theirs is held."""
        self._ring, self._retired = None, []
        self.connection.close()

    def forget_in_child(self) -> None:
        """Leave connection and leases to the parent of this forked child."""
        self._ring, self._retired = None, []
        self.connection.forget_in_child()

    def _next(self) -> Frame | None:
        while True:
            # First of all: when no notice is left, those of all frames up to this one were sent or dropped.
            ring = self._ring
            hinted = 0 if ring is None else ring.newest()[0]
            while (notice := self._notice()) is not None:
                slot, seq = notice
                if seq == self._seq + 1:
                    self._seq = seq
                    frame = self._take(slot, seq)
                elif seq <= self._seq:
                    continue
                else:
                    frame = self._unannounced(seq)
                    self._late += frame is None and self._count(seq)
                if frame is not None:
                    return frame
            if ring is self._ring:
                frame = self._unannounced(hinted)
                self._behind += frame is None and self._count(hinted)
                return frame

    def _unannounced(self, upto: int) -> Frame | None:
        """Return the next frame up to that number that the ring still holds, though its notice is missing."""
        if upto <= self._seq:
            return None
        ring = self._ring
        assert ring is not None
        for seq, slot in ring.lying(self._seq, upto):
            lease = ring.lease(slot, seq)
            if lease is not None:
                self._count(seq)
                self._received += 1
                return Frame(self._stream, lease)
        return None

    def _newest(self) -> Frame | None:
        while True:
            best_ring, best_slot, best_seq = self._ring, 0, 0
            while True:
                # The hint comes first: what the socket holds afterwards tells of every frame before it, so
                # that those it does not tell of are known to be behind.
                ring = self._ring
                hinted_seq, hinted_slot = (0, 0) if ring is None else ring.newest()
                notice = self._notice()
                if notice is None:
                    break
                slot, seq = notice
                if self._count(seq):
                    self._skipped += best_seq > 0
                    best_ring, best_slot, best_seq = self._ring, slot, seq
                    if ring is self._ring and best_seq >= hinted_seq:
                        break
            if ring is self._ring and self._count(hinted_seq):
                self._skipped += best_seq > 0
                best_ring, best_slot, best_seq = ring, hinted_slot, hinted_seq
            if not best_seq:
                return None
            if best_ring is not self._ring:
                self._late += 1
                continue
            frame = self._take(best_slot, best_seq)
            if frame is not None:
                return frame

    def _count(self, seq: int) -> bool:
        """Count what was lost before frame `seq`; False: it has been counted itself."""
        if seq <= self._seq:
            return False
        self._behind += seq - self._seq - 1
        self._seq = seq
        return True

    def _take(self, slot: int, seq: int) -> Frame | None:
        assert self._ring is not None
        lease = self._ring.lease(slot, seq)
        if lease is None:
            self._late += 1
            return None
        self._received += 1
        return Frame(self._stream, lease)

    def _notice(self) -> tuple[int, int] | None:
        """Return the next notice of a frame, as (slot, seq); what else comes is dealt with here."""
        while (received := self.connection.receive()) is not None:
            data, descriptors = received
            # The commonest first, and unpacked here: a reader that wakes up finds all caches cold.
            if len(data) == FRAME_BYTES and not descriptors:
                kind, slot, generation, _, seq = FRAME_LAYOUT.unpack(data)
                if kind == FRAME_KIND:
                    if self._ring is not None and generation == self._generation:
                        return slot, seq
                    continue
            if data:
                self._answer(data, descriptors)
            else:
                self._count_unannounced()
                self._retire()
                self._fresh_connection = True
        self._drained = True
        return None

    def _answer(self, data: bytes, descriptors: list[int]) -> None:
        try:
            answer = decode_answer(data)
        except ValueError as error:
            close_all(descriptors)
            raise BrokenError(str(error)) from error
        if isinstance(answer, Ring):
            self._adopt(answer, descriptors)
            return
        close_all(descriptors)
        if isinstance(answer, Refused):
            raise BrokenError(answer.reason)

    def _count_unannounced(self) -> None:
        """Count what a writer that has ended published and could not announce, since the socket was full."""
        if self._ring is not None and self._count(self._ring.newest()[0]):
            self._behind += 1

    def _adopt(self, ring: Ring, descriptors: list[int]) -> None:
        self._retire()
        if len(descriptors) != 2:
            close_all(descriptors)
            raise BrokenError("a ring came without its descriptors")
        try:
            self._ring = LeasedRing(ring, descriptors)
        except OSError as error:
            raise BrokenError(f"the ring of {self._stream!r} can't be used: {error}") from error
        if self._fresh_connection:
            self._fresh_connection = False
            self._seq = ring.next_seq - 1
        self._epoch, self._generation = ring.epoch, ring.generation

    def _retire(self) -> None:
        ring, self._ring = self._ring, None
        if ring is not None:
            self._retired.append(ring)
            self._reap()

    def _reap(self) -> None:
        if self._ring is not None:
            self._ring.reap()
        if self._retired:
            for ring in self._retired:
                ring.reap()
            self._retired = [ring for ring in self._retired if ring.held]
