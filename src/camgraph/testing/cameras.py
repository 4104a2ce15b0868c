"""Cameras for tests: ``with Cameras(count=4) as cameras: … cameras.urls``; they run in their own process.

``python -m camgraph.testing.cameras`` is that process.
"""

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from camgraph.cli.camera_child import CameraChild, CameraOptions, Ready

START_PATIENCE_S = 60.0
"""Clips that are not in the cache are encoded first."""
_LOGIN_VARIABLE = "CAMGRAPH_CAMERAS_LOGIN"


class Sent(NamedTuple):
    """A line of the log of frames: when (CLOCK_MONOTONIC, ns) which frame of which camera went out."""

    camera: int
    number: int
    monotonic_ns: int


class Cameras:
    """Cameras that run from construction to `close`; with port 0 at one that is free, kept over restarts.

    `login` is ``user:password``, None lets everybody in. `sent_log` names a file that gets a line for each
    frame sent (see `read_sent`). Raises CamerasFailed if they can't run.
    """

    def __init__(
        self,
        count: int = 4,
        *,
        login: str | None = None,
        size: tuple[int, int] = (1280, 720),
        fps: int = 25,
        host: str = "127.0.0.1",
        port: int = 0,
        sent_log: Path | None = None,
    ) -> None:
        self._environment = dict(os.environ)
        if login is not None:
            self._environment[_LOGIN_VARIABLE] = login
        reference = f"env:{_LOGIN_VARIABLE}" if login is not None else None
        self._options = CameraOptions(count, host, port, size, fps, reference, sent_log)
        self._start()

    @property
    def urls(self) -> list[str]:
        """The addresses of the cameras, /1 first, without login."""
        return [self._ready.url(f"/{camera}") for camera in range(1, self._options.count + 1)]

    @property
    def audio_url(self) -> str:
        """The address of a camera that has sound and no picture."""
        return self._ready.url("/audio")

    @property
    def port(self) -> int:
        """The port of all cameras."""
        return self._ready.port

    @property
    def pid(self) -> int:
        """The process id of the cameras."""
        return self._child.pid

    @property
    def alive(self) -> bool:
        """Whether the cameras run."""
        return self._child.alive

    def kill(self) -> None:
        """Kill the cameras (SIGKILL) and wait for their end."""
        self._child.kill()

    def stop(self) -> None:
        """End the cameras in order: their viewers are told (RTCP BYE)."""
        self._child.close()

    def restart(self) -> None:
        """Start the cameras again at the same port, ending them first if they run; return when they serve."""
        self._child.close()
        self._start()

    def read_sent(self) -> list[Sent]:
        """Return all that the log of frames sent holds by now; empty without a log."""
        if self._options.sent_log is None:
            return []
        text = self._options.sent_log.read_text(encoding="utf-8")
        return [Sent(**json.loads(line)) for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def close(self) -> None:
        """End the cameras; closing twice is closing once."""
        self._child.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start(self) -> None:
        self._child = CameraChild(self._options, self._environment)
        try:
            self._ready: Ready = self._child.wait_ready(START_PATIENCE_S)
        except BaseException:
            self._child.close()
            raise
        self._options = replace(self._options, port=self._ready.port)


if __name__ == "__main__":
    from camgraph.testing.camera_process import main

    sys.exit(main(sys.argv[1:]))
