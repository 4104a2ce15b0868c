"""The reader of a ring: frames as views, iterated, polled, waited for, selected on, or awaited."""

import socket
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, NoReturn, Self
from weakref import finalize

from camgraph.base.errors import BrokenError, CamgraphError, ClosedError
from camgraph.ring.forks import forget_in_children
from camgraph.ring.frame import Frame
from camgraph.ring.intake import Intake, ReaderStatistics
from camgraph.ring.protocol import RingRequest

if TYPE_CHECKING:
    import asyncio

__all__ = ["ReadPolicy", "Reader", "ReaderStatistics"]

ReadPolicy = Literal["latest", "every"]


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
        patient: bool = False,
    ) -> None:
        """Connect and ask, without waiting for the answer.

        `connect` returns a new connected SOCK_SEQPACKET socket, or raises BrokenError when nobody is there: a
        `patient` reader waits for somebody to come then, at first and whenever the writer has gone.
        """
        if policy not in ("latest", "every"):
            raise ValueError(f"policy {policy!r} is unknown; choose 'latest' or 'every'")
        self._closed = False
        self._request = request
        self._mutex = threading.Lock()
        self._waiting = 0
        self._failure: tuple[type[CamgraphError], str] | None = None
        self._awaited = False
        self._intake = Intake(connect, request, latest=policy == "latest", leases=leases, patient=patient)
        self._connection = self._intake.connection
        # Not __del__: in a cycle, that would come after the socket's own finalizer.
        finalize(self, self._connection.close).atexit = False
        forget_in_children(self)

    @property
    def request(self) -> RingRequest:
        """What was asked for."""
        return self._request

    @property
    def newest_seq(self) -> int:
        """The number of the newest frame in the ring; 0: none is known."""
        with self._mutex:
            return self._intake.newest_seq

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
        frame = self._read(waited=False, will_wait=True)
        while frame is None:
            try:
                remaining = None if deadline is None else deadline - time.monotonic()
                if remaining is not None and remaining <= 0:
                    raise TimeoutError(f"no frame of {self._request.stream!r} came within {timeout} s")
                self._connection.wait(remaining)
            except BaseException:
                self._end_wait()
                raise
            frame = self._read(waited=True, will_wait=True)
        return frame

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
        """Return the next frame. One task at a time: a second one gets a RuntimeError."""
        import asyncio

        loop = asyncio.get_running_loop()
        # One turn of the loop per frame, also when frames come faster than they are used.
        await asyncio.sleep(0)
        try:
            frame = self._read(waited=False, will_wait=True)
            while frame is None:
                try:
                    await self._readable(loop)
                except BaseException:
                    self._end_wait()
                    raise
                frame = self._read(waited=True, will_wait=True)
        except ClosedError:
            raise StopAsyncIteration from None
        return frame

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a Reader stays in its process: pass its request, of stream.frames(…), and read() that there"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def statistics(self) -> ReaderStatistics:
        """Return the counts so far."""
        with self._mutex:
            return self._intake.statistics()

    def close(self) -> None:
        """Let the connection go; who waits in another thread is woken. Closing twice does nothing."""
        self._closed = True
        self._connection.wake()
        self._finish()

    def forget_in_child(self) -> None:
        """Leave connection and leases to the parent of this forked child."""
        self._mutex = threading.Lock()
        self._failure = BrokenError, "the reader belongs to the process that this one was forked from"
        self._intake.forget_in_child()

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
                try:
                    frame = self._intake.take()
                except (BrokenError, ClosedError) as error:
                    self._failure = type(error), str(error)
                    raise
                if frame is None:
                    self._waiting += will_wait
                return frame
        finally:
            if self._closed:
                self._finish()

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
                if self._waiting:
                    # Once more: whoever was inside meanwhile may have replaced the connection.
                    self._connection.wake()
                else:
                    self._intake.close()
            finally:
                self._mutex.release()

    async def _readable(self, loop: "asyncio.AbstractEventLoop") -> None:
        if self._awaited:
            raise RuntimeError(f"another task is waiting for a frame of {self._request.stream!r}")
        self._awaited = True
        descriptor = self.fileno()
        readable: asyncio.Future[None] = loop.create_future()
        loop.add_reader(descriptor, _resolve, readable)
        try:
            await readable
        finally:
            loop.remove_reader(descriptor)
            self._awaited = False


def _resolve(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
