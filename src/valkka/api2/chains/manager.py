"""A camera in as many windows, and rings, as are asked for at the moment."""

__all__ = ["ManagedFilterchain", "ManagedFilterchain2"]

import logging
from collections.abc import Iterable
from typing import Any, ClassVar

from valkka import core
from valkka.api2.chains.chain import DECODER, LIVE, LiveChain, random_name, ring
from valkka.api2.chains.port import ViewPort
from valkka.api2.threads import OpenGLThread

_log = logging.getLogger("valkka.api2")


class ManagedFilterchain(LiveChain):
    """Camera → decoder → windows, which come and go; `openglthreads` has a thread for each X screen.

    Without a window nothing is decoded.
    """

    parameter_defs: ClassVar[dict[str, Any]] = {**LIVE, "openglthreads": list, "_id": (int, 0), **DECODER}

    openglthreads: list[OpenGLThread]
    _id: int

    def _outputs(self) -> core.FrameFilter:
        self.fork = core.ForkFrameFilterN(f"fork_{self.slot}")
        self._tokens: dict[ViewPort, tuple[int, int]] = {}
        return self.fork

    def _begin(self) -> None:
        super()._begin()
        self.decodingOn()

    def _end(self) -> None:
        for port in list(self._tokens):
            self.delViewPort(port)
        super()._end()

    def addViewPort(self, view_port: ViewPort) -> None:
        """Show the camera in a window."""
        if view_port in self._tokens:
            _log.warning("%s%r is there already", self.pre, view_port)
            return
        screen = view_port.getXScreenNum()
        thread = self.openglthreads[screen]
        token = thread.connect(slot=self.slot, window_id=view_port.getWindowId())
        if not token:
            return
        if not self.getNumXscreenPorts(screen):
            self.fork.connect(f"screen_{screen}", thread.getInput())
        self._tokens[view_port] = screen, token
        self.report("shown in", view_port)

    def delViewPort(self, view_port: ViewPort) -> None:
        """Show the camera in a window no more."""
        if view_port not in self._tokens:
            _log.warning("%s%r is not there", self.pre, view_port)
            return
        screen, token = self._tokens.pop(view_port)
        self.openglthreads[screen].disconnect(token)
        if not self.getNumXscreenPorts(screen):
            self.fork.disconnect(f"screen_{screen}")
        self.report("not shown in", view_port)

    def getNumXscreenPorts(self, n: int) -> int:
        """Return how many windows on X screen `n` show the camera."""
        return sum(screen == n for screen, _ in self._tokens.values())

    def setBoundingBoxes(
        self, view_port: ViewPort, bbox_list: Iterable[tuple[float, float, float, float]]
    ) -> None:
        """Draw just these rectangles (left, right, top, bottom: 0 to 1, from the bottom left) in a window."""
        if view_port not in self._tokens:
            _log.warning("%s%r is not there", self.pre, view_port)
            return
        screen, token = self._tokens[view_port]
        gl = self.openglthreads[screen].core
        gl.clearObjectsCall(token)
        for left, right, top, bottom in bbox_list:
            gl.addRectangleCall(token, left, right, top, bottom)

    def getParDic(self, keys: Iterable[str]) -> dict[str, Any]:
        """Return the values of parameters by name."""
        return {key: getattr(self, key) for key in keys}


class ManagedFilterchain2(ManagedFilterchain):
    """A ManagedFilterchain whose pictures are in rings, too, while somebody asks for one."""

    parameter_defs: ClassVar[dict[str, Any]] = {
        **ManagedFilterchain.parameter_defs,
        "shmem_image_dimensions": (tuple, (480, 270)),
        "shmem_n_buffer": (int, 10),
        "shmem_image_interval": (int, 1000),
    }

    shmem_image_dimensions: tuple[int, int]
    shmem_n_buffer: int
    shmem_image_interval: int

    def getShmem(self) -> str:
        """Return the name of a new ring with pictures of the camera."""
        name = random_name()
        first, _ = ring(
            self.slot, name, self.shmem_n_buffer, self.shmem_image_dimensions, self.shmem_image_interval
        )
        self.fork.connect(name, first)
        return name

    def releaseShmem(self, name: str) -> None:
        """End a ring."""
        if not self.fork.disconnect(name):
            _log.warning("%sthere is no ring %s", self.pre, name)
