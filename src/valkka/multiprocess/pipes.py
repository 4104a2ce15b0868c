"""Ends of pipes: to select on, and to read from while the process at the other end may die at any moment."""

import os
import pickle
import select
import socket
import struct
from collections.abc import Callable, Iterable
from contextlib import suppress
from io import BytesIO, FileIO
from multiprocessing.connection import Connection
from typing import Any

from camgraph.base.parking import close_in_children, no_fork
from valkka.multiprocess.descriptor import Descriptor

_LENGTH = struct.Struct(">Q")
_ALIGN = 8
_READ_AT_ONCE = 1 << 20

Ready = tuple[list[Any], list[Any], list[Any]]


def safe_select(
    l1: Iterable[Any], l2: Iterable[Any], l3: Iterable[Any], timeout: float | None = None
) -> Ready:
    """As `select.select`, for descriptors of any number; `timeout` None blocks, 0 polls.

    Three empty lists when a signal's handler raises InterruptedError meanwhile.
    """
    wanted = [
        (list(l1), select.POLLIN | select.POLLHUP),
        (list(l2), select.POLLOUT),
        (list(l3), select.POLLPRI),
    ]
    masks: dict[int, int] = {}
    for files, mask in wanted:
        for file in files:
            masks[_fileno(file)] = masks.get(_fileno(file), 0) | mask
    poll = select.poll()
    for fd, mask in masks.items():
        poll.register(fd, mask)
    try:
        found = dict(poll.poll(None if timeout is None else timeout * 1000))
    except InterruptedError:
        return [], [], []
    for fd, events in found.items():
        if events & select.POLLNVAL:
            raise OSError(9, f"descriptor {fd} is closed")
    broken = select.POLLERR | select.POLLHUP
    return tuple(  # type: ignore[return-value]
        [
            file
            for file in files
            if found.get(_fileno(file), 0) & (mask | (broken if mask != select.POLLPRI else 0))
        ]
        for files, mask in wanted
    )


def _fileno(file: Any) -> int:
    return file if isinstance(file, int) else int(file.fileno())


class FrontPipe(Connection):
    """The front end of a pipe; at the end of the back end it gives a last None, then nothing ever again."""

    def __init__(self, fd: int) -> None:
        super().__init__(fd)
        self._kept: Connection | None = None
        self._ends_with: Descriptor | None = None

    def end_with(self, process: Descriptor) -> None:
        """Wait no longer once `process` can be read, a pidfd: for pipes whose other end is open here, too."""
        self._ends_with = process

    @property
    def is_silent(self) -> bool:
        """Whether the other end was found gone; what is sent then goes nowhere."""
        return self._kept is not None

    def recv(self) -> Any:
        """Return what was sent; None when the other end is gone, in the middle of a message, too."""
        try:
            return super().recv()
        except (EOFError, OSError):
            if self.closed:
                raise
        self._fall_silent()
        return None

    def close(self) -> None:
        """Release the descriptors."""
        super().close()
        if self._kept is not None:
            self._kept.close()

    def _recv(self, size: int, *_: Any) -> BytesIO:
        # Where all reading of the base class is done.
        got = BytesIO()
        while got.tell() < size:
            if not _can(self.fileno(), select.POLLIN, self._ends_with):
                raise EOFError("the process at the other end has ended")
            got.write(_some(self.fileno(), size - got.tell()))
        return got

    def _fall_silent(self) -> None:
        """Be like the pipe of a back end that says nothing: who selects on it isn't woken without end."""
        with no_fork():
            silent, self._kept = private_pipe()
            os.dup2(silent.fileno(), self.fileno(), inheritable=False)
            silent.close()


def private_pipe(front: Callable[[int], Any] = Connection) -> tuple[Any, Connection]:
    """Return front and back end of a new two-way pipe; forks close them in children, unless they're given."""
    with no_fork():
        ours, theirs = (end.detach() for end in socket.socketpair())
        pipe = front(ours), Connection(theirs)
        for end in pipe:
            close_in_children(end)
    return pipe


def to8ByteMessage(obj: Any) -> bytes:
    """Return a message: its whole length in 8 bytes, the pickled object, zeros up to a multiple of 8."""
    packed = pickle.dumps(obj)
    size = _LENGTH.size + len(packed)
    padding = -size % _ALIGN
    return _LENGTH.pack(size + padding) + packed + bytes(padding)


