"""The processes of the process storm: they chatter, answer, and do to themselves what they are told to.

Each life of one writes a book, which survives it: what it has emitted, and which calls it has taken.
"""

import asyncio
import ctypes
import os
import struct
import time
from pathlib import Path
from typing import Any, NamedTuple

import camgraph as cg

EVERY_S = 0.01
LARGE_EVERY, LARGE_BYTES = 50, 100_000
"""Each so many messages, one is that large and travels in a memfd; others bring a descriptor."""
_COUNTS = struct.Struct("<2Q")
_CALL = struct.Struct("<Q")


class Trouble(Exception):
    """What a process raises that was told to."""


class Book:
    """The writer's side of a book."""

    def __init__(self, directory: str) -> None:
        self.life = f"{os.getpid()}.{time.monotonic_ns()}"
        flags = os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC
        self._counts = os.open(f"{directory}/{self.life}.counts", flags, 0o600)
        self._calls = os.open(f"{directory}/{self.life}.calls", flags | os.O_APPEND, 0o600)

    def count(self, emitted: int, lost: int) -> None:
        os.pwrite(self._counts, _COUNTS.pack(emitted, lost), 0)

    def serve(self, number: int) -> None:
        os.write(self._calls, _CALL.pack(number))


class Written(NamedTuple):
    """What a book says: messages emitted, of which the back end has dropped so many; numbers of calls."""

    emitted: int
    dropped: int
    calls: list[int]


def read_books(directory: Path) -> dict[str, Written]:
    """Return what all lives have written that wrote into a directory."""
    found = {}
    for path in directory.glob("*.calls"):
        counts = path.with_suffix(".counts").read_bytes()
        calls = [number for (number,) in _CALL.iter_unpack(path.read_bytes())]
        emitted, dropped = _COUNTS.unpack(counts) if counts else (0, 0)
        found[path.stem] = Written(emitted, dropped, calls)
    return found


class Chatterer(cg.MessageProcess):
    """Emits numbered messages all its life, and notes the numbers of the calls that it takes."""

    said = cg.message(life=str, number=int, at_ns=int, more=object)

    def __init__(self, directory: str) -> None:
        self._book = Book(directory)
        self._emitted = 0

    def setup(self) -> None:
        self.every(EVERY_S, self.chatter)

    def chatter(self) -> None:
        self._say()

    def on_frame(self, frame: cg.Frame) -> None:
        self._say(int(frame.array[0, 0]))

    def _say(self, more: object = None) -> None:
        number = self._emitted
        self._emitted += 1
        if number % LARGE_EVERY == LARGE_EVERY - 1:
            more = bytes(LARGE_BYTES)
        elif number % LARGE_EVERY == LARGE_EVERY // 2:
            more = cg.Descriptor(0)
        # Before, as it may be killed after.
        self._book.count(self._emitted, self._dropped)
        self.said.emit(self._book.life, number, time.monotonic_ns(), more)
        self._book.count(self._emitted, self._dropped)

    @property
    def _dropped(self) -> int:
        dropped: int = self._outlet._report.lost  # type: ignore[attr-defined]
        return dropped

    @cg.backend
    def begin(self, number: int) -> None:
        """Begin to chatter, which a fork could do before its front end is connected to."""
        self._book.serve(number)
        self.every(EVERY_S, self.chatter)

    @cg.backend
    def note(self, number: int, more: bytes = b"") -> None:
        self._book.serve(number)

    @cg.backend
    def ask(self, number: int) -> int:
        self._book.serve(number)
        return number

    @cg.backend
    def refuse(self, number: int) -> int:
        self._book.serve(number)
        raise Trouble(f"refused {number}")

    @cg.backend
    def flood(self, number: int, count: int) -> None:
        self._book.serve(number)
        for _ in range(count):
            self._say()

    @cg.backend
    def end(self, number: int, way: str) -> None:
        self._book.serve(number)
        match way:
            case "segfault":
                ctypes.string_at(0)
            case "raise":
                raise Trouble(way)
            case "raise later":
                self.call_later(EVERY_S / 2, self.raise_later)
            case "leave":
                raise SystemExit(4)
            case "exit":
                os._exit(3)
            case "garbage":
                channel: int = self._outlet._channel.fileno()  # type: ignore[attr-defined]
                os.set_blocking(channel, True)
                os.write(channel, b"garbage" * 20)
                os.set_blocking(channel, False)

    def raise_later(self) -> None:
        raise Trouble("raise later")

    @cg.backend(deadline_s=0.3)
    def hang(self, number: int) -> None:
        self._book.serve(number)
        time.sleep(60)


class Tasks(Chatterer, cg.AsyncMessageProcess):
    """The same in asyncio."""

    async def setup(self) -> None:  # type: ignore[override]
        await asyncio.sleep(0)
        self.every(EVERY_S, self.chatter)

    async def chatter(self) -> None:  # type: ignore[override]
        self._say()
        await asyncio.sleep(EVERY_S / 2)

    async def on_frame(self, frame: cg.Frame) -> None:  # type: ignore[override]
        await asyncio.sleep(0)
        self._say(int(frame.array[0, 0]))

    @cg.backend
    async def ask(self, number: int) -> int:  # type: ignore[override]
        self._book.serve(number)
        await asyncio.sleep(EVERY_S / 5)
        return number

    @cg.backend(deadline_s=0.3)
    async def hang(self, number: int) -> None:  # type: ignore[override]
        self._book.serve(number)
        await asyncio.sleep(60)


class Lasting(Chatterer):
    restart = cg.Restart(crashes=0)


class Timed(Lasting):
    deadline_s = 5.0


class LastingTasks(Tasks):
    restart = cg.Restart(crashes=0)


class Forked(Chatterer):
    start_method = "fork"

    def setup(self) -> None:
        pass


class ForkedTasks(Tasks):
    start_method = "fork"

    async def setup(self) -> None:  # type: ignore[override]
        pass


KINDS: tuple[tuple[type[Any], bool, bool], ...] = (
    (Lasting, False, True),
    (Lasting, True, False),
    (LastingTasks, False, False),
    (LastingTasks, True, True),
    (Timed, True, False),
    (Chatterer, False, True),
    (Forked, True, True),
    (ForkedTasks, False, False),
)
"""Kind, whether a notifier hears it, whether it watches frames; a process of each."""
