"""Windows of this process, that others are to draw in; and a program that draws."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Protocol

from benchmarks.harness.rounds import RunFailed
from benchmarks.harness.windows import columns_of, places_of
from benchmarks.harness.xserver import XServer
from camgraph.errors import CamgraphError
from camgraph.present.own import OwnWindows


@dataclass(frozen=True)
class Layout:
    """Windows of one size, in px, side by side: what is covered is not drawn."""

    count: int
    width: int
    height: int

    @property
    def label(self) -> str:
        """How rows call it."""
        return f"{self.count} windows of {self.width}×{self.height}"

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of a window."""
        return self.width, self.height

    @property
    def places(self) -> list[tuple[int, int]]:
        """Where each is, (x, y)."""
        return places_of(self.count, self.width, self.height)

    @property
    def screen_px(self) -> tuple[int, int]:
        """How large a screen holds them."""
        columns = columns_of(self.count)
        return columns * self.width, -(-self.count // columns) * self.height


class Shows(Protocol):
    """A program, or some, that draws into windows; `pids` are their own, less what they start."""

    pids: list[int]

    def counts(self) -> list[int]:
        """Return the frames that each window has shown so far; raise RunFailed if it has ended."""
        ...

    def close(self) -> None:
        """End and release all."""
        ...


@contextmanager
def windows(x: XServer, layout: Layout) -> Iterator[list[int]]:
    """Give the ids of mapped windows in their places; raises RunFailed, with the remedy."""
    with closing(OwnWindows(x.display)) as own:
        try:
            ids = [own.create(*layout.size, mapped=True) for _ in range(layout.count)]
        except CamgraphError as error:
            raise RunFailed(str(error)) from None
        command = ["xdotool"]
        for window, place in zip(ids, layout.places, strict=True):
            command += ["windowmove", str(window), *map(str, place)]
        environment = {**os.environ, "DISPLAY": x.display}
        if subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=False).returncode:
            raise RunFailed("xdotool could not move the windows")
        yield ids
