"""One try at receiving a stream, in its own thread: source → decoder → rings."""

import logging
import threading
import time
import traceback
from collections.abc import Callable

from camgraph.base.errors import ClosedError, DecodeError, SourceError, SourceRefused
from camgraph.base.redact import redact
from camgraph.media.cpus import stay_on
from camgraph.media.decode import Drops, Picture, VideoDecoder
from camgraph.media.demand import Counts, OnDemand, Policy
from camgraph.media.events import Event, Failed, FrameDecoded, Opened, PacketArrived, Resolved
from camgraph.media.hangs import looks_up_name
from camgraph.media.heap import freed_memory
from camgraph.media.outputs import Outputs
from camgraph.media.source import NetworkCounts, PacketSource, StreamInfo

_log = logging.getLogger(__name__)

_OPENING, _RECEIVING, _DECODING, _CLOSING = "opening", "receiving", "decoding", "closing"
CPU_TIME_EACH = 25
"""Packets from one look at the thread's CPU time to the next."""
_HELD_S = 0.02


class Attempt:
    """Runs one source until it fails or is cancelled; tells by `post`, from its thread, what happens.

    Pictures are decoded while `wanted`, as the policy says. With `held` none passes unseen: after the first,
    the source is asked for more only while pictures, or packets, are wanted. While `telling` is set, every
    packet is told, else only what changes. So many `threads` of FFmpeg decode, on that `cpu`
    (-1: any). `on_ended` is the last thing that is called; the source is closed by then. `counts` are this
    attempt's.
    """

    def __init__(
        self,
        number: int,
        source: PacketSource,
        outputs: Outputs,
        *,
        wanted: Callable[[], bool],
        policy: Callable[[], Policy],
        held: bool,
        post: Callable[[Event], None],
        on_picture: Callable[[int, int, float], None],
        on_ended: Callable[["Attempt"], None],
        threads: int = 1,
        cpu: int = -1,
    ) -> None:
        self.number = number
        self.telling = True
        self.last_packet_ns = 0
        self.counts = Counts()
        self._source, self._outputs, self._wanted = source, outputs, wanted
        self._policy, self._held = policy, held
        self._threads, self._cpu = threads, cpu
        self._size = (0, 0)
        self._post, self._on_picture, self._on_ended = post, on_picture, on_ended
        self._cancelled = False
        self._demand: OnDemand | None = None
        self._steps = 0
        self.doing = _OPENING
        """What its thread is at, in a word."""
        self._thread = threading.Thread(target=self._run, name=f"{outputs.stream}-{number}", daemon=True)

    @property
    def last_heard_ns(self) -> int:
        """When the newest packet came, or the source last said that it is not time yet for the next."""
        return max(self.last_packet_ns, self._source.network.waiting_ns)

    @property
    def network(self) -> NetworkCounts:
        """What came over the network so far."""
        return self._source.network

    @property
    def keyframe_interval_ns(self) -> int:
        """How far apart key frames are; 0: unknown yet."""
        demand = self._demand
        return 0 if demand is None else demand.keyframe_interval_ns

    @property
    def progress(self) -> int | None:
        """See `hangs.Watched`: a thread that was told to end, or decodes, is to get on by itself."""
        if not (self._cancelled or self.doing is _DECODING) or looks_up_name(self._thread):
            return None
        return self._steps

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
            self._step(_CLOSING)
            try:
                self._source.close()
            except Exception:
                _log.error("%s: %s", self._outputs.stream, redact(traceback.format_exc()))
            freed_memory.note()
            self._on_ended(self)

    def _receive(self) -> None:
        source, number = self._source, self.number
        stay_on(self._cpu)
        source.resolve()
        self._post(Resolved(number))
        self._step(_OPENING)
        info = source.open()
        self._post(Opened(number, info.codec))
        while True:
            self._show_part(info)
            self._check_cancelled()
            self._step(_OPENING)
            info = source.open()

    def _show_part(self, info: StreamInfo) -> None:
        """Show what comes up to where the source goes on in another way."""
        counts = self.counts
        decoder = _decoder_for(info, counts.drops, self._threads)
        demand = OnDemand(decoder, self._wanted, self._policy, counts, self._check_cancelled)
        self._demand = demand
        self._size = (0, 0)
        try:
            self._show(demand, info)
        finally:
            # Who refer to each other are found by the collector alone, and a decoder has megabytes.
            self._demand = None
            demand.end()
            counts.note_behind(self._source.network.dropped)
            counts.cpu_ns = time.thread_time_ns()

    def _show(self, demand: OnDemand, info: StreamInfo) -> None:
        number, counts = self.number, self.counts
        # Rings of packets remember it for longer than the decoder is to live.
        told = info._replace(context=None)
        self._step(_RECEIVING)
        try:
            for packet in self._source.packets():
                self._step(_DECODING)
                self.last_packet_ns = packet.arrival_ns
                if self.telling:
                    self._post(PacketArrived(number))
                if self._held and demand.begun:
                    self._wait_until_wanted()
                if self._outputs.takes_packets:
                    self._outputs.publish_packet(packet, told)
                for picture in demand.pictures(packet):
                    self._publish(picture, info)
                if not counts.received % CPU_TIME_EACH:
                    counts.note_behind(self._source.network.dropped)
                    counts.cpu_ns = time.thread_time_ns()
                self._step(_RECEIVING)
        except SourceError as error:
            self._show_rest(demand, info)
            if error.reason == "ended":
                _check_shown(demand, info)
            raise
        self._show_rest(demand, info)
        _check_shown(demand, info)

    def _show_rest(self, demand: OnDemand, info: StreamInfo) -> None:
        self._step(_DECODING)
        for picture in demand.rest():
            self._publish(picture, info)

    def _publish(self, picture: Picture, info: StreamInfo) -> None:
        frame = picture.frame
        if self._size != (frame.width, frame.height):
            self._size = (frame.width, frame.height)
            self._on_picture(*self._size, info.fps)
            self._post(FrameDecoded(self.number, *self._size, info.codec))
        self._check_cancelled()
        if self._held:
            self._wait_until_wanted()
        self._outputs.publish(picture, info.codec)

    def _wait_until_wanted(self) -> None:
        while not (self._wanted() or self._outputs.takes_packets):
            self._check_cancelled()
            self.last_packet_ns = time.monotonic_ns()
            time.sleep(_HELD_S)

    def _step(self, doing: str) -> None:
        self.doing = doing
        self._steps += 1

    def _check_cancelled(self) -> None:
        self._steps += 1
        if self._cancelled:
            raise ClosedError("cancelled")


def _check_shown(demand: OnDemand, info: StreamInfo) -> None:
    if info.recorded and not demand.begun:
        raise SourceRefused(
            f"Of its video ({info.codec}) not one picture can be decoded: is the file whole?",
            reason="not_media",
        )


def _decoder_for(info: StreamInfo, drops: Drops, threads: int) -> VideoDecoder:
    try:
        return VideoDecoder(info, drops, threads)
    except DecodeError as error:
        raise SourceRefused(
            f"The video can't be decoded here ({error}): set the camera to H.264, or convert the file.",
            reason="codec_unknown",
        ) from error
