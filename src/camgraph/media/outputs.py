"""The rings of one stream: made when a reader asks, shared by equal requests, closed after the last one."""

import logging
import socket
import threading
from fractions import Fraction

from camgraph.base.errors import ClosedError
from camgraph.base.loop import Loop
from camgraph.base.pixels import PixelFormat
from camgraph.control.messages import RingStatistics
from camgraph.media.convert import Color, Converter, color_of
from camgraph.media.decode import Picture
from camgraph.media.pace import Pace
from camgraph.ring.protocol import Hello, RingRequest, refuse
from camgraph.ring.writer import FrameMeta, RingWriter

_log = logging.getLogger(__name__)

LINGER_S = 1.0
MAX_RINGS = 64
_NATIVE: PixelFormat = "yuv420p"
_USUAL_FPS = 25.0


class Output:
    """One ring, as one request wants it. Made in the loop's thread; `publish` belongs to the stream's."""

    def __init__(self, request: RingRequest, epoch: int, size: tuple[int, int], fps: float) -> None:
        self.request = request
        self.format: PixelFormat = request.format or _NATIVE
        self._native_size = request.width == 0
        self.size = size if self._native_size else (request.width, request.height)
        self.writer = RingWriter(request.stream, self.format, *self.size, epoch=epoch, fps=request.fps or fps)
        self._converter = Converter(self.format, request.width, request.height)
        self._pace = Pace(request.fps) if request.fps else None
        self._rgb = self.format in ("bgra", "bgr24", "rgb24")
        self._aspects: tuple[object, Fraction] | None = None

    def publish(self, picture: Picture, color: Color, codec_generation: int) -> bool:
        """Convert and write a picture if anybody reads and the rate allows; False: nothing was converted."""
        frame, packet = picture.frame, picture.packet
        if not self.writer.readers:
            return False
        if self._pace is not None and not self._pace.accept(frame.pts, packet.time_base, packet.arrival_ns):
            return False
        if self._native_size and self.size != (frame.width, frame.height):
            self.size = (frame.width, frame.height)
            self.writer.reshape(self.format, *self.size)
        planes = self._converter.convert(frame, color)
        meta = FrameMeta(
            pts=frame.pts,
            time_base=packet.time_base,
            capture_ns=packet.capture_ns,
            capture_quality=packet.capture_quality,
            arrival_ns=packet.arrival_ns,
            keyframe=frame.key_frame,
            interlaced=frame.interlaced_frame,
            codec_generation=codec_generation,
            color_range="pc" if self._rgb or self.format == "gray8" else color.range,
            colorspace="rgb" if self._rgb else color.matrix,
            sample_aspect=self._aspect(picture),
        )
        self.writer.publish(planes, meta)
        return True

    def statistics(self) -> RingStatistics:
        """Return what was asked and what came of it."""
        counts = self.writer.statistics()
        return RingStatistics(
            stream=self.request.stream,
            format=self.format,
            width=self.size[0],
            height=self.size[1],
            fps=self.request.fps,
            readers=counts.readers,
            published=counts.published,
            behind=counts.behind,
            no_slot=counts.no_slot,
        )

    def _aspect(self, picture: Picture) -> Fraction:
        if self._native_size:
            return picture.sample_aspect
        source = (picture.sample_aspect, picture.frame.width, picture.frame.height)
        if self._aspects is None or self._aspects[0] != source:
            stretched = Fraction(source[1] * self.size[1], source[2] * self.size[0])
            self._aspects = source, (source[0] * stretched).limit_denominator(1 << 16)
        return self._aspects[1]


