"""A camera on the screen; and in shared memory, too."""

__all__ = ["BasicFilterchain", "ShmemFilterchain"]

from typing import Any, ClassVar

from valkka import core
from valkka.api2.chains.chain import DECODER, LIVE, SHMEM, LiveChain, Shmem
from valkka.api2.threads import OpenGLThread


class BasicFilterchain(LiveChain):
    """Camera → decoder → windows."""

    parameter_defs: ClassVar[dict[str, Any]] = {**LIVE, "openglthread": OpenGLThread, **DECODER}

    openglthread: OpenGLThread

    def _outputs(self) -> core.FrameFilter:
        input_filter: core.FrameFilter = self.openglthread.getInput()
        return input_filter


class ShmemFilterchain(Shmem, BasicFilterchain):
    """Camera → decoder → windows, and now and then a picture in shared memory; `event_fd` tells of each."""

    parameter_defs: ClassVar[dict[str, Any]] = {**BasicFilterchain.parameter_defs, **SHMEM}

    def _outputs(self) -> core.FrameFilter:
        return core.ForkFrameFilter(f"fork_{self.slot}", super()._outputs(), self._ring())
