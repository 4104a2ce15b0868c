"""What `camgraph probe` found out, as data: which exit code it means, and how it is shown."""

from collections.abc import Iterator

import msgspec
from rich.text import Text

from camgraph.cli.exits import JOB_FAILED
from camgraph.client.sentences import without_next_attempt
from camgraph.control.messages import StreamState, StreamStatistics, StreamStatus

UNREACHABLE = 10
UNAUTHORIZED = 11
NOT_FOUND = 12
UNSUPPORTED = 13
BUSY = 14
NO_PICTURES = 15
LOSSY = 16
_BY_STATE: dict[StreamState, int] = {
    "live": 0,
    "degraded": LOSSY,
    "stalled": NO_PICTURES,
    "unauthorized": UNAUTHORIZED,
    "not_found": NOT_FOUND,
    "unsupported": UNSUPPORTED,
}
_BY_REASON = {
    **dict.fromkeys(("name_not_found", "name_no_answer", "unreachable", "refused", "no_answer"), UNREACHABLE),
    **dict.fromkeys(("not_rtsp", "undecodable", "codec_changed"), UNSUPPORTED),
    **dict.fromkeys(("busy", "server_error"), BUSY),
    **dict.fromkeys(("no_media", "no_keyframe", "stalled", "camera_closed"), NO_PICTURES),
    "ended": 0,
}

RARE_KEYFRAMES_S = 4.0
WRONG_CLOCK_S = 1.0
_CLOCKS = {"rtcp": "its clock", "arrival": "arrival here"}


class ProbeReport(msgspec.Struct, frozen=True, kw_only=True):
    """One camera: whether it plays, what it sends, and what is wrong.

    What was not found out is null, or empty. `url` is without login.
    """

    url: str
    plays: bool
    exit_code: int
    state: StreamState
    reason: str
    """Machine-readable, as in `StreamStatus`; empty: nothing is wrong."""
    sentence: str
    problems: list[str] = []
    """What is wrong with a stream that plays."""
    first_picture_s: float | None = None
    """From the first step towards the camera."""
    codec: str = ""
    width: int = 0
    height: int = 0
    fps: float | None = None
    bit_rate: float | None = None
    """Bits per second."""
    keyframe_interval_s: float | None = None
    transport: str = ""
    jitter_s: float | None = None
    lost: int = 0
    """RTP packets that did not come."""
    loss: float = 0.0
    """Their share."""
    decoder_errors: int = 0
    clock_offset_s: float | None = None
    """By how much the camera's clock is ahead; null: it does not say."""
    capture_quality: str = ""
    """By what the time is known at which a picture was taken: its clock (rtcp), or its arrival."""

    def lines(self) -> Iterator[Text]:
        """Yield it as what stands on a screen."""
        head = Text(self.url, style="bold")
        yield head.append(*(" plays", "green") if self.plays else (f" does not play ({self.reason})", "red"))
        for name, value in self._facts():
            yield Text(f"  {name:<18}", style="dim").append(value, style="not dim")
        for text in self.problems if self.plays else [self.sentence]:
            yield Text(text, style="yellow" if self.plays else "red")

    def _facts(self) -> Iterator[tuple[str, str]]:
        if self.width:
            yield "picture", f"{self.codec}, {self.width}×{self.height} px"
        elif self.codec:
            yield "codec", self.codec
        if not self.fps or not self.bit_rate:
            return
        yield "rate", f"{self.fps:.1f} pictures a second, {self.bit_rate / 1e6:.2f} Mbit/s"
        every, offset = self.keyframe_interval_s, self.clock_offset_s
        yield "key frames", _told_interval(every, self.fps)
        if self.transport:
            yield "transport", self.transport
            yield "lost", f"{self.lost} packets, {self.loss:.1%}"
            yield "jitter", f"{(self.jitter_s or 0) * 1000:.1f} ms"
            yield "its clock", "not told" if offset is None else _told_offset(offset)
        if self.capture_quality:
            yield "time of pictures", f"by {_CLOCKS.get(self.capture_quality, self.capture_quality)}"
        if self.first_picture_s is not None:
            yield "first picture", f"after {self.first_picture_s:.2f} s"


def report_of(
    status: StreamStatus,
    url: str,
    *,
    numbers: StreamStatistics | None = None,
    quality: str = "",
    first_picture_s: float | None = None,
) -> ProbeReport:
    """Return the report on a stream that has come to this state, with its `numbers` if they are known."""
    code = exit_code(status)
    report = ProbeReport(
        url=url,
        plays=code in (0, LOSSY),
        exit_code=code,
        state=status.state,
        reason=status.reason,
        sentence=without_next_attempt(status.sentence).replace('login="env:NAME"', "--login env:NAME"),
        codec=status.codec,
        width=status.width,
        height=status.height,
        first_picture_s=first_picture_s and round(first_picture_s, 2),
        capture_quality=quality,
    )
    if numbers is None:
        return report
    report = msgspec.structs.replace(
        report,
        fps=round(numbers.fps, 2),
        bit_rate=round(numbers.bit_rate),
        keyframe_interval_s=_seconds(numbers.keyframe_interval_ns),
        transport=numbers.transport,
        jitter_s=_seconds(numbers.jitter_ns),
        lost=numbers.lost,
        loss=round(numbers.loss, 4),
        decoder_errors=numbers.decoder_errors,
        clock_offset_s=_seconds(numbers.clock_offset_ns),
    )
    return msgspec.structs.replace(report, problems=_problems(report)) if report.plays else report


def exit_code(status: StreamStatus) -> int:
    """Return what the command ends with when a stream has come to this state."""
    if status.state in _BY_STATE:
        return _BY_STATE[status.state]
    return _BY_REASON.get(status.reason, JOB_FAILED)


def _problems(report: ProbeReport) -> list[str]:
    found = [report.sentence] if report.state == "degraded" else []
    if report.lost and not found:
        found.append(f"{report.lost} packets were lost on the way.")
    if report.decoder_errors:
        found.append(f"{report.decoder_errors} packets could not be decoded.")
    every, offset = report.keyframe_interval_s, report.clock_offset_s
    if every is None:
        found.append("No second key frame came meanwhile: who joins, or loses a packet, waits long for one.")
    elif every > RARE_KEYFRAMES_S:
        found.append(
            f"Key frames come every {every:.0f} s only, and who joins, or loses a packet, waits so long: "
            "set the camera to one a second or two."
        )
    if offset is not None and abs(offset) > WRONG_CLOCK_S:
        found.append(f"Its clock is {_told_offset(offset)}: give the camera a time server (NTP).")
    return found


def _seconds(ns: int) -> float | None:
    return round(ns / 1e9, 6) if ns else None


def _told_interval(seconds: float | None, fps: float) -> str:
    if seconds is None:
        return "unknown"
    return "every picture" if seconds < 1.5 / fps else f"every {seconds:.1f} s"


def _told_offset(seconds: float) -> str:
    amount = f"{abs(seconds) * 1000:.0f} ms" if abs(seconds) < 1 else f"{abs(seconds):.1f} s"
    return f"{amount} {'ahead of' if seconds > 0 else 'behind'} this machine's"