class Outputs:
    """All rings of one stream. `publish` may come from any one thread at a time, the rest from the loop's.

    Readers that come before the first picture wait here: nobody knows its size yet.
    """

    def __init__(self, loop: Loop, stream: str, epoch: int) -> None:
        self.stream = stream
        self._loop, self._epoch = loop, epoch
        self._size: tuple[int, int] | None = None
        self._fps = _USUAL_FPS
        self._waiting: dict[socket.socket, Hello] = {}
        self._readers: dict[socket.socket, Output] = {}
        self._outputs: dict[RingRequest, Output] = {}
        self._running: tuple[Output, ...] = ()
        self._publishing = threading.Lock()
        self._coded: tuple[object, ...] | None = None
        self._color = Color("unspecified", "tv")
        self._codec_generation = 0
        self.conversions = 0
        """Pictures converted or copied for a ring."""

    def add_reader(self, sock: socket.socket, hello: Hello) -> None:
        """Serve a reader; owns its connection from now on."""
        self._waiting[sock] = hello
        self._watch(sock)
        self._serve_waiting()

    def set_picture(self, width: int, height: int, fps: float) -> None:
        """Tell the size of the pictures to come, and about how many a second (0.0: unknown)."""
        self._size, self._fps = (width, height), fps or _USUAL_FPS
        self._serve_waiting()

    def publish(self, picture: Picture, codec: str) -> None:
        """Write a picture to every ring that has readers; never waits for one of them."""
        frame = picture.frame
        with self._publishing:
            coded = (codec, frame.width, frame.height, frame.format.name, frame.colorspace, frame.color_range)
            if coded != self._coded:
                self._coded, self._color = coded, color_of(frame)
                self._codec_generation += 1
            for output in self._running:
                try:
                    self.conversions += output.publish(picture, self._color, self._codec_generation)
                except ClosedError:
                    continue  # the last reader has left meanwhile

    def statistics(self) -> tuple[RingStatistics, ...]:
        """Return the figures of every ring."""
        return tuple(output.statistics() for output in self._outputs.values())

    def close(self) -> None:
        """End every ring and connection; the readers see the end at once. Closing twice does nothing."""
        for sock in (*self._waiting, *self._readers):
            self._loop.remove(sock)
        for sock in self._waiting:
            sock.close()
        self._running = ()
        for output in self._outputs.values():
            output.writer.close()
        self._waiting.clear()
        self._readers.clear()
        self._outputs.clear()

    def _serve_waiting(self) -> None:
        if self._size is None:
            return
        for sock, hello in list(self._waiting.items()):
            del self._waiting[sock]
            self._loop.remove(sock)
            try:
                output = self._output_for(hello.request, self._size)
            except (OSError, ValueError) as error:
                _log.warning("stream %s: no ring for %s: %s", self.stream, hello.request, error)
                refuse(sock, f"the pictures of {self.stream!r} can't be had so: {error}")
                continue
            if output.writer.add_reader(sock, hello):
                self._readers[sock] = output
                self._watch(sock)
            else:
                self._close_later(output)

    def _watch(self, sock: socket.socket) -> None:
        # A reader says nothing after its HELLO: readable means that it is gone.
        self._loop.add(sock, lambda: self._gone(sock))

    def _output_for(self, request: RingRequest, size: tuple[int, int]) -> Output:
        output = self._outputs.get(request)
        if output is None:
            if len(self._outputs) >= MAX_RINGS:
                raise ValueError(f"{MAX_RINGS} other sizes, formats or rates are being read already")
            output = self._outputs[request] = Output(request, self._epoch, size, self._fps)
            self._running = tuple(self._outputs.values())
        return output

    def _gone(self, sock: socket.socket) -> None:
        self._loop.remove(sock)
        if self._waiting.pop(sock, None) is not None:
            sock.close()
            return
        output = self._readers.pop(sock, None)
        if output is not None:
            output.writer.remove_reader(sock)
            self._close_later(output)

    def _close_later(self, output: Output) -> None:
        if not output.writer.readers:
            self._loop.call_later(LINGER_S, lambda: self._close_unread(output))

    def _close_unread(self, output: Output) -> None:
        if self._outputs.get(output.request) is output and not output.writer.readers:
            del self._outputs[output.request]
            self._running = tuple(self._outputs.values())
            output.writer.close()
