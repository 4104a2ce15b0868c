"""Rings in shared memory between processes, by name: clients and servers, made in any order."""

__all__ = ["FragMP4ShmemClient", "ShmemClient", "ShmemRGBClient", "ShmemRGBServer", "ShmemServer"]

import pickle
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from valkka.api2.tools import parameterInitCheck
from valkka.core.event_fd import EventFd
from valkka.core.rings import (
    FragMP4Meta,
    FragMP4SharedMemRingBuffer,
    RGB24Meta,
    SharedMemRingBuffer,
    SharedMemRingBufferBase,
    SharedMemRingBufferRGB,
)

_Bytes = npt.NDArray[np.uint8]

_CLIENT = {"mstimeout": (int, 0), "verbose": (bool, False)}
_NAME = {"name": str, "n_ringbuffer": (int, 10)}


class _Client:
    """`shmem_list` are the cells: of each index the frame pulled last, a flat array of bytes."""

    parameter_defs: ClassVar[dict[str, Any]]
    core: SharedMemRingBufferBase
    verbose: bool

    def __init__(self, **kwargs: Any) -> None:
        parameterInitCheck(type(self).parameter_defs, kwargs, self)
        self.core = self._make()
        self.shmem_list: list[_Bytes] = self.core.getBufferListPy()

    def useEventFd(self, event_fd: EventFd) -> None:
        """Keep the event set while there is something to pull; the server must set the same."""
        self.core.clientUseFd(event_fd)

    def setDebug(self) -> None:
        """Tell of each pull on the standard output."""
        self.verbose = True

    def close(self) -> None:
        """Let go of the ring; whoever waits in another thread gets nothing. Not needed."""
        self.core.close()

    def _make(self) -> SharedMemRingBufferBase:
        raise NotImplementedError

    def _say(self, what: str) -> None:
        if self.verbose:
            print(f"{type(self).__name__} {self.core.name}: {what}")

    def _pulled(self) -> tuple[int, int] | tuple[None, None]:
        pulled = self.core._reading.pull()
        if pulled is None:
            self._say("nothing came in time")
            return None, None
        self._say(f"cell {pulled.cell}, {pulled.size} bytes")
        return pulled.cell, pulled.size


class ShmemClient(_Client):
    """Reads bytes."""

    parameter_defs: ClassVar[dict[str, Any]] = {**_NAME, "n_bytes": int, **_CLIENT}

    name: str
    n_ringbuffer: int
    n_bytes: int
    mstimeout: int

    def _make(self) -> SharedMemRingBuffer:
        return SharedMemRingBuffer(self.name, self.n_ringbuffer, self.n_bytes, self.mstimeout)

    def pull(self) -> tuple[int, int] | tuple[None, None]:
        """Return the index of the next item's cell and its bytes; (None, None): none came in time."""
        return self._pulled()

    def pullArray(self) -> _Bytes | None:
        """Return the next item as a flat array, which stays as it is; None: none came in time."""
        index, size = self.pull()
        return None if index is None else self.shmem_list[index][:size]

    def pullBytes(self) -> bytes | None:
        """Return the next item; None: none came in time."""
        array = self.pullArray()
        return None if array is None else array.tobytes()

    def pullObject(self) -> Any:
        """Return the next item, an object that a server's `pushObject` has sent; None: none came in time.

        It is unpickled: only processes of this user can have sent it.
        """
        array = self.pullArray()
        return None if array is None else pickle.loads(array.data)


class ShmemRGBClient(_Client):
    """Reads RGB pictures."""

    parameter_defs: ClassVar[dict[str, Any]] = {**_NAME, "width": int, "height": int, **_CLIENT}

    name: str
    n_ringbuffer: int
    width: int
    height: int
    mstimeout: int

    def _make(self) -> SharedMemRingBufferRGB:
        return SharedMemRingBufferRGB(self.name, self.n_ringbuffer, self.width, self.height, self.mstimeout)

    def pull(self) -> tuple[int, int] | tuple[None, None]:
        """Return the index of the next picture's cell and its bytes; (None, None): none came in time."""
        return self._pulled()

    def pullFrame(self) -> tuple[int, RGB24Meta] | tuple[None, None]:
        """Return the index of the next picture's cell and what it is; (None, None): none came in time."""
        pulled = self.core._reading.pull()
        if pulled is None:
            self._say("nothing came in time")
            return None, None
        meta = RGB24Meta()
        meta.size, meta.width, meta.height, meta.slot, meta.mstimestamp = pulled[1:6]
        self._say(f"cell {pulled.cell}, {self.metaToString(meta)}")
        return pulled.cell, meta

    def pullFrameThread(self) -> tuple[int, RGB24Meta] | tuple[None, None]:
        """As `pullFrame`: other threads always run meanwhile."""
        return self.pullFrame()

    def metaToString(self, meta: RGB24Meta) -> str:
        """Return in words what a picture is."""
        return (
            f"<RGB24Meta: size = {meta.size}, width = {meta.width}, height = {meta.height}, "
            f"slot = {meta.slot}, mstimestamp = {meta.mstimestamp}>"
        )


