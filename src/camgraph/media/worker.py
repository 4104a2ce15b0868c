"""The shell around one stream's session: timers and threads that do what the session says."""

import logging
import random
import time
from collections.abc import Callable, Mapping

from camgraph.base.loop import Loop, Timer
from camgraph.control.messages import HAS_PICTURES, NodeEvent, StreamStatistics, StreamStatus
from camgraph.graph.nodes import FileSource, RtspSource, Source
from camgraph.graph.spec import StreamPath, address_of
from camgraph.media.attempt import Attempt
from camgraph.media.derived import Statuses
from camgraph.media.events import (
    Begin,
    CloseSource,
    Event,
    Failed,
    LossMeasured,
    OpenSource,
    Report,
    Stop,
    Tick,
)
from camgraph.media.filters import Filters
from camgraph.media.loss import LossMeter
from camgraph.media.memory import Memory
from camgraph.media.numbers import StreamNumbers
from camgraph.media.outputs import Outputs
from camgraph.media.session import Session
from camgraph.media.source import NetworkCounts
from camgraph.media.sources.feed import Need
from camgraph.media.sources.opening import Opener
from camgraph.media.sources.pair import Pair

_log = logging.getLogger(__name__)

MOST_LEAVING = 8
LOSS_EVERY_S = 1.0
_FIRST_ASKS = 50
_ASK_AGAIN_S, _ASK_RARELY_S = 0.01, 0.5


