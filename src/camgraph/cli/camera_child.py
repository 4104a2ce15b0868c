"""Running the built-in cameras as a process of their own, and hearing from it."""

import contextlib
import os
import select
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import msgspec

from camgraph.base.children import describe_exit, start_module
from camgraph.base.descriptors import occupy_standard
from camgraph.base.errors import CamgraphError
from camgraph.media.rtsp.gate import AuthKind

STOP_PATIENCE_S = 3.0

Codec = Literal["h264", "h265", "mjpeg"]


class _Report(msgspec.Struct, frozen=True, tag_field="event", tag=str.lower):
    pass


class Progress(_Report, frozen=True):
    """Clips are being encoded: so many of so many frames."""

    done: int
    total: int


class Notice(_Report, frozen=True):
    """Something a person may want to know; the cameras go on."""

    text: str


class Ready(_Report, frozen=True):
    """The cameras accept clients."""

    host: str
    port: int
    paths: tuple[str, ...]

    def url(self, path: str) -> str:
        """Return the address of a path; it carries no password."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"rtsp://{host}:{self.port}{path}"


class Failed(_Report, frozen=True):
    """The cameras can't run: one sentence with the remedy, and the exit code."""

    sentence: str
    exit_code: int


Report = Progress | Notice | Ready | Failed


class CamerasFailed(CamgraphError):
    """The cameras could not start, or ended by themselves; the text is fit to show."""

    def __init__(self, sentence: str, exit_code: int = 1) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code


@dataclass(frozen=True)
class CameraOptions:
    """What cameras to run; port 0 is any that is free."""

    count: int = 4
    host: str = "127.0.0.1"
    port: int = 8554
    size: tuple[int, int] = (1280, 720)
    fps: int = 25
    sent_log: Path | None = None
    codec: Codec = "h264"
    auth: AuthKind = "digest"

    def arguments(self) -> list[str]:
        """Return the command line of the process."""
        width, height = self.size
        values = {
            "count": self.count,
            "host": self.host,
            "port": self.port,
            "width": width,
            "height": height,
            "fps": self.fps,
            "sent-log": self.sent_log,
            "codec": self.codec,
            "auth": self.auth,
        }
        return [f"--{name}={value}" for name, value in values.items() if value is not None]


class CameraChild:
    """The process: it ends with `close`, and when this process ends, however it does.

    `fileno` is readable when there are reports. `login` is the ``user:password`` that the cameras ask for; no
    stranger finds it at the process. That inherits `command_fd`, a socket that brings it commands (see
    `camgraph.testing.fault_desk`); it stays the caller's.
    """

    def __init__(
        self,
        options: CameraOptions,
        *,
        login: str | None = None,
        command_fd: int | None = None,
    ) -> None:
        self._decoder = msgspec.json.Decoder(Report)
        self._unfinished = b""
        occupy_standard()
        self._reports, report_fd = os.pipe2(os.O_CLOEXEC)
        owner_fd = os.pidfd_open(os.getpid())
        own = [f"--owner-fd={owner_fd}", f"--report-fd={report_fd}"]
        inherited = [owner_fd, report_fd]
        if command_fd is not None:
            own.append(f"--command-fd={command_fd}")
            inherited.append(command_fd)
        login_fd = -1
        try:
            os.set_blocking(self._reports, False)
            if login is not None:
                login_fd = _memfd_of(login)
                own.append(f"--login-fd={login_fd}")
                inherited.append(login_fd)
            self._process = start_module(
                "camgraph.testing.cameras",
                [*options.arguments(), *own],
                descriptors=inherited,
                hold_signals=True,
            )
        except BaseException:
            os.close(self._reports)
            raise
        finally:
            os.close(report_fd)
            os.close(owner_fd)
            if login_fd >= 0:
                os.close(login_fd)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def fileno(self) -> int:
        """Return the descriptor that brings reports."""
        return self._reports

    def read(self) -> list[Report] | None:
        """Return the reports that have come, without waiting; None: the process has ended or soon will."""
        chunks: list[bytes] = []
        try:
            while chunk := os.read(self._reports, 65536):
                chunks.append(chunk)
            if not chunks:
                return None
        except BlockingIOError:
            pass
        *lines, self._unfinished = (self._unfinished + b"".join(chunks)).split(b"\n")
        return [self._decoder.decode(line) for line in lines]

    def wait_ready(self, timeout_s: float, on_report: Callable[[Report], None] = lambda _: None) -> Ready:
        """Return what is served once it is; other reports go to `on_report`.

        Raises CamerasFailed if the cameras can't run, or if it takes longer.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            if not select.select([self], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise CamerasFailed(
                    f"the cameras were not ready within {timeout_s:g} s: is the machine busy?"
                )
            for report in self.read_or_raise():
                if isinstance(report, Ready):
                    return report
                on_report(report)

    def read_or_raise(self) -> list[Report]:
        """Return what `read` does; CamerasFailed if the process can't run or has ended."""
        reports = self.read()
        if reports is None:
            exit_code = self._wait(STOP_PATIENCE_S)
            raise CamerasFailed(f"the cameras have ended: {describe_exit(exit_code)}")
        for report in reports:
            if isinstance(report, Failed):
                self._wait(STOP_PATIENCE_S)
                raise CamerasFailed(report.sentence, report.exit_code)
        return reports

    def kill(self) -> None:
        """Kill the process (SIGKILL) and wait for its end."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """End the process, in order if it lets itself; release everything. Closing twice is closing once."""
        if self._reports < 0:
            return
        self._process.terminate()
        self._wait(STOP_PATIENCE_S)
        os.close(self._reports)
        self._reports = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _wait(self, timeout_s: float) -> int:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(timeout_s)
        self._process.kill()
        return self._process.wait()


def _memfd_of(login: str) -> int:
    fd = os.memfd_create("camgraph-login", os.MFD_CLOEXEC)
    try:
        os.write(fd, login.encode())
        os.lseek(fd, 0, os.SEEK_SET)
    except BaseException:
        os.close(fd)
        raise
    return fd
