"""One try at receiving a stream, in its own thread: source → decoder → rings."""

import logging
import threading
import time
import traceback
from collections.abc import Callable

from camgraph.base.errors import ClosedError, DecodeError, SourceError
from camgraph.base.redact import redact
from camgraph.media.decode import VideoDecoder
from camgraph.media.demand import Counts, OnDemand
from camgraph.media.events import Event, Failed, FrameDecoded, Opened, PacketArrived, Resolved
from camgraph.media.outputs import Outputs
from camgraph.media.source import PacketSource, StreamInfo

_log = logging.getLogger(__name__)

CPU_TIME_EACH = 25
"""Packets from one look at the thread's CPU time to the next."""


class Attempt:
    """Runs one source until it fails or is cancelled; tells by `post`, from its thread, what happens.

    Pictures are decoded while `wanted`. While `telling` is set, every packet is told, else only what changes.
    `on_ended` is the last thing that is called; the source is closed by then. `counts` are this attempt's.
    """

    def __init__(
        self,
        number: int,
        source: PacketSource,
        outputs: Outputs,
        *,
        wanted: Callable[[], bool],
        post: Callable[[Event], None],
        on_picture: Callable[[int, int, float], None],
        on_ended: Callable[["Attempt"], None],
    ) -> None:
        self.number = number
        self.telling = True
        self.last_packet_ns = 0
        self.counts = Counts()
        self._source, self._outputs, self._wanted = source, outputs, wanted
        self._post, self._on_picture, self._on_ended = post, on_picture, on_ended
        self._cancelled = False
        self._thread = threading.Thread(target=self._run, name=f"{outputs.stream}-{number}", daemon=True)

    def start(self) -> None:
        """Begin; once."""
        self._thread.start()

    def cancel(self) -> None:
        """Ask for the end; to be repeated until `on_ended` is called: a wait may just begin."""
        self._cancelled = True
        self._source.cancel()

    def join(self, timeout_s: float) -> bool:
        """Wait for the thread; True: it has ended."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._receive()
        except ClosedError:
            _log.debug("%s: attempt %d was cancelled", self._outputs.stream, self.number)
        except SourceError as error:
            self._post(Failed(self.number, error.reason, str(error)))
        except DecodeError as error:
            sentence = f"The video can't be decoded ({error}): is its codec H.264, H.265 or MJPEG?"
            self._post(Failed(self.number, "undecodable", sentence))
        except Exception:
            _log.error("%s: %s", self._outputs.stream, redact(traceback.format_exc()))
            self._post(
                Failed(self.number, "internal", "A bug of camgraph ended the stream: please report it.")
            )
        finally:
            self._source.close()
            self._on_ended(self)

    def _receive(self) -> None:
        source, number = self._source, self.number
        source.resolve()
        self._post(Resolved(number))
        info = source.open()
        self._post(Opened(number, info.codec))
        demand = OnDemand(VideoDecoder(info), self._wanted, self.counts, self._check_cancelled)
        try:
            self._show(demand, info)
        finally:
            demand.end()
            self.counts.cpu_ns = time.thread_time_ns()

    def _show(self, demand: OnDemand, info: StreamInfo) -> None:
        number, counts, size = self.number, self.counts, (0, 0)
        for packet in self._source.packets():
            self.last_packet_ns = packet.arrival_ns
            if self.telling:
                self._post(PacketArrived(number))
            for picture in demand.pictures(packet):
                frame = picture.frame
                if size != (frame.width, frame.height):
                    size = (frame.width, frame.height)
                    self._on_picture(*size, info.fps)
                    self._post(FrameDecoded(number, *size))
                self._check_cancelled()
                self._outputs.publish(picture, info.codec)
            if not counts.received % CPU_TIME_EACH:
                counts.cpu_ns = time.thread_time_ns()

    def _check_cancelled(self) -> None:
        if self._cancelled:
            raise ClosedError("cancelled")
