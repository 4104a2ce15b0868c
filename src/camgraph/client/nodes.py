"""Handles of nodes that take commands while they run."""

from collections.abc import Callable

from msgspec import UNSET, UnsetType

from camgraph.graph.changes import (
    AttachBranch,
    NodeCommand,
    OpenGate,
    ResendHeaders,
    ResetMovement,
    SetRate,
    SetSource,
    commanded,
    node_of,
    source_of,
)
from camgraph.graph.nodes import Decode, Fork, Gate, Rate
from camgraph.graph.spec import GraphSpec

Command = Callable[[NodeCommand], None]
GetSpec = Callable[[], GraphSpec]


class LiveGate:
    """A gate of a running site. Commands raise what `Site.apply` raises."""

    def __init__(self, name: str, spec: GetSpec, command: Command) -> None:
        self.name = name
        self._spec, self._command = spec, command

    @property
    def opened(self) -> bool:
        """Whether it lets frames through."""
        return node_of(self._spec(), self.name, Gate).opened

    def open(self) -> None:
        """Let frames through, from the next one on."""
        self._command(OpenGate(node=self.name, opened=True))

    def close(self) -> None:
        """Let no frames through, from the next one on."""
        self._command(OpenGate(node=self.name, opened=False))


class LiveRate:
    """A rate of a running site. Commands raise what `Site.apply` raises."""

    def __init__(self, name: str, spec: GetSpec, command: Command) -> None:
        self.name = name
        self._spec, self._command = spec, command

    @property
    def fps(self) -> float:
        """Frames per second that it lets through at most."""
        return node_of(self._spec(), self.name, Rate).fps

    def set(self, fps: float) -> None:
        """Change it, from the next frame on; `fps` in frames per second."""
        self._command(SetRate(node=self.name, fps=float(fps)))


class LiveFork:
    """A fork of a running site. Commands raise what `Site.apply` raises."""

    def __init__(self, name: str, spec: GetSpec, command: Command) -> None:
        self.name = name
        self._spec, self._command = spec, command

    @property
    def branches(self) -> dict[str, bool]:
        """The branches, and whether each is attached."""
        fork = node_of(self._spec(), self.name, Fork)
        return {branch: branch not in fork.detached for branch in fork.branches}

    def attach(self, branch: str) -> None:
        """Give a branch frames, from the next one on."""
        self._command(AttachBranch(node=self.name, branch=branch, attached=True))

    def detach(self, branch: str) -> None:
        """Give a branch no frames, from the next one on."""
        self._command(AttachBranch(node=self.name, branch=branch, attached=False))


class LiveMovement:
    """A movement node of a running site. Commands raise what `Site.apply` raises."""

    def __init__(self, name: str, command: Command) -> None:
        self.name = name
        self._command = command

    def reset(self) -> None:
        """Forget what it saw: a movement that is on has no end told, and two pictures do not count again."""
        self._command(ResetMovement(node=self.name))


class LivePublished:
    """A published ring of a running site. Commands raise what `Site.apply` raises."""

    def __init__(self, name: str, command: Command) -> None:
        self.name = name
        self._command = command

    def resend_headers(self) -> None:
        """Have what a new listener needs (of fmp4 ``ftyp`` and ``moov``) come once more."""
        self._command(ResendHeaders(node=self.name))


class LiveCamera:
    """A source of a running site. Commands raise what `Site.apply` raises."""

    def __init__(self, name: str, spec: GetSpec, command: Command) -> None:
        self.name = name
        self._spec, self._command = spec, command

    @property
    def decode(self) -> Decode:
        """What is decoded: ``all`` pictures, or ``keyframes`` only."""
        return source_of(self._spec(), self.name).decode

    @property
    def decode_fps(self) -> float | None:
        """At most so many pictures a second are given to readers; None: as many as come."""
        return source_of(self._spec(), self.name).decode_fps

    @property
    def keep_warm(self) -> bool:
        """Whether it is decoded while nobody reads, too."""
        return source_of(self._spec(), self.name).keep_warm

    @property
    def show_damaged(self) -> bool:
        """Whether pictures that data is missing of are shown."""
        return source_of(self._spec(), self.name).show_damaged

    def set(
        self,
        *,
        decode: Decode | UnsetType = UNSET,
        decode_fps: float | UnsetType | None = UNSET,
        keep_warm: bool | UnsetType = UNSET,
        show_damaged: bool | UnsetType = UNSET,
    ) -> None:
        """Change what is given, from the next packet on; the camera's connection stays.

        `decode_fps` None: no bound.
        """
        fps = float(decode_fps) if isinstance(decode_fps, int | float) else decode_fps
        command = SetSource(
            node=self.name, decode=decode, decode_fps=fps, keep_warm=keep_warm, show_damaged=show_damaged
        )
        # The site's processes could not read a value that is none.
        commanded(self._spec(), command)
        self._command(command)
