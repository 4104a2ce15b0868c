"""What is to be received, and what becomes of it."""

from dataclasses import dataclass
from typing import Literal

from camgraph.cli.camera_child import Codec
from camgraph.graph.nodes import Transport
from camgraph.testing.clips import GOP

FPS = 25

Kind = Literal["decode", "receive", "keyframes"]
"""Every picture is decoded; none is; those that need no other one are."""

_WORDS = {"decode": "", "receive": "received only", "keyframes": "keyframes only"}
_CODECS = {"h264": "", "h265": "H.265", "mjpeg": "MJPEG"}


@dataclass(frozen=True)
class Work:
    """Streams of built-in cameras, a camera each."""

    streams: int
    kind: Kind = "decode"
    size: tuple[int, int] = (1280, 720)
    codec: Codec = "h264"
    transport: Transport = "tcp"

    @property
    def label(self) -> str:
        """How rows call it."""
        by = "by UDP" if self.transport == "udp" else ""
        words = (f"{self.streams} × {self.size[1]}p{FPS}", _CODECS[self.codec], by, _WORDS[self.kind])
        return " ".join(filter(None, words))

    @property
    def fps(self) -> float:
        """How much a second is to be counted of each stream."""
        return FPS / GOP if self.kind == "keyframes" else FPS
