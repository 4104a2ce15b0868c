"""The two ends of a ring as the documented API sees it: cells by index, filled one after another."""

import contextlib
import logging
import os
import time
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

import camgraph
from camgraph.base.pixels import FrameFormat
from camgraph.errors import BrokenError, ClosedError
from valkka.core.event_fd import EventFd

Bytes = npt.NDArray[np.uint8]

_log = logging.getLogger(__name__)

_MOST_LEASES = 64
_BESIDE_CELLS = 3
"""Frames held beside those that the cells show: the one to come, the one read ahead, one to spare."""
_AGAIN_S = 1.0
_WRITE_FOLLOWS_S = 0.005
"""Whoever has published a frame sets the event next; unless it was killed, or is kept from running."""


class Pulled(NamedTuple):
    """A frame as it was pulled; its bytes are in the cell."""

    cell: int
    """Its index."""
    size: int
    width: int
    height: int
    slot: int
    mstimestamp: int
    keyframe: bool


class ReadingEnd:
    """Reads a ring by its name, whoever publishes it and whenever that begins.

    `shown` are the cells, flat arrays: of each index the frame pulled last. What the program has taken from
    there stays as it is for as long as it is referenced. A forked child reads on its own account.
    """

    def __init__(self, name: str, n_cells: int, cell_bytes: int, mstimeout: int) -> None:
        self._name, self._cell_bytes, self._mstimeout = name, cell_bytes, mstimeout
        blank = np.zeros(cell_bytes, np.uint8)
        blank.flags.writeable = False
        self._blank = blank
        self.shown: list[Bytes] = [blank] * n_cells
        self._steady: dict[int, Bytes] = {}
        # For frames that wait, as many as for those that the cells show.
        self._leases = min(_MOST_LEASES, 2 * n_cells + _BESIDE_CELLS)
        self._event: EventFd | None = None
        self._is_set_by_others = self._is_set_by_us = False
        self._spare = 0
        """So many frames to come have set the event already, before it was cleared."""
        self._closed = False
        self._ahead: camgraph.Frame | None = None
        self._pid = 0
        self._reader = self._open()

    def use(self, event: EventFd) -> None:
        """Have `event` set while there is something to pull; whoever publishes sets it for each frame."""
        self._event = event

    def steady(self, index: int) -> Bytes:
        """Return an array that always shows what is in a cell: each frame of it is copied there."""
        if index not in self._steady:
            self._steady[index] = np.zeros(self._cell_bytes, np.uint8)
        return self._steady[index]

    def pull(self) -> Pulled | None:
        """Wait for the next frame and put it into its cell; None: none came in time, or it was closed."""
        if self._closed:
            return None
        if self._pid != os.getpid():
            self.shown[:] = [self._blank] * len(self.shown)
            self._ahead = None
            self._reader = self._open()
        try:
            pulled = self._show(self._recent(self._next()))
            if self._event is not None:
                self._look_ahead(self._event)
        except (TimeoutError, ClosedError):
            return None
        except BrokenError as error:
            return self._ask_for_less(error)
        return pulled

    def close(self) -> None:
        """Let go of the ring; who waits is woken. Frames stay valid."""
        self._closed = True
        if self._pid == os.getpid():
            self._reader.close()

    def _next(self) -> camgraph.Frame:
        frame, self._ahead = self._ahead, None
        if frame is not None:
            return frame
        try:
            return self._reader.read(self._mstimeout / 1000 if self._mstimeout else None)
        except TimeoutError:
            if self._event is None or not self._event.clear():
                raise
            # It was set for frames that nobody will get: who selects on it is not to wait here ever again.
            self._spare, self._is_set_by_us = 0, False
            late = self._reader.read_nowait()
            if late is None:
                raise
            return late

    def _recent(self, frame: camgraph.Frame) -> camgraph.Frame:
        """Pass over what would have been overwritten in a ring of so many cells: others may have more."""
        while self._reader.newest_seq - frame.seq >= len(self.shown):
            newer = self._reader.read_nowait()
            if newer is None:
                break
            frame.release()
            frame = newer
        return frame

    def _ask_for_less(self, error: BrokenError) -> Pulled | None:
        """Ask anew after a refusal: there may be room for fewer frames that are held; others are copied."""
        self._reader.close()
        least = self._leases <= _BESIDE_CELLS
        self._leases = max(_BESIDE_CELLS, self._leases // 2)
        self._reader = self._open()
        if not least:
            return self.pull()
        _log.error("ring %s can't be read: %s", self._name, error)
        time.sleep(min(self._mstimeout / 1000 or _AGAIN_S, _AGAIN_S))
        return None

    def _open(self) -> camgraph.Reader:
        self._pid = os.getpid()
        return camgraph.read(self._name, policy="every", leases=self._leases)

    def _show(self, frame: camgraph.Frame) -> Pulled:
        index = (frame.seq - 1) % len(self.shown)
        self.shown[index] = self._blank
        # All there is of the frame's place, so that a cell has its documented size.
        cell: Bytes = np.asarray(frame.memory.obj)
        size = len(frame.memory)
        cell = cell[: max(size, min(self._cell_bytes, len(cell)))]
        if index in self._steady:
            shown = min(size, self._cell_bytes)
            self._steady[index][:shown] = cell[:shown]
        if self._reader.statistics().held > (self._leases + 1) // 2:
            # The program keeps many views: of what is more, it gets copies of its own.
            cell = cell.copy()
            cell.flags.writeable = False
            frame.release()
        self.shown[index] = cell
        return Pulled(
            cell=index,
            size=size,
            width=frame.width,
            height=frame.height,
            slot=frame.tag,
            mstimestamp=frame.capture_ns // 1_000_000,
            keyframe=frame.keyframe,
        )

    def _look_ahead(self, event: EventFd) -> None:
        """Leave the event set if, and only if, there is another frame: one pull for each time it is set."""
        # Whoever publishes sets the event once for each frame, afterwards. What of that is to come would
        # set it once too often.
        self._await_write(event)
        self._spare += event.clear() - self._is_set_by_us
        self._is_set_by_us = False
        self._is_set_by_others |= self._spare > 0
        self._spare = max(0, self._spare - 1)
        # After clearing: what comes later sets it again.
        with contextlib.suppress(BrokenError, ClosedError):
            self._ahead = self._reader.read_nowait()
        if self._ahead is None:
            self._spare = 0
            return
        self._await_write(event)
        if not event.is_set():
            event.set()
            self._is_set_by_us = True

    def _await_write(self, event: EventFd) -> None:
        if self._is_set_by_others and not self._spare:
            event.wait(_WRITE_FOLLOWS_S)


class WritingEnd:
    """Publishes a ring by its name, from the first frame on, in the process that pushes it."""

    def __init__(self, name: str, n_cells: int, size: tuple[int, int], format: FrameFormat) -> None:
        self._name, self._n_cells, self._size, self._format = name, n_cells, size, format
        self._events: list[EventFd] = []
        self._publisher: camgraph.Publisher | None = None
        self._pid = 0

    def use(self, event: EventFd) -> None:
        """Set `event` after each frame, beside those given before."""
        if not any(it is event for it in self._events):
            self._events.append(event)

    def push_bytes(self, data: Bytes) -> bool:
        """Publish an item; what is longer than a cell is cut."""
        return self._told(self._publishing().publish_bytes(data[: self._size[0]]))

    def push_picture(self, picture: Bytes, slot: int, mstimestamp: int) -> bool:
        """Publish a picture, (height, width, 3); of what is larger than a cell the lower part is cut off."""
        width, height = self._size
        rows = width * height // picture.shape[1]
        return self._told(
            self._publishing().publish(picture[:rows], tag=slot & 0xFFFF, capture_ns=mstimestamp * 1_000_000)
        )

    def close(self) -> None:
        """End the ring."""
        publisher, self._publisher = self._publisher, None
        if publisher is not None:
            publisher.close()

    def _told(self, published: bool) -> bool:
        if published:
            for event in self._events:
                event.set()
        return published

    def _publishing(self) -> camgraph.Publisher:
        if self._publisher is None or self._pid != os.getpid():
            self._pid = os.getpid()
            self._publisher = camgraph.Publisher(
                self._name, size=self._size, format=self._format, keep=self._n_cells, patient=True
            )
        return self._publisher
