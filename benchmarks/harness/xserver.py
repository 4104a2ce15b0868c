"""An X server of a run's own, so that its CPU time is that of the run."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.harness.machine import children_of
from benchmarks.harness.processes import name_of
from benchmarks.harness.rounds import RunFailed
from camgraph.testing.screens import screen

SCREEN_PX = (1280, 720)
_OTHERS = ("WAYLAND_DISPLAY", "QT_QPA_PLATFORM", "QT_SCALE_FACTOR")


class XServer(NamedTuple):
    """A running X server."""

    display: str
    pid: int

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a program that is to be shown here, and nowhere else."""
        inherited = {name: value for name, value in os.environ.items() if name not in _OTHERS}
        return inherited | {"DISPLAY": self.display}


@contextmanager
def xserver(framebuffer_in: Path | None = None, size_px: tuple[int, int] = SCREEN_PX) -> Iterator[XServer]:
    """Run one of that size; raise RunFailed, with the remedy, if it does not start."""
    with ExitStack() as running:
        before = set(children_of(os.getpid()))
        try:
            display = running.enter_context(screen(*size_px, framebuffer_in=framebuffer_in))
        except RuntimeError as error:
            raise RunFailed(str(error)) from None
        started = set(children_of(os.getpid())) - before
        yield XServer(display, next(pid for pid in started if name_of(pid) == "Xvfb"))
