"""Filters that other processes read from, by the name of a ring; several at once, without tearing."""

from dataclasses import replace
from typing import Literal

from camgraph.graph.nodes import Gate, Publish
from valkka.core.arguments import whole
from valkka.core.frame_filter import FrameFilter
from valkka.core.plan import HasDescriptor, Kind, Planner, Way
from valkka.core.runtime import changed

__all__ = ["FragMP4MuxFrameFilter", "FragMP4ShmemFrameFilter", "RGBShmemFrameFilter", "ShmemFrameFilter"]


class _Ring(FrameFilter):
    def __init__(self, name: str, n_cells: int, mstimeout: int = 0) -> None:
        super().__init__(name)
        where = type(self).__name__
        if not self.name:
            raise ValueError(f"{where}: name must not be empty: readers ask for it")
        # How many frames are kept is each reader's own affair.
        whole(where, "n_cells", n_cells, 1)
        whole(where, "mstimeout", mstimeout, 0)
        self._woken: tuple[HasDescriptor, ...] = ()

    def useFd(self, event_fd: HasDescriptor) -> None:
        """Make this EventFd readable with each frame, beside those given before."""
        if not hasattr(event_fd, "getFd"):
            raise TypeError(f"{type(self).__name__}.useFd: {event_fd!r} is no EventFd")
        if not any(it is event_fd for it in self._woken):
            self._woken = (*self._woken, event_fd)
            changed()

    def _publish(
        self,
        planner: Planner,
        way: Way,
        *,
        format: Literal["rgb24", "nal", "fmp4"],
        size: tuple[int, int],
        headers: int = 0,
    ) -> None:
        node = Publish(
            id=planner.node(self.label, way),
            source=way.stream,
            ring=self.name,
            format=format,
            size=size,
            headers=headers,
            tag=way.slot,
        )
        planner.publish(node, way, self._woken)


class RGBShmemFrameFilter(_Ring):
    """RGB pictures of `width` × `height` at most."""

    def __init__(self, name: str, n_cells: int, width: int, height: int, mstimeout: int = 0) -> None:
        super().__init__(name, n_cells, mstimeout)
        where = "RGBShmemFrameFilter"
        self._size = (whole(where, "width", width, 1), whole(where, "height", height, 1))

    def pass_on(self, way: Way, planner: Planner) -> Way | None:
        if way.kind == "pictures":
            fits = way.size is not None and way.size[0] * way.size[1] <= self._size[0] * self._size[1]
            self._publish(planner, way, format="rgb24", size=way.size if way.size and fits else self._size)
        return None


class _CodedRing(_Ring):
    _of: Kind
    _format: Literal["nal", "fmp4"]

    def __init__(self, name: str, n_cells: int, n_size: int, mstimeout: int = 0) -> None:
        super().__init__(name, n_cells, mstimeout)
        self._n_size = whole(type(self).__name__, "n_size", n_size, 1)

    def pass_on(self, way: Way, planner: Planner) -> Way | None:
        if way.kind == self._of:
            self._publish(planner, way, format=self._format, size=(self._n_size, 1), headers=way.headers)
        return None


class ShmemFrameFilter(_CodedRing):
    """Encoded video, a NAL unit with its start code per item, of `n_size` bytes at most."""

    _of, _format = "packets", "nal"


class FragMP4ShmemFrameFilter(_CodedRing):
    """Fragmented MP4, a box per item, of `n_size` bytes at most."""

    _of, _format = "boxes", "fmp4"


class FragMP4MuxFrameFilter(FrameFilter):
    """Makes fragmented MP4 of encoded video while it is active."""

    def __init__(self, name: str, next: FrameFilter | None = None) -> None:
        super().__init__(name, next)
        self._active = False
        self._headers = 0

    def activate(self, zerotime: int = 0) -> None:
        """Begin."""
        whole("FragMP4MuxFrameFilter.activate", "zerotime", zerotime, 0)
        self._turn(True)

    def deActivate(self) -> None:
        """End."""
        self._turn(False)

    def sendMeta(self) -> None:
        """Send once more what a new listener needs: ftyp and moov."""
        self._headers += 1
        changed()

    def pass_on(self, way: Way, planner: Planner) -> Way | None:
        if way.kind != "packets":
            return None
        node = Gate(id=planner.node(self.label, way), source=way.stream, opened=self._active)
        return replace(planner.put(node, way), kind="boxes", setups=False, headers=self._headers)

    def _turn(self, active: bool) -> None:
        if active != self._active:
            self._active = active
            changed()
