"""Open files, sockets and memfds as values that go from one process to another."""

import os
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import NoReturn, Self

from camgraph.base.loop import HasFileno

_arriving = threading.local()


class Descriptor:
    """A descriptor of its own for the same open file, socket, pipe or memfd as `file`; this object owns it.

    In the arguments of a backend method, its result and the fields of a message it goes along, and arrives as
    a `Descriptor` of the other process; each side closes its own. ``socket.socket(fileno=d.detach())`` or
    ``open(d.detach(), "rb")`` makes of it what it was.
    """

    def __init__(self, file: HasFileno | int) -> None:
        self._fd = -1
        self._fd = os.dup(file if isinstance(file, int) else file.fileno())

    def __repr__(self) -> str:
        return f"<Descriptor {self._fd}>" if self._fd >= 0 else "<Descriptor closed>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a Descriptor goes along in calls, results and messages only: pass it by a backend method"
        )

    def fileno(self) -> int:
        """Return the descriptor; ValueError once it is closed or detached."""
        if self._fd < 0:
            raise ValueError("the descriptor is closed")
        return self._fd

    def detach(self) -> int:
        """Return the descriptor, which is the caller's from now on."""
        descriptor = self.fileno()
        self._fd = -1
        return descriptor

    def close(self) -> None:
        """Close it; closing twice does nothing."""
        descriptor, self._fd = self._fd, -1
        if descriptor >= 0:
            os.close(descriptor)

    @classmethod
    def owning(cls, descriptor: int) -> Self:
        """Return the owner of a descriptor that has none yet."""
        made = cls.__new__(cls)
        made._fd = descriptor
        return made


class Arriving:
    """While it is entered, `arrived` finds the descriptors that came with a message; it takes them over."""

    def __init__(self, descriptors: Sequence[int]) -> None:
        self._descriptors = [Descriptor.owning(descriptor) for descriptor in descriptors]

    def __enter__(self) -> None:
        _arriving.descriptors = self._descriptors

    def __exit__(self, *_: object) -> None:
        _arriving.descriptors = ()


def arrived(index: int) -> Descriptor:
    """Return a descriptor of the message that is unpickled now, by its place."""
    descriptors: Sequence[Descriptor] = _arriving.descriptors
    return descriptors[index]
