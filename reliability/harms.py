"""The kinds of harm, as data: how each begins and ends."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from reliability.rows import Harmed

HERE, ELSEWHERE = "127.0.0.1", "127.0.0.2"


@dataclass(frozen=True, init=False, eq=False)
class Camera:
    """A fault that the camera has on command.

    It meets the stream that plays, or the `next` connection, after the camera has reset this one.
    """

    kind: str
    meets: Literal["now", "next"]
    parameters: Mapping[str, float | str]

    def __init__(self, kind: str, meets: Literal["now", "next"] = "now", **parameters: float | str) -> None:
        object.__setattr__(self, "kind", kind)
        object.__setattr__(self, "meets", meets)
        object.__setattr__(self, "parameters", MappingProxyType(parameters))

    def begin(self, scene: Harmed) -> None:
        """Command the fault."""
        if self.meets == "next":
            scene.fault("reset", {})
        scene.fault(self.kind, self.parameters)

    def end(self, scene: Harmed) -> None:
        """Heal the camera."""
        scene.heal()


@dataclass(frozen=True)
class Stopped:
    """The camera's process is stopped (SIGSTOP), and goes on."""

    def begin(self, scene: Harmed) -> None:
        """Stop it."""
        scene.freeze()

    def end(self, scene: Harmed) -> None:
        """Let it go on."""
        scene.thaw()


@dataclass(frozen=True)
class Killed:
    """The camera's process is killed, and started again."""

    def begin(self, scene: Harmed) -> None:
        """Kill it."""
        scene.kill()

    def end(self, scene: Harmed) -> None:
        """Start it again."""
        scene.restart()


@dataclass(frozen=True)
class Nameless:
    """The camera resets the connection, and its name server tells no address, or nothing at all."""

    answer: Literal[""] | None

    def begin(self, scene: Harmed) -> None:
        """Have the name asked for, in vain."""
        scene.name(self.answer)
        scene.fault("reset", {})
        scene.heal()

    def end(self, scene: Harmed) -> None:
        """Have it told."""
        scene.name(HERE)


@dataclass(frozen=True)
class Moved:
    """The camera gets another address, which its name server does not know at first."""

    def begin(self, scene: Harmed) -> None:
        """Move it."""
        scene.move(ELSEWHERE)

    def end(self, scene: Harmed) -> None:
        """Have its new address told."""
        scene.name(ELSEWHERE)


@dataclass(frozen=True)
class Crowd:
    """Others have all the seats that the camera has, until they leave."""

    viewers: int

    def begin(self, scene: Harmed) -> None:
        """Let the others in first."""
        scene.crowd(self.viewers)

    def end(self, scene: Harmed) -> None:
        """Have them leave."""
        scene.leave()


@dataclass(frozen=True)
class HungCall:
    """FFmpeg opens a file that nobody ever writes to, in the same media process; it never comes back."""

    def begin(self, scene: Harmed) -> None:
        """Have it opened."""
        scene.hang()

    def end(self, scene: Harmed) -> None:
        """Take the stream of that file out again; the call goes on as long as its process does."""
        scene.take_out()