class StreamWorker:
    """Runs one camera's streams in the loop's thread; receiving and decoding have threads of their own.

    `tell` gets every change of a stream's status, and, from the stream's thread, what nodes saw. Call `begin`
    once and `close` at the end.
    """

    def __init__(
        self,
        loop: Loop,
        node: Source,
        login: str | None,
        epoch: int,
        memory: Memory,
        tell: Callable[[StreamStatus | NodeEvent], None],
    ) -> None:
        self.node, self.login = node, login
        self._filters = Filters(node.id, tell)
        pair = None
        if isinstance(node, RtspSource) and node.sub_url:
            pair = Pair(node.id, lambda: self._from_thread(self.outputs.settle))
        self._opener = Opener(loop, login, pair, self._need)
        self.outputs = Outputs(loop, node.id, epoch, self._filters, memory, pair)
        self._statuses = Statuses(self._filters, tell)
        self._loop = loop
        self._session = Session(
            node.id,
            address_of(node),
            epoch,
            random.random,
            stalled_after_s=node.stalled_after_s,
            longest_retry_s=node.longest_retry_s,
        )
        self._numbers = StreamNumbers(time.monotonic_ns())
        self._attempt: Attempt | None = None
        self._leaving: set[Attempt] = set()
        self._timer: Timer | None = None
        self._loss_timer: Timer | None = None
        self._loss_meter = LossMeter()
        self._closed = False

    @property
    def ended(self) -> bool:
        """No thread of this stream runs any more."""
        return self._attempt is None and not self._leaving

    @property
    def streams(self) -> frozenset[str]:
        """The streams that readers can ask for here."""
        return self._filters.streams

    @property
    def attempts(self) -> set[Attempt]:
        """Those whose threads may still run: the newest one, and what is on its way out."""
        return self._leaving if self._attempt is None else {self._attempt, *self._leaving}

    def begin(self) -> None:
        """Start the stream."""
        self._handle(Begin())

    def follow(self, node: Source, paths: Mapping[str, StreamPath]) -> None:
        """Do from the next picture on as the node says now, its address apart, and these paths that it feeds.

        Streams that are not among them any more end.
        """
        self.node = node
        self._filters.configure(paths)
        self.outputs.follow_filters()
        self._statuses.follow_filters()

    def attach(self, node: str, descriptors: tuple[int, ...]) -> None:
        """Have these signalled for each frame at a published ring, in place of those before; owns them."""
        self._filters.attach(node, descriptors)

    def close(self) -> None:
        """End the stream and its rings now; its threads follow (`ended`). Closing twice does nothing."""
        if not self._closed:
            self._handle(Stop())
            self._closed = True
            self.outputs.close()
            self._filters.close()

    def statistics(self) -> StreamStatistics:
        """Return the counts since the stream began."""
        now_ns, numbers, running = time.monotonic_ns(), self._numbers, self.attempts
        counts, rates = numbers.counts(running), numbers.rates(running, now_ns)
        network = NetworkCounts() if self._attempt is None else self._attempt.network
        return StreamStatistics(
            received=counts.received,
            decoded=counts.decoded,
            dropped=counts.dropped,
            dropped_by=counts.drops.by_cause(),
            decoder_errors=counts.decoder_errors,
            unread=counts.unread,
            conversions=self.outputs.conversions,
            attempts=self._session.attempts,
            received_bytes=numbers.received_bytes(running),
            bit_rate=rates.bit_rate,
            fps=rates.fps,
            jitter_ns=network.jitter_ns,
            lost=numbers.lost(running),
            loss=self._loss_meter.loss,
            transport=network.transport,
            clock_offset_ns=network.clock_offset_ns,
            reconnects=self._session.reconnects,
            state_s=self._session.state_s(now_ns),
            cpu_ns=counts.cpu_ns,
            decode_ns=rates.decode_ns,
            queued=network.queued,
            newest_age_ns=numbers.newest_age_ns(running, now_ns),
            keyframe_interval_ns=0 if self._attempt is None else self._attempt.keyframe_interval_ns,
            rings=self.outputs.statistics(),
        )

    def _handle(self, event: Event) -> None:
        if self._closed:
            return
        before = self._session.state
        for instruction in self._session.handle(event, time.monotonic_ns()):
            match instruction:
                case OpenSource(attempt=number):
                    self._open(number)
                case CloseSource():
                    self._close_attempt()
                case Report(status=status):
                    self._statuses.tell(status)
        if before not in HAS_PICTURES and self._session.state in HAS_PICTURES:
            self._numbers.begin_rates(self.attempts, time.monotonic_ns())
        if self._attempt is not None:
            self._attempt.telling = self._session.state not in HAS_PICTURES
        self._set_timer()
        if self._loss_timer is None and self._session.state in HAS_PICTURES:
            self._measure_loss()

    def _open(self, number: int) -> None:
        if len(self._leaving) >= MOST_LEAVING:
            sentence = f"{len(self._leaving)} earlier attempts hang and can't be ended: restart the program."
            self._from_thread(lambda: self._handle(Failed(number, "attempts_hang", sentence)))
            return
        attempt = Attempt(
            number,
            self._opener.open(self.node),
            self.outputs,
            wanted=self._wanted,
            policy=lambda: self.node,
            threads=self.node.decode_threads,
            cpu=self.node.cpu,
            held=isinstance(self.node, FileSource) and self.node.speed == "fast",
            post=lambda event: self._from_thread(lambda: self._handle(event)),
            on_picture=lambda *picture: self._from_thread(lambda: self._set_picture(*picture)),
            on_ended=lambda attempt: self._from_thread(lambda: self._ended(attempt)),
        )
        try:
            attempt.start()
        except RuntimeError:
            sentence = "This machine allows no further thread: run fewer streams, or raise its limit."
            self._from_thread(lambda: self._handle(Failed(number, "no_thread", sentence)))
            return
        self._attempt = attempt
        self._loss_meter = LossMeter()

    def _wanted(self) -> bool:
        return self.node.keep_warm or self.outputs.wanted

    def _need(self) -> Need:
        """Return what is needed at once; all, while there is no picture yet."""
        if self._session.state not in HAS_PICTURES or self.outputs.takes_packets:
            return "all"
        return self.node.decode if self._wanted() else "nothing"

    def _from_thread(self, call: Callable[[], None]) -> None:
        self._loop.call_soon_threadsafe(call)

    def _set_picture(self, width: int, height: int, fps: float) -> None:
        if not self._closed:
            self.outputs.set_picture(width, height, fps)

    def _close_attempt(self) -> None:
        attempt, self._attempt = self._attempt, None
        if attempt is not None:
            self._leaving.add(attempt)
            self._ask_to_end(attempt, 0)

    def _ask_to_end(self, attempt: Attempt, asked: int) -> None:
        if attempt in self._leaving:
            attempt.cancel()
            wait_s = _ASK_AGAIN_S if asked < _FIRST_ASKS else _ASK_RARELY_S
            self._loop.call_later(wait_s, lambda: self._ask_to_end(attempt, asked + 1))

    def _ended(self, attempt: Attempt) -> None:
        # What it said before was handled before: it failed, or it was told to close.
        attempt.join(1.0)
        self._leaving.discard(attempt)
        self._numbers.add_ended(attempt)

    def _set_timer(self) -> None:
        due_ns = self._session.wake_ns
        if self._timer is not None:
            if self._timer.callback is not None and self._timer.due_ns == due_ns:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(due_ns, self._tick) if due_ns else None

    def _tick(self) -> None:
        self._handle(Tick(self._attempt.last_heard_ns if self._attempt is not None else 0))

    def _measure_loss(self) -> None:
        """Measure now, and once in `LOSS_EVERY_S` from now on, while there are pictures."""
        self._loss_timer = None
        if self._closed or self._attempt is None or self._session.state not in HAS_PICTURES:
            return
        self._loss_timer = self._loop.call_later(LOSS_EVERY_S, self._measure_loss)
        counts = self._attempt.network
        loss = self._loss_meter.measure(counts.packets, counts.lost, time.monotonic_ns())
        self._handle(LossMeasured(self._attempt.number, loss))
