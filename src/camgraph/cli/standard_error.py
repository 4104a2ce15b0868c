"""What processes write on the standard error while a table stands on the terminal."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO


class Diverted:
    """What was written: a descriptor to select on, and the lines that have come."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._unfinished = b""

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._descriptor

    def lines(self) -> list[str]:
        """Return the lines that have come since, without waiting."""
        chunks = [self._unfinished]
        try:
            while chunk := os.read(self._descriptor, 65536):
                chunks.append(chunk)
        except BlockingIOError:
            pass
        *lines, self._unfinished = b"".join(chunks).split(b"\n")
        return [line.decode(errors="replace") for line in lines]


@contextmanager
def diverted() -> Iterator[tuple[TextIO, Diverted]]:
    """Have standard error, this process's and that of all it starts meanwhile, go into a pipe.

    Gives the terminal that it was, and what comes instead. What comes later is written as it comes.
    """
    terminal = os.dup(2)
    reading, writing = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(reading, False)
    os.dup2(writing, 2)
    os.close(writing)
    came = Diverted(reading)
    file = os.fdopen(terminal, "w", encoding="utf-8", errors="replace")
    try:
        yield file, came
    finally:
        os.dup2(terminal, 2)
        rest = came.lines()
        os.close(reading)
        try:
            file.write("".join(f"{line}\n" for line in rest))
        finally:
            file.close()