def size_after(head: bytes) -> int:
    """Return how many bytes of a message follow its first eight; raises EOFError if they make no sense."""
    size: int = _LENGTH.unpack(head)[0]
    if size < _LENGTH.size:
        raise EOFError(f"a message of {size} bytes: this isn't the beginning of one")
    return size + -size % _ALIGN - _LENGTH.size


class Duplex:
    """One end of a pair of pipes; objects go both ways, of any size."""

    def __init__(self, read_fd: int, write_fd: int) -> None:
        self.read_fd = read_fd
        self.write_fd = write_fd
        self._owned: tuple[Descriptor, ...] = ()
        self._ends_with: Descriptor | None = None
        self._files: dict[str, FileIO] = {}

    def fileno(self) -> int:
        """Return the descriptor to select on."""
        return self.read_fd

    def getReadFd(self) -> int:
        """Return the descriptor that messages are read from."""
        return self.read_fd

    def getWriteFd(self) -> int:
        """Return the descriptor that messages are written to."""
        return self.write_fd

    def getReadIO(self) -> FileIO:
        """Return an unbuffered file that reads; the descriptor stays this object's."""
        return self._files.setdefault("r", FileIO(self.read_fd, "r", closefd=False))

    def getWriteIO(self) -> FileIO:
        """Return an unbuffered file that writes; the descriptor stays this object's."""
        return self._files.setdefault("w", FileIO(self.write_fd, "w", closefd=False))

    def recv(self) -> Any:
        """Return the next object. Raises EOFError when the other end is gone, in the middle of one, too.

        One that doesn't block raises BlockingIOError when there is none.
        """
        head = b"" if os.get_blocking(self.read_fd) else _some(self.read_fd, _LENGTH.size)
        head += self._read(_LENGTH.size - len(head))
        return pickle.loads(self._read(size_after(head)))

    def send(self, obj: Any) -> None:
        """Send an object; waits while the pipe is full. Raises BrokenPipeError when the other end is gone."""
        rest = memoryview(to8ByteMessage(obj))
        while rest:
            if not _can(self.write_fd, select.POLLOUT, self._ends_with):
                raise BrokenPipeError("the process at the other end has ended")
            with suppress(BlockingIOError):
                # So much can be written without waiting.
                rest = rest[os.write(self.write_fd, rest[: select.PIPE_BUF]) :]

    def close(self) -> None:
        """Close the descriptors of a pair that `getPipes` has made; twice does nothing."""
        for owned in self._owned:
            owned.close()

    def end_with(self, process: Descriptor) -> None:
        """Wait no longer once `process` can be read: a pidfd of the one at the other end."""
        self._ends_with = process

    def _read(self, size: int) -> bytes:
        got = bytearray()
        while len(got) < size:
            if not _can(self.read_fd, select.POLLIN, self._ends_with):
                raise EOFError("the process at the other end has ended")
            with suppress(BlockingIOError):
                got += _some(self.read_fd, size - len(got))
        return bytes(got)


def _can(fd: int, events: int, ends_with: Descriptor | None) -> bool:
    """Wait until something can be done with `fd`; False when the other process ends before that."""
    poll = select.poll()
    poll.register(fd, events)
    if ends_with is not None:
        poll.register(ends_with, select.POLLIN)
    return fd in dict(poll.poll())


def _some(fd: int, size: int) -> bytes:
    some = os.read(fd, min(size, _READ_AT_ONCE))
    if not some:
        raise EOFError("the other end of the pipe is closed")
    return some


def private_pipes() -> tuple[Duplex, Duplex]:
    """Return front end, which waits for messages, and back end of a new pair; forks close them as above."""
    front, back = getPipes(block_A=True)
    close_in_children(front)
    close_in_children(back)
    return front, back


def getPipes(block_A: bool = False, block_B: bool = False) -> tuple[Duplex, Duplex]:
    """Return both ends, A and B, of a new pair of pipes; `block_…`: whether an end waits for messages."""
    with no_fork():
        (read_a, write_b), (read_b, write_a) = (
            tuple(map(Descriptor, os.pipe2(os.O_CLOEXEC))) for _ in range(2)
        )
    ends = []
    for reads, writes, blocks in ((read_a, write_a, block_A), (read_b, write_b, block_B)):
        os.set_blocking(reads.fileno(), blocks)
        os.set_blocking(writes.fileno(), blocks)
        end = Duplex(reads.fileno(), writes.fileno())
        end._owned = (reads, writes)
        ends.append(end)
    return ends[0], ends[1]
