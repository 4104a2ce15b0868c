"""A point where processes wait for each other, and never for one that is dead.

Nobody is in charge of it: no thread, no lock, no process that must run. All parties share three things of the
kernel, and each step is one system call, so a process may be killed or stopped between any two of them:

- *arrivals*, an eventfd: coming adds 1 to it, which wakes all that wait. `/proc` tells its count without
  taking it away; with ``parties × rounds`` a round is complete, whoever is killed or stopped from then on.
- *places*, an epoll of the maker, with one end of a socket pair for each place it has given away, whose other
  end is in that party's process. However that ends, the kernel tells it to all who hold the epoll. The maker
  keeps those ends, and does nothing with them; if it dies, each party sees that at its own end.
- the `ledger`, in which "complete" or "broken" is decided once for each round.
"""

import os
import select
import socket
import threading
import time
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self
from weakref import WeakSet

from camgraph.base.errors import BrokenError, ClosedError
from camgraph.base.parking import close_in_children, no_fork
from camgraph.process.descriptor import Descriptor, arrived
from camgraph.process.ledger import Ledger

MAX_PARTIES = 64
"""Each that comes wakes all that wait, so the work grows with the square."""
SHARED = 4
"""Descriptors that go along with a place."""


class Barrier:
    """Processes that wait until all `parties` of them have come, again and again.

    Whoever makes it keeps it, and passes it in calls (messages, results) to the others: each passing gives
    the receiver a place of its own. `wait` takes a place for the maker too; without it, the others are
    `parties`. A party that dies, or whose barrier is closed or collected, before the round is complete breaks
    it for all, at once and for good; so does the end of the maker's. Then, and after a timeout, make
    another. A forked copy has no place: pass it one.

    `wait` blocks its thread: in asyncio, ``await barrier`` instead; in another loop, `arrive`, watch
    `fileno`, and ask `passed`.
    """

    def __init__(self, parties: int) -> None:
        if not 1 <= parties <= MAX_PARTIES:
            raise ValueError(f"a barrier is for 1 to {MAX_PARTIES} parties, not {parties!r}")
        with no_fork():
            arrivals = Descriptor.owning(os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC))
            self._begin(parties, arrivals, select.epoll(), Ledger.new(parties))

    def _begin(self, parties: int, arrivals: Descriptor, places: select.epoll, ledger: Ledger) -> None:
        self._parties = parties
        self._arrivals, self._places, self._ledger = arrivals, places, ledger
        self._line: Descriptor | None = None
        """Of a place that was given: this end tells of the maker."""
        self._number: int | None = None
        self._kept: dict[int, Descriptor] = {}
        self._offered: WeakSet[Place] = WeakSet()
        self._giving = threading.Lock()
        self._round = 0
        self._coming = threading.Lock()
        """Held from arriving to the end of the round."""
        self._waiting = False
        self._closed = False
        self._pid = os.getpid()
        self._wakes = select.epoll()
        # Each arrival wakes once: its count stays.
        self._wakes.register(arrivals.fileno(), select.EPOLLIN | select.EPOLLET)
        self._wakes.register(places.fileno(), select.EPOLLIN)
        close_in_children(self)

    def __repr__(self) -> str:
        return f"<Barrier for {self._parties}, round {self._round}>"

    @property
    def parties(self) -> int:
        """How many must come."""
        return self._parties

    def wait(self, timeout: float | None = None) -> None:
        """Come, and wait `timeout` seconds at most (None: without bound) until all have come.

        Raises BrokenError naming who died or gave up; TimeoutError, by which it is broken for the others;
        ClosedError, when closed by another thread as well; RuntimeError if another thread waits here, or
        all places were given away.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        self.arrive()
        self._waiting = True
        try:
            while not self.passed():
                remaining = None if deadline is None else deadline - time.monotonic()
                if remaining is not None and remaining <= 0:
                    if not self._give_up(f"process {self._pid} waited {timeout:g} s in vain"):
                        return
                    raise TimeoutError(f"not all {self._parties} came to the barrier within {timeout:g} s")
                self._wakes.poll(remaining, 1)
        finally:
            self._end_wait()

    def __await__(self) -> Generator[Any, None, None]:
        """Come, and wait in asyncio; cancelled, as by ``asyncio.timeout``, it is broken for the others."""
        return self._wait_in_asyncio().__await__()

    def arrive(self) -> None:
        """Come, and do not wait: `passed` is asked then. Raises as `wait`."""
        self._check_usable()
        if not self._coming.acquire(blocking=False):
            raise RuntimeError("this place of the barrier is taken by another who waits")
        try:
            if self._number is None:
                self._number = self._next_number()
                self._ledger.take(self._number)
            if why := self._trouble():
                self._break_off(why)
                raise BrokenError(f"the barrier is broken: {self._ledger.reason()}")
        except BaseException:
            self._coming.release()
            raise
        try:
            os.eventfd_write(self._arrivals.fileno(), 1)
        except BaseException:
            # A signal's handler may have raised when it was counted already: never twice in a round.
            self._give_up(f"process {self._pid} does not wait any more")
            raise

    def passed(self) -> bool:
        """Tell whether all have come, after `arrive`; not to be asked again then. Raises BrokenError."""
        self._check_usable()
        if not self._coming.locked():
            raise RuntimeError("nobody waits at this place of the barrier: arrive() first")
        # First: what comes from now on wakes again.
        self._wakes.poll(0, 1)
        try:
            passed = self._is_complete()
        except BrokenError:
            self._coming.release()
            # Closed by another thread since: that is why.
            self._check_usable()
            raise
        if passed:
            self._go_on()
        return passed

    def fileno(self) -> int:
        """Return a descriptor that is readable when `passed` is worth asking (-1: closed)."""
        return -1 if self._wakes.closed else self._wakes.fileno()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "_wakes"):
            self.close()

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a Barrier goes along in calls, results and messages only: pass it by a backend method"
        )

    def close(self) -> None:
        """Give the place up, or, where it was made, the barrier; closing twice does nothing."""
        if self._pid == os.getpid() and not self._closed:
            self._closed = True
            # Closed before: by the collector, in a cycle, or by who waits and has seen the end.
            with suppress(ValueError, OSError):
                if self._line is None:
                    self._break_off("it was closed, or forgotten, where it was made: keep it there")
                elif self._number is not None:
                    self._ledger.leave(self._number)
                if self._waiting:
                    self._break_off(f"process {self._pid} has closed it")
            if self._waiting:
                # Whoever waits in another thread was woken, and releases all.
                return
        self._release()

    def offer(self) -> "Place":
        """Return a place for another process; for who passes it there."""
        self._check_usable()
        if self._line is not None:
            raise ValueError("only the process that has made a Barrier passes it on")
        with self._giving:
            number = self._next_number()
            with no_fork():
                ours, theirs = socket.socketpair()
                kept, line = Descriptor.owning(ours.detach()), Descriptor.owning(theirs.detach())
                close_in_children(kept)
                close_in_children(line)
            place = Place(self, number, kept, line)
            self._offered.add(place)
        return place

    def _take_in(self, place: "Place") -> None:
        if not self._closed:
            self._kept[place.number] = place.kept
            self._ledger.give(place.number, place.kept.fileno())
            # From now on its end breaks the barrier; if it has ended already, at once.
            self._places.register(place.kept.fileno(), 0)

    def _next_number(self) -> int:
        used = {*self._kept, *(place.number for place in self._offered), self._number}
        free = [number for number in range(self._parties) if number not in used]
        if not free:
            raise RuntimeError(f"all {self._parties} places of the barrier were given away")
        return free[0]

    def _check_usable(self) -> None:
        if self._pid != os.getpid():
            raise BrokenError(
                "this is a forked copy of a barrier, without a place: pass the barrier by a backend method"
            )
        if self._closed:
            raise ClosedError("the barrier was closed here")

    def _count(self) -> int:
        info = Path(f"/proc/self/fdinfo/{self._arrivals.fileno()}").read_bytes()
        return int(info.partition(b"eventfd-count:")[2].split(maxsplit=1)[0], 16)

    def _all_have_come(self) -> bool:
        return self._count() >= (self._round + 1) * self._parties and self._ledger.complete(self._round)

    def _is_complete(self) -> bool:
        """Tell whether the round is complete; raises BrokenError once it never will be."""
        # Before any trouble: who has passed may have left already.
        if self._all_have_come():
            return True
        why = self._trouble()
        if not why:
            return False
        if self._break_off(why):
            raise BrokenError(f"the barrier is broken: {self._ledger.reason()}")
        return True

    def _trouble(self) -> str:
        if self._ledger.is_broken():
            return self._ledger.reason()
        for kept, _ in self._places.poll(0, 1):
            seat = self._ledger.seat_of(kept)
            if not seat.pid:
                return "a place was lost on its way to another process"
            return f"process {seat.pid} {'has closed it, or forgotten it' if seat.left else 'has ended'}"
        if self._line is not None and _is_over(self._line):
            return "the process that made it has ended, or forgotten it"
        return ""

    def _break_off(self, why: str) -> bool:
        """Break it for all; False: the round was complete before."""
        if self._ledger.is_broken() or not self._ledger.break_off(self._round, why):
            return not self._ledger.complete(self._round)
        # It wakes all. What is counted means nothing any more.
        os.eventfd_write(self._arrivals.fileno(), 1)
        return True

    def _give_up(self, why: str) -> bool:
        """Come no more, which breaks it; False: the round was complete before."""
        broken = not self._all_have_come() and self._break_off(why)
        if broken:
            self._coming.release()
        else:
            self._go_on()
        return broken

    def _go_on(self) -> None:
        self._round += 1
        self._coming.release()

    def _end_wait(self) -> None:
        self._waiting = False
        if self._closed:
            self._release()
        elif self._coming.locked():
            # It was interrupted.
            self._give_up(f"process {self._pid} does not wait any more")

    async def _wait_in_asyncio(self) -> None:
        import asyncio

        self.arrive()
        self._waiting = True
        try:
            loop, changed = asyncio.get_running_loop(), asyncio.Event()
            descriptor = self.fileno()
            loop.add_reader(descriptor, changed.set)
            try:
                while not self.passed():
                    changed.clear()
                    await changed.wait()
            finally:
                loop.remove_reader(descriptor)
        finally:
            self._end_wait()

    def _release(self) -> None:
        """Close all descriptors, and nothing else: this may be a forked copy."""
        self._wakes.close()
        self._places.close()
        for owned in (self._arrivals, self._ledger.memory, self._line, *self._kept.values()):
            if owned is not None:
                owned.close()


class Place:
    """A place on its way to another process: until it is given, it is nobody's and holds nobody up."""

    def __init__(self, barrier: Barrier, number: int, kept: Descriptor, line: Descriptor) -> None:
        self.number = number
        self.kept = kept
        self._barrier, self._line = barrier, line

    @property
    def descriptors(self) -> tuple[int, ...]:
        """The `SHARED` descriptors that go along, which stay its own."""
        barrier = self._barrier
        shared = (barrier._arrivals.fileno(), barrier._places.fileno(), barrier._ledger.memory.fileno())
        return (self._line.fileno(), *shared)

    @property
    def parties(self) -> int:
        """How many must come."""
        return self._barrier.parties

    def give(self) -> None:
        """It has left: what becomes of it concerns all."""
        self._barrier._take_in(self)
        self._line.close()

    def take_back(self) -> None:
        """It has not left, and is free again."""
        self._barrier._offered.discard(self)
        self.kept.close()
        self._line.close()


def take_place(first: int, parties: int, number: int) -> Barrier:
    """Return the barrier of this process, whose descriptors came with a message, from the `first` on."""
    line, arrivals, places, memory = (arrived(index) for index in range(first, first + SHARED))
    made = Barrier.__new__(Barrier)
    with no_fork():
        made._begin(parties, arrivals, select.epoll.fromfd(places.detach()), Ledger(parties, memory))
        made._line, made._number = line, number
    made._wakes.register(line.fileno(), select.EPOLLRDHUP)
    made._ledger.take(number)
    return made


def _is_over(line: Descriptor) -> bool:
    poll = select.poll()
    poll.register(line, select.POLLRDHUP)
    return bool(poll.poll(0))
