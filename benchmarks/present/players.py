"""Peers: players that anybody has, a process a window, told to show every frame as it comes."""

import subprocess
import time
from collections.abc import Sequence

from benchmarks.harness.players import Kind
from benchmarks.harness.rounds import RunFailed
from benchmarks.harness.xserver import XServer
from benchmarks.present.windows import Layout
from camgraph.testing.screens import pixels_of

FPS = 25

MPV = Kind(
    (
        *("mpv", "--no-config", "--really-quiet", "--profile=low-latency", "--untimed", "--no-cache"),
        *("--rtsp-transport=tcp", "--vd-lavc-threads=1", "--no-correct-pts", "--framedrop=no", "--no-audio"),
        *("--no-osc", "--vo=x11", "--sws-fast=yes", "--wid={window}"),
    ),
    "apt-get install mpv",
)
FFPLAY = Kind(
    # In windows of its own: SDL2, which it shows by, takes no window's id from outside.
    (
        *("ffplay", "-loglevel", "quiet", "-rtsp_transport", "tcp", "-probesize", "32", "-threads", "1"),
        *("-fflags", "nobuffer", "-flags", "low_delay", "-noframedrop", "-vf", "setpts=0"),
        *("-noborder", "-left", "{x}", "-top", "{y}", "-x", "{width}", "-y", "{height}"),
    ),
    "apt-get install ffmpeg",
)


class Players:
    """Running ones. Owns them. They tell no counts: they show what the cameras send."""

    def __init__(
        self, kind: Kind, urls: Sequence[str], windows: Sequence[int], layout: Layout, x: XServer
    ) -> None:
        self._layout, self._display, self._name = layout, x.display, kind.command[0]
        self._since_s: float | None = None
        self._processes: list[subprocess.Popen[bytes]] = []
        self.pids: list[int] = []
        for url, window, (left, top) in zip(urls, windows, layout.places, strict=True):
            words = {"window": window, "x": left, "y": top, "width": layout.width, "height": layout.height}
            process = subprocess.Popen(
                [*(word.format_map(words) for word in kind.command), url],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=x.environment | {"SDL_AUDIODRIVER": "dummy"},
            )
            self._processes.append(process)
            self.pids.append(process.pid)

    def counts(self) -> list[int]:
        """Return how many frames came to each window since all of them had a picture."""
        for process in self._processes:
            if process.poll() is not None:
                raise RunFailed(f"{self._name} ended with exit code {process.returncode}")
        if self._since_s is None:
            if not self._all_seen():
                return [0] * self._layout.count
            self._since_s = time.monotonic()
        return [1 + round((time.monotonic() - self._since_s) * FPS)] * self._layout.count

    def close(self) -> None:
        """End them."""
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()

    def _all_seen(self) -> bool:
        pixels = pixels_of(self._display, *self._layout.screen_px)
        width, height = self._layout.size
        return all(pixels[y : y + height, x : x + width].any() for x, y in self._layout.places)
