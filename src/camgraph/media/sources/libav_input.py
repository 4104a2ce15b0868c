"""What libavformat reads, opened, with the video in it; shared by the sources that leave reading to it."""

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any, TypeAlias

import av
import av.error
from av.container import InputContainer
from av.video.stream import VideoStream

from camgraph.base.errors import SourceError, SourceRefused
from camgraph.media.source import StreamInfo

OPEN_BOUND_S = 10.0
HIGHEST_FPS = 1000.0
FAILURES = (OSError, ValueError, LookupError, RuntimeError, av.error.FFmpegError)
"""What PyAV raises when FFmpeg fails."""
EncodedPacket: TypeAlias = "av.Packet[VideoStream]"

# FFmpeg's log repeats addresses with their passwords, and a damaged stream floods it: nothing of it is kept.
av.logging.set_level(None)


class LibavInput:
    """One opened container; belongs to the thread that opened it, and is to be closed there.

    `name` is what a person calls the place, without login.
    """

    def __init__(self, container: InputContainer, name: str) -> None:
        """Find the video; raise SourceRefused, with the container closed, where there is none."""
        self._container = container
        self._reading: Iterator[EncodedPacket] | None = None
        try:
            self.stream, self.info = _video_of(container, name)
        except SourceRefused:
            container.close()
            raise

    @property
    def duration_s(self) -> float:
        """How long a recording is; 0.0: it has no end that is known, as what is live."""
        return max(0.0, (self._container.duration or 0) / 1e6)

    @property
    def format(self) -> str:
        """FFmpeg's names of the container's format, with commas between."""
        return self._container.format.name

    @property
    def time_base(self) -> Fraction:
        """The unit of the packets' times, in s."""
        return self.stream.time_base or Fraction(1, 1_000_000)

    def packets(self, explain: Callable[[Exception], SourceError]) -> Iterator[EncodedPacket]:
        """Yield the video's packets up to the end; raise what `explain` makes of FFmpeg's error.

        What is raised does not refer to that error: it may hold a password.
        """
        reading = self._reading = self._container.demux(self.stream)
        while True:
            fault = packet = None
            try:
                packet = next(reading, None)
            except FAILURES as error:
                fault = explain(error)
            if fault is not None:
                raise fault
            if packet is None:
                return
            if packet.size:  # All but FFmpeg's flush packet, at the end.
                yield packet

    def close(self) -> None:
        """Release it; closing twice does nothing."""
        reading, self._reading = self._reading, None
        if reading is not None:
            # The generator stands in the container that is closed next.
            reading.close()  # type: ignore[attr-defined]
        self._container.close()


def open_input(
    url: str,
    name: str,
    explain: Callable[[Exception], SourceError],
    *,
    form: str | None = None,
    options: Mapping[str, str] | None = None,
    read_bound_s: float | None = None,
) -> LibavInput:
    """Open what FFmpeg calls `url`, of the format `form` where it can't find that out.

    A read that takes longer than `read_bound_s` fails with an ``av.error.ExitError``; having a bound costs
    the interpreter's lock whenever FFmpeg looks at it.
    Raises what `explain` makes of FFmpeg's error, which that does not refer to: it may hold a password.
    """
    fault = None
    try:
        container = av.open(
            url, format=form, options=dict(options or {}), timeout=(OPEN_BOUND_S, read_bound_s)
        )
    except FAILURES as error:
        fault = explain(error)
    if fault is not None:
        raise fault
    return LibavInput(container, name)


def _video_of(container: InputContainer, name: str) -> tuple[VideoStream, StreamInfo]:
    stream: Any = container.streams.best("video")
    if stream is None:
        raise SourceRefused(f"There is no video in {name}: choose another.", reason="no_video")
    context = stream.codec_context
    if context is None:
        raise SourceRefused(
            f"The video of {name} is in a codec that this FFmpeg can't decode: convert it to H.264.",
            reason="codec_unknown",
        )
    rate = stream.average_rate or stream.base_rate
    fps = float(rate or 0)
    info = StreamInfo(
        codec=context.codec.canonical_name,
        extradata=context.extradata,
        width=context.width,
        height=context.height,
        fps=fps if fps <= HIGHEST_FPS else 0.0,
        context=context,
    )
    return stream, info
