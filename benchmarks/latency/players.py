"""Peers: players that anybody has, told to wait for nothing."""

import subprocess
from collections.abc import Sequence

from benchmarks.harness.players import Kind
from benchmarks.harness.rounds import RunFailed
from benchmarks.harness.xserver import XServer

FFPLAY = Kind(
    (
        *("ffplay", "-loglevel", "quiet", "-rtsp_transport", "tcp", "-probesize", "32"),
        *("-fflags", "nobuffer", "-flags", "low_delay", "-framedrop", "-vf", "setpts=0"),
        *("-noborder", "-left", "0", "-top", "0", "-x", "{width}", "-y", "{height}"),
    ),
    "apt-get install ffmpeg",
)
MPV = Kind(
    (
        *("mpv", "--no-config", "--really-quiet", "--profile=low-latency", "--untimed", "--no-cache"),
        *("--no-correct-pts", "--framedrop=no"),
        *("--rtsp-transport=tcp", "--no-audio", "--no-osc", "--vo=x11", "--sws-fast=yes", "--no-border"),
        "--geometry={width}x{height}+0+0",
    ),
    "apt-get install mpv",
)


class Player:
    """One that runs. Owns it."""

    def __init__(self, kind: Kind, url: str, size: Sequence[int], x: XServer) -> None:
        width, height = size
        self._name = kind.command[0]
        self._process = subprocess.Popen(
            [*(word.format(width=width, height=height) for word in kind.command), url],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=x.environment | {"SDL_AUDIODRIVER": "dummy"},
        )
        self.pid = self._process.pid

    def ask(self) -> None:
        """Raise RunFailed if it has ended."""
        if self._process.poll() is not None:
            raise RunFailed(f"{self._name} ended with exit code {self._process.returncode}")

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