class FragMP4ShmemClient(_Client):
    """Reads boxes of fragmented MP4."""

    parameter_defs: ClassVar[dict[str, Any]] = {**_NAME, "n_size": (int, 1024 * 1024), **_CLIENT}

    name: str
    n_ringbuffer: int
    n_size: int
    mstimeout: int
    core: FragMP4SharedMemRingBuffer

    def _make(self) -> FragMP4SharedMemRingBuffer:
        return FragMP4SharedMemRingBuffer(self.name, self.n_ringbuffer, self.n_size, self.mstimeout)

    def pullFrame(self) -> tuple[int, FragMP4Meta] | tuple[None, None]:
        """Return the index of the next box's cell and what it is; (None, None): none came in time."""
        index, size, slot, mstimestamp, name, is_first = self.core.clientPullPy()
        if index < 0:
            self._say("nothing came in time")
            return None, None
        meta = FragMP4Meta()
        meta.name, meta.is_first = name.decode("latin-1"), is_first
        meta.size, meta.slot, meta.mstimestamp = size, slot, mstimestamp
        self._say(f"cell {index}, {meta.name}, {size} bytes")
        return index, meta


class _Server:
    parameter_defs: ClassVar[dict[str, Any]]
    core: SharedMemRingBufferBase

    def __init__(self, **kwargs: Any) -> None:
        parameterInitCheck(type(self).parameter_defs, kwargs, self)
        self.core = self._make()

    def useEventFd(self, event_fd: EventFd) -> None:
        """Have the event set after each push; one event for each client."""
        self.core.serverUseFd(event_fd)

    def close(self) -> None:
        """End the ring. Not needed: it ends with the last reference."""
        self.core.close()

    def _make(self) -> SharedMemRingBufferBase:
        raise NotImplementedError


class ShmemServer(_Server):
    """Sends bytes, `n_bytes` at a time at most."""

    parameter_defs: ClassVar[dict[str, Any]] = {**_NAME, "n_bytes": int, "verbose": (bool, False)}

    name: str
    n_ringbuffer: int
    n_bytes: int
    core: SharedMemRingBuffer

    def _make(self) -> SharedMemRingBuffer:
        return SharedMemRingBuffer(self.name, self.n_ringbuffer, self.n_bytes, is_server=True)

    def pushArray(self, arr: npt.NDArray[Any]) -> None:
        """Send the bytes of an array; what is longer than `n_bytes` is cut."""
        self.core.serverPushPy(arr)

    def pushBytes(self, b: bytes) -> None:
        """Send bytes; what is longer than `n_bytes` is cut."""
        self.core.serverPushPy(np.frombuffer(b, np.uint8))

    def pushObject(self, obj: object) -> None:
        """Send an object that can be pickled; raises ValueError if it has more than `n_bytes` then."""
        data = pickle.dumps(obj)
        if len(data) > self.n_bytes:
            raise ValueError(f"the object has {len(data)} bytes, and a cell {self.n_bytes}")
        self.pushBytes(data)


class ShmemRGBServer(_Server):
    """Sends RGB pictures, `width` × `height` at most."""

    parameter_defs: ClassVar[dict[str, Any]] = {
        **_NAME,
        "width": int,
        "height": int,
        "verbose": (bool, False),
    }

    name: str
    n_ringbuffer: int
    width: int
    height: int
    core: SharedMemRingBufferRGB

    def _make(self) -> SharedMemRingBufferRGB:
        return SharedMemRingBufferRGB(self.name, self.n_ringbuffer, self.width, self.height, is_server=True)

    def pushFrame(self, arr: _Bytes, slot: int, mstimestamp: int) -> None:
        """Send a picture, (height, width, 3) uint8; it may be smaller than `width` × `height`."""
        self.core.serverPushPyRGB(arr, slot, mstimestamp)
