"""Handles of nodes that take commands while they run."""

from collections.abc import Callable

from camgraph.graph.changes import AttachBranch, NodeCommand, OpenGate, SetRate, node_of
from camgraph.graph.spec import Fork, Gate, GraphSpec, Rate

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
