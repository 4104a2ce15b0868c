"""What the demo found, as data."""

from pathlib import Path

import msgspec

from camgraph.base.errors import CamgraphError


class StreamReport(msgspec.Struct, frozen=True, kw_only=True):
    """One stream: the media process's counts, and what the window showed of it.

    `lost` counts the frames from the first shown to the last that were not shown; `fps` is frames shown per
    second in between; ages are ms from a packet's arrival to its picture on the widget.
    """

    state: str
    width: int
    height: int
    received: int
    decoded: int
    shown: int
    lost: int
    fps: float
    age_ms_p50: float
    age_ms_p99: float


class AnalyzerReport(msgspec.Struct, frozen=True, kw_only=True):
    """One analyzer process and how it ended."""

    pid: int
    frames: int
    messages: int
    exit: str


class DemoReport(msgspec.Struct, frozen=True, kw_only=True):
    """The whole run. `torn` and `leftover_processes` were looked for, not taken on trust."""

    streams: dict[str, StreamReport]
    analyzers: dict[str, AnalyzerReport]
    torn: int
    checked: int
    """Frames in which the pattern was decoded to find torn ones."""
    unreadable: int
    leftover_processes: int
    playing_after_s: float | None
    """Seconds from the start of the command until every stream had shown two pictures (None: never)."""

    @property
    def failures(self) -> list[str]:
        """One sentence for each thing that should not be."""
        found = [
            f"stream {name} was never shown: {stream.state}"
            for name, stream in self.streams.items()
            if not stream.shown
        ]
        if self.torn:
            found.append(f"{self.torn} torn frames were found")
        if not self.checked:
            found.append("no frame could be checked for tearing")
        if self.leftover_processes:
            found.append(f"{self.leftover_processes} processes were left behind")
        return found

    def write(self, path: Path) -> None:
        """Write it as JSON; raise CamgraphError, fit to show, if that can't be."""
        try:
            path.write_bytes(msgspec.json.format(msgspec.json.encode(self)) + b"\n")
        except OSError as error:
            raise CamgraphError(f"{path} could not be written: {error.strerror}") from error
