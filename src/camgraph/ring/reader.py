"""The reader of a ring: frames as views, iterated, polled, waited for, selected on, or awaited."""

import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self
from weakref import finalize

from camgraph.base.descriptors import close_all
from camgraph.base.errors import BrokenError, CamgraphError, ClosedError, LeaseLimit
from camgraph.ring.connection import Connection
from camgraph.ring.forks import forget_in_children
from camgraph.ring.frame import Frame
from camgraph.ring.lease import LeasedRing
from camgraph.ring.protocol import FrameNotice, Hello, Ring, RingRequest, decode_answer

if TYPE_CHECKING:
    import asyncio

ReadPolicy = Literal["latest", "every"]


@dataclass(frozen=True, slots=True)
class ReaderStatistics:
    """Counts since the reader was made; what became of each frame published while it was connected."""

    received: int
    late: int
    """Announced, and overwritten before this reader came for it."""
    behind: int
    """Never announced: this reader's socket was full, or the ring had no free slot."""
    skipped: int
    """Passed over for a newer one, by policy ``latest``."""
    reconnects: int
    held: int
    """Frames of the present ring that are still referenced."""
    epoch: int
    generation: int


class Reader:
    """Frames of one stream, in one format, size and rate.

    With policy ``latest`` the newest frame, with ``every`` all in order, as far as the ring holds them.
    Iterating, and ``async for``, end when the reader is closed. When the media process dies the reader
    connects again by itself, and goes on with a grown `Frame.epoch`. Threads may share a reader; each frame
    goes to one of them. Closed when collected; frames stay valid after closing.
    """

    def __init__(
        self,
        connect: Callable[[], socket.socket],
        request: RingRequest,
        *,
        policy: ReadPolicy = "latest",
        leases: int = 3,
    ) -> None:
        """Connect and ask, without waiting for the answer.

        `connect` returns a new connected SOCK_SEQPACKET socket, or raises BrokenError when nobody is there.
        """
        if policy not in ("latest", "every"):
            raise ValueError(f"policy {policy!r} is unknown; choose 'latest' or 'every'")
        self._closed = False
        self._request = request
        self._latest = policy == "latest"
        self._mutex = threading.Lock()
        self._waiting = 0
        self._failure: tuple[type[CamgraphError], str] | None = None
        self._ring: LeasedRing | None = None
        self._retired: list[LeasedRing] = []
        self._fresh_connection = True
        self._epoch = self._generation = 0
        self._seq = 0  # what became of frames up to here has been counted
        self._received = self._late = self._behind = self._skipped = 0
        self._connection = Connection(connect, Hello(request, leases).encode())
        # Not __del__: in a cycle, that would come after the socket's own finalizer.
        finalize(self, self._connection.close).atexit = False
        forget_in_children(self)

    @property
    def request(self) -> RingRequest:
        """What was asked for."""
        return self._request

    def fileno(self) -> int:
        """Return a descriptor to select on, the same for the reader's whole life (-1: closed).

        When it is readable, call `read_nowait` until that returns None.
        """
        return self._connection.fileno()

    def read_nowait(self) -> Frame | None:
        """Return the next frame; None if there is none now. Never waits.

        Raises LeaseLimit if as many frames are held as were granted, BrokenError if the ring was refused or
        the site is gone, ClosedError.
        """
        return self._read(waited=False, will_wait=False)

    def read(self, timeout: float | None = None) -> Frame:
        """Return the next frame, waiting for it `timeout` seconds at most (None: without bound).

        Raises TimeoutError; ClosedError, when closed by another thread as well; else as `read_nowait`.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        waited = False
        while True:
            remaining = None if deadline is None else deadline - time.monotonic()
            more = remaining is None or remaining > 0
            frame = self._read(waited, more)
            if frame is not None:
                return frame
            if not more:
                raise TimeoutError(f"no frame of {self._request.stream!r} came within {timeout} s")
            try:
                self._connection.wait(remaining)
            except BaseException:
                self._end_wait()
                raise
            waited = True

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Frame:
        try:
            return self.read()
        except ClosedError:
            raise StopIteration from None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Frame:
        import asyncio

        loop = asyncio.get_running_loop()
        # One turn of the loop per frame, also when frames come faster than they are used.
        await asyncio.sleep(0)
        waited = False
        while True:
            try:
                frame = self._read(waited, will_wait=True)
            except ClosedError:
                raise StopAsyncIteration from None
            if frame is not None:
                return frame
            try:
                await self._readable(loop)
            except BaseException:
                self._end_wait()
                raise
            waited = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def statistics(self) -> ReaderStatistics:
        """Return the counts so far."""
        with self._mutex:
            self._reap()
            return ReaderStatistics(
                received=self._received,
                late=self._late,
                behind=self._behind,
                skipped=self._skipped,
                reconnects=self._connection.made - 1,
                held=0 if self._ring is None else self._ring.held,
                epoch=self._epoch,
                generation=self._generation,
            )

    def close(self) -> None:
        """Let the connection go; who waits in another thread is woken. Closing twice does nothing."""
        self._closed = True
        self._connection.wake()
        self._finish()

    def forget_in_child(self) -> None:
        """Leave connection and leases to the parent of this forked child."""
        self._mutex = threading.Lock()
        self._failure = BrokenError, "the reader belongs to the process that this one was forked from"
        self._ring, self._retired = None, []
        self._connection.forget_in_child()

    def _read(self, waited: bool, will_wait: bool) -> Frame | None:
        """Return a frame; on None the caller counts as waiting, if it says so, until it calls again."""
        try:
            with self._mutex:
                self._waiting -= waited
                if self._closed:
                    raise ClosedError(f"the reader of {self._request.stream!r} was closed")
                if self._failure is not None:
                    kind, text = self._failure
                    raise kind(text)
                ring = self._ring
                if self._retired or (ring is not None and ring.released):
                    self._reap()
                if ring is not None and ring.held >= ring.limit:
                    raise LeaseLimit(self._remedy(ring))
                try:
                    frame = self._newest() if self._latest else self._next()
                except (BrokenError, ClosedError) as error:
                    self._failure = type(error), str(error)
                    raise
                if frame is None:
                    self._waiting += will_wait
                return frame
        finally:
            if self._closed:
                self._finish()

    def _remedy(self, ring: LeasedRing) -> str:
        return (
            f"{ring.held} frames of {self._request.stream!r} are held, as many as were granted: let one go, "
            f"keep frame.copy() instead, or ask for more (leases={ring.limit + 1})"
        )

    def _next(self) -> Frame | None:
        while (notice := self._notice()) is not None:
            if self._count(notice.seq):
                frame = self._take(notice.slot, notice.seq)
                if frame is not None:
                    return frame
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
                if self._count(notice.seq):
                    self._skipped += best_seq > 0
                    best_ring, best_slot, best_seq = self._ring, notice.slot, notice.seq
                    if best_seq >= hinted_seq:
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
        try:
            frame = Frame(self._request.stream, lease)
        except ValueError as error:
            raise BrokenError(str(error)) from error
        self._received += 1
        return frame

    def _notice(self) -> FrameNotice | None:
        """Return the next notice of a frame; what else comes is dealt with here."""
        while (received := self._connection.receive()) is not None:
            data, descriptors = received
            if not data:
                self._retire()
                self._fresh_connection = True
                continue
            try:
                answer = decode_answer(data)
            except ValueError as error:
                close_all(descriptors)
                raise BrokenError(str(error)) from error
            if isinstance(answer, FrameNotice):
                close_all(descriptors)
                if self._ring is not None and answer.generation == self._generation:
                    return answer
            elif isinstance(answer, Ring):
                self._adopt(answer, descriptors)
            else:
                close_all(descriptors)
                raise BrokenError(answer.reason)
        return None

    def _adopt(self, ring: Ring, descriptors: list[int]) -> None:
        self._retire()
        if len(descriptors) != 2:
            close_all(descriptors)
            raise BrokenError("a ring came without its descriptors")
        try:
            self._ring = LeasedRing(ring, descriptors)
        except OSError as error:
            raise BrokenError(f"the ring of {self._request.stream!r} can't be used: {error}") from error
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

    def _end_wait(self) -> None:
        with self._mutex:
            self._waiting -= 1
        if self._closed:
            self._finish()

    def _finish(self) -> None:
        """Release everything once nobody is inside; whoever is does it on leaving."""
        # Never waits for the mutex: a collector may call `close` in the thread that holds it.
        if self._mutex.acquire(blocking=False):
            try:
                if not self._waiting:
                    self._ring, self._retired = None, []
                    self._connection.close()
            finally:
                self._mutex.release()

    async def _readable(self, loop: "asyncio.AbstractEventLoop") -> None:
        descriptor = self.fileno()
        readable: asyncio.Future[None] = loop.create_future()
        loop.add_reader(descriptor, _resolve, readable)
        try:
            await readable
        finally:
            loop.remove_reader(descriptor)


def _resolve(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
