"""What one run of the ring family does, as both sides and all transports know it."""

from dataclasses import dataclass
from typing import Literal

Source = Literal["pictures", "decoded"]

HELD = 2
"""How many frames a reader keeps before it checks and drops the oldest."""


@dataclass(frozen=True)
class Setup:
    """One configuration: yuv420p frames of that size, that many readers, frames per second."""

    width: int
    height: int
    readers: int
    fps: float
    source: Source = "pictures"

    @property
    def luma_bytes(self) -> int:
        """Return the size of the first plane."""
        return self.width * self.height

    @property
    def frame_bytes(self) -> int:
        """Return the size of a frame; width and height are even."""
        return self.luma_bytes * 3 // 2

    @property
    def check_step(self) -> int:
        """Return which bytes of a payload are checked: all where there is time for it, else each of …"""
        return 1 if self.source == "decoded" else 1021

    @property
    def label(self) -> str:
        """Return the words for a table."""
        plural = "" if self.readers == 1 else "s"
        decoded = ", decoded in the writer" if self.source == "decoded" else ""
        return f"{self.height}p at {self.fps:g} fps{decoded}, {self.readers} reader{plural}"


@dataclass(frozen=True)
class Window:
    """When a run's frames count, in ns of the monotonic clock; warm-up before, nothing after."""

    begin_ns: int
    end_ns: int
