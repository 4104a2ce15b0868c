"""A peer: GStreamer, rtspsrc to ximagesink, all streams in one gst-launch, a window a stream."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from typing import IO

from benchmarks.harness.child import last_words
from benchmarks.harness.rounds import RunFailed
from benchmarks.harness.windows import arrange

REMEDY = (
    "apt-get install gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good "
    "gstreamer1.0-plugins-bad gstreamer1.0-libav gstreamer1.0-x"
)
_ELEMENTS = (
    *("rtspsrc", "rtph264depay", "h264parse", "avdec_h264"),
    *("videoscale", "videoconvert", "fpsdisplaysink", "ximagesink"),
)

# Scaled before it is converted, which is the cheaper order; shown as it comes, or by its clock.
_PIPELINE = (
    "rtspsrc location={url} protocols=tcp latency={latency_ms} ! "
    "rtph264depay ! h264parse ! avdec_h264 max-threads=1 ! "
    "videoscale ! video/x-raw,width={width},height={height} ! videoconvert ! "
    "fpsdisplaysink name=tile{index} text-overlay=false sync={sync} fps-update-interval={report_ms} "
    "video-sink=ximagesink"
)
_REPORT_MS = 100
_RENDERED = re.compile(rb"GstFPSDisplaySink:tile(\d+): last-message = rendered: (\d+),")


def available() -> bool:
    """Return whether GStreamer can show a camera here."""
    return shutil.which("gst-launch-1.0") is not None and all(
        subprocess.run(
            ["gst-inspect-1.0", "--exists", element], stdin=subprocess.DEVNULL, capture_output=True
        ).returncode
        == 0
        for element in _ELEMENTS
    )


def rendered(output: bytes, tiles: int) -> list[int]:
    """Return how many frames each tile has shown, as gst-launch last said."""
    counts = [0] * tiles
    for index, count in _RENDERED.findall(output):
        counts[int(index)] = int(count)
    return counts


class GStreamer:
    """A running gst-launch. Owns it; its counts are up to a tenth of a second old.

    With `latency_ms` frames are shown by their timestamps, so late; else as they come.
    """

    def __init__(
        self,
        urls: Sequence[str],
        width: int,
        height: int,
        environment: Mapping[str, str],
        *,
        latency_ms: int = 0,
    ) -> None:
        self._tiles, self._size = len(urls), (width, height)
        self._display = environment["DISPLAY"]
        self._arranged = False
        self._output: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 – closed by close()
        words = [
            word
            for index, url in enumerate(urls)
            for word in _PIPELINE.format(
                url=url,
                width=width,
                height=height,
                index=index,
                report_ms=_REPORT_MS,
                latency_ms=latency_ms,
                sync="true" if latency_ms else "false",
            ).split()
        ]
        quiet = [word for name in ("stats", "caps") for word in ("--exclude", name)]
        self._process = subprocess.Popen(
            ["gst-launch-1.0", "--verbose", *quiet, *words],
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            env=environment,
        )
        self.pid = self._process.pid

    def ask(self, question: str = "") -> dict[str, list[int] | None]:
        """Return the frames that each tile has shown; there is no GUI thread to be late."""
        if self._process.poll() is not None:
            raise RunFailed(last_words(self._read().decode(errors="replace"), self._process.returncode))
        if not self._arranged:
            self._arranged = arrange(self._display, self.pid, self._tiles, *self._size)
        shown = rendered(self._read(), self._tiles) if self._arranged else [0] * self._tiles
        return {"shown": shown, "late_ms": None}

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        self._output.close()

    def _read(self) -> bytes:
        self._output.seek(0)
        return self._output.read()
