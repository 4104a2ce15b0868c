"""Rings in shared memory, by name: one class for both ends, as `is_server` says.

There is no difference to whoever comes first, several clients may read one ring, and what a client has
pulled stays whole for as long as the program refers to it.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from camgraph.base.pixels import FrameFormat
from valkka.core.arguments import a, text, whole
from valkka.core.cells import Bytes, Pulled, ReadingEnd, WritingEnd
from valkka.core.event_fd import EventFd
from valkka.core.intp import _IntPointer, intp_assign

__all__ = [
    "FragMP4Meta",
    "FragMP4SharedMemRingBuffer",
    "RGB24Meta",
    "SharedMemRingBuffer",
    "SharedMemRingBufferBase",
    "SharedMemRingBufferRGB",
    "getNumpyShmem",
]

_NAME_OF_BOX = slice(4, 8)


class RGB24Meta:
    """What is known of a picture beside its pixels."""

    def __init__(self) -> None:
        self.size = 0
        self.width = 0
        self.height = 0
        self.slot = 0
        self.mstimestamp = 0


class FragMP4Meta:
    """What is known of a box of fragmented MP4."""

    def __init__(self) -> None:
        self.name = ""
        self.is_first = False
        self.size = 0
        self.slot = 0
        self.mstimestamp = 0


class SharedMemRingBufferBase:
    """What all rings can do; not to be made itself."""

    _format: FrameFormat

    def __init__(
        self, name: str, n_cells: int, size: tuple[int, int], cell_bytes: int, mstimeout: int, is_server: bool
    ) -> None:
        where = type(self).__name__
        self._client: ReadingEnd | None = None
        self._server: WritingEnd | None = None
        self.name = text(where, "name", name)
        n_cells = whole(where, "n_cells", n_cells, 1)
        mstimeout = whole(where, "mstimeout", mstimeout, 0)
        if is_server:
            self._server = WritingEnd(name, n_cells, size, self._format)
        else:
            self._client = ReadingEnd(name, n_cells, cell_bytes, mstimeout)

    def close(self) -> None:
        """Let go of the ring; a client that waits in another thread gets nothing.

        Not needed: it is closed when collected.
        """
        if self._client is not None:
            self._client.close()
        if self._server is not None:
            self._server.close()

    def getBufferListPy(self) -> list[Bytes]:
        """Return the cells: of each index the frame that was pulled last, as flat array; a list that follows.

        An array taken out of it stays as it is.
        """
        return self._reading.shown

    def clientPull(self, index_out: _IntPointer, size_out: _IntPointer) -> bool:
        """Wait for the next frame; tell the index of its cell (-1: none came in time) and its bytes."""
        pulled = self._reading.pull()
        intp_assign(index_out, -1 if pulled is None else pulled.cell)
        intp_assign(size_out, 0 if pulled is None else pulled.size)
        return pulled is not None

    def clientPullThread(self, index_out: _IntPointer, size_out: _IntPointer) -> bool:
        """As `clientPull`: other threads always run meanwhile."""
        return self.clientPull(index_out, size_out)

    def serverUseFd(self, event_fd: EventFd) -> None:
        """Have the event set after each frame that is pushed."""
        self._writing.use(a(type(self).__name__, "event_fd", event_fd, EventFd))

    def clientUseFd(self, event_fd: EventFd) -> None:
        """Keep the event set while there is something to pull."""
        self._reading.use(a(type(self).__name__, "event_fd", event_fd, EventFd))

    @property
    def _reading(self) -> ReadingEnd:
        if self._client is None:
            raise RuntimeError(f"{type(self).__name__} {self.name!r} is a server, not a client")
        return self._client

    @property
    def _writing(self) -> WritingEnd:
        if self._server is None:
            raise RuntimeError(f"{type(self).__name__} {self.name!r} is a client, not a server")
        return self._server


class SharedMemRingBuffer(SharedMemRingBufferBase):
    """A ring of bytes, `n_bytes` per item at most."""

    _format = "bytes"

    def __init__(
        self, name: str, n_cells: int, n_bytes: int, mstimeout: int = 0, is_server: bool = False
    ) -> None:
        n_bytes = whole("SharedMemRingBuffer", "n_bytes", n_bytes, 1)
        super().__init__(name, n_cells, (n_bytes, 1), n_bytes, mstimeout, is_server)

    def serverPushPy(self, po: npt.NDArray[Any]) -> bool:
        """Copy the bytes of an array into the ring; what is longer than a cell is cut."""
        return self._writing.push_bytes(np.ascontiguousarray(po).reshape(-1).view(np.uint8))


class SharedMemRingBufferRGB(SharedMemRingBufferBase):
    """A ring of RGB pictures, `width` × `height` at most."""

    _format = "rgb24"

    def __init__(
        self, name: str, n_cells: int, width: int, height: int, mstimeout: int = 0, is_server: bool = False
    ) -> None:
        where = "SharedMemRingBufferRGB"
        size = whole(where, "width", width, 1), whole(where, "height", height, 1)
        super().__init__(name, n_cells, size, 3 * size[0] * size[1], mstimeout, is_server)

    def clientPullPy(self) -> tuple[int, int, int, int, int, int]:
        """Wait for the next picture; return index (-1: none), size, width, height, slot, mstimestamp."""
        pulled = self._reading.pull()
        return (-1, 0, 0, 0, 0, 0) if pulled is None else pulled[:6]

    def clientPullFrame(self, index_out: _IntPointer, meta: RGB24Meta) -> bool:
        """Wait for the next picture; tell the index of its cell (-1: none came in time) and what it is."""
        pulled = self._reading.pull()
        intp_assign(index_out, -1 if pulled is None else pulled.cell)
        if pulled is None:
            return False
        meta.size, meta.width, meta.height, meta.slot, meta.mstimestamp = pulled[1:6]
        return True

    def clientPullFrameThread(self, index_out: _IntPointer, meta: RGB24Meta) -> bool:
        """As `clientPullFrame`: other threads always run meanwhile."""
        return self.clientPullFrame(index_out, meta)

    def serverPushPyRGB(self, po: npt.NDArray[np.uint8], slot: int, mstimestamp: int) -> bool:
        """Copy a picture, (height, width, 3), into the ring; it may be smaller than a cell."""
        if po.ndim != 3 or po.shape[2] != 3 or po.dtype != np.uint8:
            raise TypeError(f"a picture must be (height, width, 3) uint8, not {po.shape} {po.dtype}")
        where = "serverPushPyRGB"
        return self._writing.push_picture(
            po, whole(where, "slot", slot), whole(where, "mstimestamp", mstimestamp)
        )


class FragMP4SharedMemRingBuffer(SharedMemRingBufferBase):
    """A ring of boxes of fragmented MP4, `n_size` bytes each at most, as FragMP4ShmemFrameFilter fills it."""

    _format = "fmp4"

    def __init__(
        self, name: str, n_cells: int, n_size: int, mstimeout: int = 0, is_server: bool = False
    ) -> None:
        n_size = whole("FragMP4SharedMemRingBuffer", "n_size", n_size, 1)
        super().__init__(name, n_cells, (n_size, 1), n_size, mstimeout, is_server)

    def clientPullPy(self) -> tuple[int, int, int, int, bytes, bool]:
        """Wait for the next box; return index (-1: none), size, slot, mstimestamp, name, is_first."""
        pulled = self._reading.pull()
        if pulled is None:
            return -1, 0, 0, 0, b"", False
        return (
            pulled.cell,
            pulled.size,
            pulled.slot,
            pulled.mstimestamp,
            self._name_of(pulled),
            pulled.keyframe,
        )

    def _name_of(self, pulled: Pulled) -> bytes:
        return self._reading.shown[pulled.cell][: pulled.size][_NAME_OF_BOX].tobytes()


def getNumpyShmem(rb: SharedMemRingBufferBase, i: int) -> Bytes:
    """Return an array that shows cell `i` of a client from now on: each frame pulled into it is copied there.

    `getBufferListPy` does without the copy.
    """
    return rb._reading.steady(whole("getNumpyShmem", "i", i, 0))
