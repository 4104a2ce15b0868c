"""What a row of the fault table is: declared before it is measured."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from camgraph.control.messages import StreamState
from camgraph.graph.nodes import Transport
from camgraph.graph.sources import SourceOptions

FPS, GOP = 25, 25
KEYFRAME_S = GOP / FPS
"""From one key frame of the cameras to the next."""
AT_ONCE_S = KEYFRAME_S + 1.0
NOTICED_WITHIN_S = 5.0
CAMERA_HOST = "camera.test"
"""The camera's name in rows that have a name server."""


class Harm(Protocol):
    """How a fault begins and ends."""

    def begin(self, scene: "Harmed") -> None:
        """Begin; return when the fault is there."""

    def end(self, scene: "Harmed") -> None:
        """End; return when it is over."""


class Harmed(Protocol):
    """What a harm is done to: the camera of one stream, and the way there."""

    def fault(self, kind: str, parameters: Mapping[str, float | str]) -> None:
        """Give the camera a fault, in place of the one it has."""

    def heal(self) -> None:
        """End the camera's fault."""

    def freeze(self) -> None:
        """Stop the camera's process."""

    def thaw(self) -> None:
        """Let it go on."""

    def kill(self) -> None:
        """Kill the camera's process."""

    def restart(self) -> None:
        """Start it again where it was."""

    def move(self, host: str) -> None:
        """Have the camera at another address, and not at its own."""

    def name(self, answer: str | None) -> None:
        """Have the name server tell this address; "": that there is none; None: nothing."""

    def crowd(self, viewers: int) -> None:
        """Let so many others in first, and the stream after them."""

    def leave(self) -> None:
        """Have the others leave."""

    def hang(self) -> None:
        """Have a call of FFmpeg hang in the same media process."""

    def take_out(self) -> None:
        """Take its stream out of the graph."""


@dataclass(frozen=True, eq=False)
class Row:
    """A fault of one camera, and what its stream is to do then.

    While the fault lasts the stream is in `state` for `reason`, and is so `noticed_within_s` from its begin;
    "live" without a reason: there is nothing to notice, and it stays so. The fault lasts for `lasts_s` at
    least. Without `ends`, the stream stays in that state. One that `overcomes` the fault is live again while
    it lasts.
    """

    fault: str
    harm: Harm
    state: StreamState
    reason: str = ""
    noticed_within_s: float = NOTICED_WITHIN_S
    lasts_s: float = 0.0
    ends: bool = True
    options: SourceOptions = field(default_factory=SourceOptions)
    transport: Transport = "tcp"
    goes_on_by: Transport = "tcp"
    """How packets travel at the end of the fault, where the stream had begun by UDP."""
    overcomes: bool = False
    pictures_within_s: float | None = None
    """So soon ten verified pictures come while the fault lasts; None: they need not."""
    waits_s: tuple[float, ...] = ()
    """The delays until the next attempts that it announces, one after the other, at most a tenth shorter."""
    replaced: bool = False
    """Whether the media process is replaced; recovered are the other streams then, from its end on."""
    named: bool = False
    """Whether the camera is found by name, and a name server of the row's own tells where."""
    settles_s: float = 5.0
    """After so long nothing of the fault is left in the media process."""
