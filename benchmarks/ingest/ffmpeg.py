"""A peer: Debian's ffmpeg, one decoder thread a stream, all inputs in one process or a process a stream."""

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from typing import IO

from benchmarks.harness.child import last_words
from benchmarks.harness.rounds import RunFailed
from benchmarks.ingest.works import Kind, Work

REMEDY = "apt-get install ffmpeg"

# Small probes: they shorten the start, which is not measured; eight inputs are opened one after another.
_INPUT = ("-threads", "1", "-probesize", "32", "-fpsprobesize", "0")
_INPUT_OF: dict[Kind, tuple[str, ...]] = {"decode": (), "receive": (), "keyframes": ("-skip_frame", "nokey")}
_OUTPUT_OF: dict[Kind, tuple[str, ...]] = {
    "decode": (),
    "receive": ("-c", "copy"),
    "keyframes": ("-fps_mode", "passthrough"),
}
_REPORT_S = 0.25


def available() -> bool:
    """Return whether there is an ffmpeg to measure."""
    return shutil.which("ffmpeg") is not None


class _Process:
    def __init__(self, urls: Sequence[str], work: Work) -> None:
        self._progress: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 – closed by close()
        options = (*_INPUT, *_INPUT_OF[work.kind], "-rtsp_transport", work.transport)
        inputs = [word for url in urls for word in (*options, "-i", url)]
        maps = [word for index in range(len(urls)) for word in ("-map", f"{index}:v")]
        command = ["ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error", "-progress", "pipe:1"]
        self._process = subprocess.Popen(
            [
                *(*command, "-stats_period", str(_REPORT_S)),
                *(*inputs, *maps, *_OUTPUT_OF[work.kind], "-f", "null", "-"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=self._progress,
            stderr=subprocess.PIPE,
        )
        self.pid = self._process.pid

    def count(self) -> int:
        """Return the frames of the first stream; ffmpeg tells no others."""
        if self._process.poll() is not None:
            errors = self._process.communicate()[1].decode(errors="replace")
            raise RunFailed(last_words(errors, self._process.returncode))
        self._progress.seek(0)
        counts = [line for line in self._progress.read().splitlines() if line.startswith(b"frame=")]
        return int(counts[-1].partition(b"=")[2]) if counts else 0

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()
        self._progress.close()


class Ffmpeg:
    """Running ffmpeg processes. Owns them."""

    count_age_s = 2 * _REPORT_S

    def __init__(self, urls: Sequence[str], work: Work, *, process_a_stream: bool) -> None:
        groups = [[url] for url in urls] if process_a_stream else [urls]
        self._processes = [_Process(group, work) for group in groups]
        self.pids = [process.pid for process in self._processes]

    def counts(self) -> list[int]:
        """Return the frames of the first stream of each process."""
        return [process.count() for process in self._processes]

    def close(self) -> None:
        """End them."""
        for process in self._processes:
            process.close()
