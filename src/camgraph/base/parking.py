"""What a fork of this process must not meet, or keep: threads in the middle of a callback, our descriptors.

A forked child has one thread, the one that forked; what others held is held for ever there. So before any
fork of the program, `multiprocessing`'s too, our own threads are *parked*: each is let come to the end of its
turn, and begins no other until the fork is made. A thread that does not come there in time is named in a
warning, and the fork goes on. In the child what belongs to the parent is abandoned: its descriptors are
closed.
"""

import logging
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol
from weakref import WeakSet

_log = logging.getLogger(__name__)

PARK_WITHIN_S = 1.0
HELD_S = 0.02
"""A turn that does not end within this at first, while others are held, may wait for one of those."""
GIVE_WAY_S = 0.005


class Parked(Protocol):
    """Something with turns, which a thread of ours takes."""

    @property
    def turn(self) -> threading.RLock:
        """Held by the thread while it is in a turn."""
        ...

    @property
    def thread_id(self) -> int:
        """The ident of the thread that is, or was last, in a turn (0: none)."""
        ...

    @property
    def own_thread(self) -> int:
        """The native id of the thread that does nothing else (0: there is none)."""
        ...

    def abandon_in_child(self) -> None:
        """Close the descriptors, and change nothing that is shared with the parent; take no lock."""
        ...


class Closes(Protocol):
    """Something that owns descriptors."""

    def close(self) -> None:
        """Release them; closing twice does nothing."""
        ...


class _Forking(threading.local):
    """What the thread that forks holds meanwhile, and what it hands to the child."""

    def __init__(self) -> None:
        self.turns: list[threading.RLock] = []
        self.given: tuple[Closes, ...] = ()


_parked: WeakSet[Parked] = WeakSet()
_private: WeakSet[Closes] = WeakSet()
_forking = _Forking()
# Held where something is made that a fork in another thread must find whole, or not at all.
_making = threading.RLock()
_registry = threading.RLock()
_no_fork_waits = threading.Event()
_no_fork_waits.set()


def park_for_forks(thing: Parked) -> None:
    """Have forks wait for the turns of `thing`, and their children abandon it, for as long as it lives."""
    with _registry:
        _parked.add(thing)


def give_way() -> None:
    """Let a fork come first that waits for a turn: to be called before each, or a busy thread leaves it none.

    Not for longer than it needs to wake up: the caller may be in a turn of something else.
    """
    if not _no_fork_waits.is_set():
        _no_fork_waits.wait(GIVE_WAY_S)


def close_in_children(thing: Closes) -> None:
    """Have `thing` closed in every child forked from now on, for as long as it lives."""
    with _registry:
        _private.add(thing)


@contextmanager
def no_fork() -> Iterator[None]:
    """Have forks in other threads wait: while descriptors are made, or a process is started by exec."""
    with _making:
        yield


@contextmanager
def given_to_child(*things: Closes) -> Iterator[None]:
    """Leave these open in a child that this thread forks meanwhile."""
    _forking.given = things
    try:
        yield
    finally:
        _forking.given = ()


def foreign_threads() -> dict[int, str]:
    """Return this process's threads that are neither ours nor the caller's: their names by their native ids.

    Those that Python does not know have the name that the kernel has for them, and that of their program if
    nobody gave them one.
    """
    ours = {thing.own_thread for thing in _all_parked()} | {threading.get_native_id()}
    # Of a thread that Python has only met, it knows no more than that.
    named = {it.native_id: it.name for it in threading.enumerate() if not it.name.startswith("Dummy-")}
    found: dict[int, str] = {}
    for native_id in {int(task) for task in os.listdir("/proc/self/task")} - ours:
        with suppress(OSError):
            found[native_id] = (
                named.get(native_id) or Path(f"/proc/self/task/{native_id}/comm").read_text().strip()
            )
    return found


def _before() -> None:
    deadline = time.monotonic() + PARK_WITHIN_S
    _no_fork_waits.clear()
    # In the same order by all threads that fork.
    _park(sorted(_all_parked(), key=id), deadline)
    # Last: nobody who holds it waits for a turn.
    if not _take(_making, deadline):
        _log.warning("a fork does not wait for another thread, which has been starting a process for long")


def _park(things: list[Parked], deadline: float) -> None:
    at, held_s = 0, HELD_S
    while at < len(things):
        until = min(time.monotonic() + held_s, deadline) if at else deadline
        if _take(things[at].turn, until):
            at += 1
        elif time.monotonic() < deadline:
            # Its thread may be asking one of those that are held, and is let come to its end first.
            _release_turns()
            things.insert(0, things.pop(at))
            # Longer each time: turns that are just long, of several threads, all come to their ends.
            at, held_s = 0, 2 * held_s
        else:
            _log.warning(
                "a fork does not wait for thread %s, which is busy in %s",
                *_name_and_place(things.pop(at).thread_id),
            )


def _release_turns() -> None:
    while _forking.turns:
        _forking.turns.pop().release()


def _all_parked() -> list[Parked]:
    with _registry:
        return list(_parked)


def _name_and_place(thread_id: int) -> tuple[str, str]:
    name = next((thread.name for thread in threading.enumerate() if thread.ident == thread_id), "?")
    frame = sys._current_frames().get(thread_id)
    if frame is None:
        return name, "?"
    return name, f"{frame.f_code.co_qualname} ({Path(frame.f_code.co_filename).name}:{frame.f_lineno})"


def _take(lock: threading.RLock, deadline: float) -> bool:
    # At the deadline, too: a turn that is free is taken.
    taken = lock.acquire(timeout=max(0.0, deadline - time.monotonic()))
    if taken:
        _forking.turns.append(lock)
    return bool(taken)


def _in_parent() -> None:
    _no_fork_waits.set()
    _release_turns()


def _in_child() -> None:
    global _making, _registry, _no_fork_waits
    _making, _registry = threading.RLock(), threading.RLock()
    _no_fork_waits = threading.Event()
    _no_fork_waits.set()
    _forking.turns.clear()
    for parked in list(_parked):
        parked.abandon_in_child()
    for private in list(_private):
        if private not in _forking.given:
            private.close()
    _parked.clear()
    _private.clear()


os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
