"""A decoded camera to connect anything to."""

__all__ = ["OpenFilterchain"]

from typing import Any, ClassVar

from valkka import core
from valkka.api2.chains.chain import DECODER, LIVE, LiveChain


class OpenFilterchain(LiveChain):
    """Camera → decoder → what is connected."""

    parameter_defs: ClassVar[dict[str, Any]] = {**LIVE, **DECODER}

    def _outputs(self) -> core.FrameFilter:
        self.fork = core.ForkFrameFilterN(f"fork_{self.slot}")
        return self.fork

    def connect(self, name: str, framefilter: core.FrameFilter) -> bool:
        """Give the pictures to a filter, too; False where the name is in use."""
        return bool(self.fork.connect(name, framefilter))

    def disconnect(self, name: str) -> bool:
        """Give the pictures to a filter no more; False where the name is unknown."""
        return bool(self.fork.disconnect(name))
