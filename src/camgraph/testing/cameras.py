"""Cameras for tests: ``with Cameras(count=4) as cameras: … cameras.urls``; they run in their own process.

``python -m camgraph.testing.cameras`` is that process.
"""

import json
import os
import signal
import socket
import sys
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import msgspec

from camgraph.cli.camera_child import CameraChild, CameraOptions, CamerasFailed, Codec, Ready
from camgraph.media.rtsp.gate import AuthKind
from camgraph.testing.faults import Command, Done, Fault
from camgraph.testing.waiting import wait_until

START_PATIENCE_S = 60.0
"""Clips that are not in the cache are encoded first."""
COMMAND_PATIENCE_S = 60.0
"""A fault may need a clip that is encoded first."""


class Sent(NamedTuple):
    """A line of the log of frames: when (CLOCK_MONOTONIC, ns) which frame of which camera went out."""

    camera: int
    number: int
    monotonic_ns: int


class Cameras:
    """Cameras that run from construction to `close`; with port 0 at one that is free, kept over restarts.

    `login` is ``user:password``, None lets everybody in; `auth` says how it is asked for: ``digest``,
    ``sha256`` (digest, too), ``basic``, or ``both`` digest and basic. `codec` is ``h264``, ``h265`` or
    ``mjpeg``. Clients choose among TCP, UDP and multicast. `sent_log` names a file that gets a line for each
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
        codec: Codec = "h264",
        auth: AuthKind = "digest",
    ) -> None:
        self._login = login
        self._options = CameraOptions(count, host, port, size, fps, sent_log, codec, auth)
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
        self._end()

    def restart(self) -> None:
        """Start the cameras again at the same port, ending them first if they run; return when they serve.

        They have no faults.
        """
        self._end()
        self._start()

    def fault(self, camera: int, kind: str, **parameters: float | str) -> None:
        """Give a camera (1 for the first) a fault in place of the one it has; return when it is there.

        `camgraph.testing.faults` has the kinds: ``fault(1, "loss", percent=5)``. The other cameras are
        not disturbed.
        Raises ValueError for what is no fault, CamerasFailed if the cameras don't answer.
        """
        self._command(Command(camera, msgspec.convert({"kind": kind, **parameters}, Fault)))

    def heal(self, camera: int) -> None:
        """End the fault of a camera, if it has one; return when it has none. Raises as `fault` does."""
        self._command(Command(camera, None))

    def freeze(self) -> None:
        """Stop the process of all cameras (SIGSTOP) until `thaw`."""
        os.kill(self.pid, signal.SIGSTOP)
        wait_until(
            lambda: os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WNOHANG), what="the cameras are frozen"
        )

    def thaw(self) -> None:
        """Let the cameras go on (SIGCONT); where they are not frozen, nothing happens."""
        if self.alive:
            os.kill(self.pid, signal.SIGCONT)

    def read_sent(self) -> list[Sent]:
        """Return all that the log of frames sent holds by now; empty without a log."""
        if self._options.sent_log is None:
            return []
        text = self._options.sent_log.read_text(encoding="utf-8")
        return [Sent(**json.loads(line)) for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def close(self) -> None:
        """End the cameras; closing twice is closing once."""
        self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start(self) -> None:
        self._commands, theirs = socket.socketpair()
        self._commands.settimeout(COMMAND_PATIENCE_S)
        try:
            with theirs:
                self._child = CameraChild(self._options, login=self._login, command_fd=theirs.fileno())
        except BaseException:
            self._commands.close()
            raise
        try:
            self._ready: Ready = self._child.wait_ready(START_PATIENCE_S)
        except BaseException:
            self._end()
            raise
        self._options = replace(self._options, port=self._ready.port)

    def _end(self) -> None:
        self.thaw()
        self._child.close()
        self._commands.close()

    def _command(self, command: Command) -> None:
        answer = b""
        try:
            self._commands.sendall(msgspec.json.encode(command) + b"\n")
            while not answer.endswith(b"\n"):
                if not (part := self._commands.recv(4096)):
                    raise CamerasFailed("the cameras have ended")
                answer += part
        except OSError as error:
            self._commands.close()  # An answer that comes late would be taken for that to the next command.
            raise CamerasFailed(f"the cameras take no commands: {error}") from error
        if refusal := msgspec.json.decode(answer, type=Done).error:
            raise ValueError(refusal)


if __name__ == "__main__":
    from camgraph.testing.camera_process import main

    sys.exit(main(sys.argv[1:]))
