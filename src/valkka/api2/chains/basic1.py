"""Chains without a source, which is given them later."""

__all__ = ["BasicFilterchain1", "ShmemFilterchain1"]

from typing import Any, ClassVar, NoReturn

from valkka import core
from valkka.api2.chains.chain import DECODER, SHMEM, Chain, Shmem
from valkka.api2.threads import OpenGLThread
from valkka.core.later import PLAYING_FILES, not_there_yet


class BasicFilterchain1(Chain):
    """Decoder → windows. `setLiveContext` makes `live_ctx`, for a LiveThread to play."""

    parameter_defs: ClassVar[dict[str, Any]] = {"openglthread": OpenGLThread, **DECODER}

    openglthread: OpenGLThread
    live_ctx: core.LiveConnectionContext | None = None
    file_ctx: None = None

    def setLiveContext(self, address: str) -> core.LiveConnectionContext:
        """Make `live_ctx`: a camera."""
        self.live_ctx = self._connection(address)
        return self.live_ctx

    def setFileContext(self, filename: str) -> NoReturn:
        """Make `file_ctx`: a file."""
        raise not_there_yet(f"{type(self).__name__}.setFileContext", PLAYING_FILES)

    def fileStatusOk(self) -> bool:
        """Return whether the file can be played."""
        return False

    def _outputs(self) -> core.FrameFilter:
        input_filter: core.FrameFilter = self.openglthread.getInput()
        return input_filter


class ShmemFilterchain1(Shmem, BasicFilterchain1):
    """Decoder → windows, and now and then a picture in shared memory."""

    parameter_defs: ClassVar[dict[str, Any]] = {**BasicFilterchain1.parameter_defs, **SHMEM}

    def _outputs(self) -> core.FrameFilter:
        return core.ForkFrameFilter(f"fork_{self.slot}", super()._outputs(), self._ring())
