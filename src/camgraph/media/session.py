"""The life of one stream as a table: (state, event) → what to do. No thread, no socket, no clock."""

from collections import Counter, deque
from collections.abc import Callable
from typing import NamedTuple

from camgraph.base.errors import InternalError
from camgraph.control.messages import HAS_PICTURES, StreamState, StreamStatus
from camgraph.control.reasons import QUICK, retry_for
from camgraph.media.events import (
    Begin,
    CloseSource,
    Event,
    Failed,
    FrameDecoded,
    Instruction,
    LossMeasured,
    Opened,
    OpenSource,
    PacketArrived,
    Report,
    Resolved,
    Stop,
    Tick,
)

_S = 1_000_000_000
RESOLVING_BOUND_NS = 5 * _S
OPENING_BOUND_NS = 10 * _S
FIRST_PACKET_BOUND_NS = 5 * _S
LATE_KEYFRAME_NS = 5 * _S
FIRST_FRAME_BOUND_NS = 60 * _S
STALLED_AFTER_S = 2.0
REOPENED_AFTER_S, STALL_LASTS_S = 5.0, 3.0
"""A silent camera is opened anew after the first; later, if the stall has not lasted for the second."""
DEGRADED_ABOVE, DEGRADED_BELOW = 0.02, 0.01
"""Shares of lost packets at which a stream begins, and ceases, to be degraded."""
STORY_LENGTH = 64
JITTER = 0.1
"""Waits are shortened by up to this share, never lengthened: cameras that died together come back apart, and
the table below bounds every wait."""


class Step(NamedTuple):
    """One line of the story."""

    at_ns: int
    before: StreamState
    event: Event
    after: StreamState


class _Words(NamedTuple):
    """What is done with an address."""

    look_up: str
    connect: str
    connected: str


_THERE = _Words("Looking up the address of", "Connecting to", "Connected to")
_HERE = _Words("Opening", "Opening", "Opened")
"""A file, a device, the test picture."""


class Session:
    """One stream's state machine: events in by `handle`, instructions out.

    `address` is the camera's URL without login, or what a person calls what is read here; `chance` returns
    numbers in [0, 1) for the jitter; `stalled_after_s` and `longest_retry_s` are those of the declaration.
    Times are CLOCK_MONOTONIC in ns and come in with the events. At `wake_ns` (0: never) a `Tick` is due.
    """

    def __init__(
        self,
        stream: str,
        address: str,
        epoch: int,
        chance: Callable[[], float],
        *,
        stalled_after_s: float = STALLED_AFTER_S,
        longest_retry_s: float | None = None,
    ) -> None:
        self.state: StreamState = "starting"
        self.wake_ns = 0
        self.attempts = 0
        self.reconnects = 0
        """How often it was live on another attempt than before."""
        self.story: deque[Step] = deque(maxlen=STORY_LENGTH)
        self._stream, self._address, self._epoch, self._chance = stream, address, epoch, chance
        self._words = _THERE if "://" in address else _HERE
        self._stalled_after_ns = int(stalled_after_s * _S)
        self._reopened_after_ns = int(max(REOPENED_AFTER_S, stalled_after_s + STALL_LASTS_S) * _S)
        self._longest_retry_s = longest_retry_s
        self._spent_ns: Counter[StreamState] = Counter()
        self._open = False
        self._was_live = False
        self._tries = 0
        self._failures = 0
        self._retry = QUICK
        self._reason = self._fault = self._codec = ""
        self._sentence = "Not started yet."
        self._size = (0, 0)
        self._loss = 0.0
        self._entered_ns = self._opened_ns = self._live_ns = self._packet_ns = self._stalled_ns = 0
        self._out: list[Instruction] = []
        self._reported: StreamStatus | None = None

    def handle(self, event: Event, now_ns: int) -> list[Instruction]:
        """Take an event and return what is to be done, in order.

        What an attempt says after its `CloseSource` is ignored. An event that can't occur in this state
        raises InternalError with the story.
        """
        attempt = getattr(event, "attempt", None)
        if attempt is not None and (attempt != self.attempts or not self._open):
            return []
        before = self.state
        action = TABLE.get((before, type(event)))
        if action is None:
            raise InternalError(f"{self._stream}: {event} in state {before}\n{self.tell()}")
        action(self, event, now_ns)
        if self.state != before:
            if self._entered_ns:
                self._spent_ns[before] += now_ns - self._entered_ns
            self._entered_ns = now_ns
        if self.state != before or not isinstance(event, Tick | PacketArrived | LossMeasured):
            self.story.append(Step(now_ns, before, event, self.state))
        self._check()
        self._report()
        out, self._out = self._out, []
        return out

    def status(self) -> StreamStatus:
        """Return what there is to know about the stream now."""
        waits = self.state in WAITING
        return StreamStatus(
            stream=self._stream,
            state=self.state,
            reason=self._reason,
            sentence=self._sentence,
            attempt=self._tries,
            next_attempt_ns=self.wake_ns if waits else 0,
            epoch=self._epoch,
            codec=self._codec,
            width=self._size[0],
            height=self._size[1],
            since_ns=self._entered_ns,
            loss=self._loss,
        )

    def state_s(self, now_ns: int) -> dict[str, float]:
        """Return how long it has been in each state since it began, in s."""
        spent = self._spent_ns.copy()
        if self._entered_ns:
            spent[self.state] += now_ns - self._entered_ns
        return {state: spent_ns / _S for state, spent_ns in spent.items()}

    def tell(self) -> str:
        """Return the story as text, one transition a line."""
        return "\n".join(f"{step.at_ns} {step.before} + {step.event} → {step.after}" for step in self.story)

    def _report(self) -> None:
        status = self.status()
        if status != self._reported:
            self._reported = status
            self._out.append(Report(status))

    def _check(self) -> None:
        if self._open != (self.state in OPEN) or bool(self.wake_ns) != (self.state not in IDLE):
            raise InternalError(f"{self._stream}: state {self.state} is not kept\n{self.tell()}")

    def _begin(self, event: Event, now_ns: int) -> None:
        self._tries = self._failures = 0
        self._retry, self._reason, self._fault = QUICK, "", ""
        self._attempt(now_ns)

    def _attempt(self, now_ns: int) -> None:
        self.attempts += 1
        self._tries += 1
        self._open = True
        self._live_ns = self._packet_ns = 0
        self._enter("resolving", f"{self._words.look_up} {self._address}.")
        self.wake_ns = now_ns + RESOLVING_BOUND_NS
        self._out.append(OpenSource(self.attempts))

    def _enter(self, state: StreamState, sentence: str) -> None:
        """Change the state; until a stream is live, the last failure stays in sight."""
        self.state, self._loss = state, 0.0
        self._sentence = f"{self._fault} Trying again now." if self._fault else sentence

    def _stop(self, event: Event, now_ns: int) -> None:
        self._rest("stopped", "", "Stopped.")

    def _rest(self, state: StreamState, reason: str, sentence: str) -> None:
        self._close()
        self.state, self.wake_ns, self._loss = state, 0, 0.0
        self._reason, self._fault, self._sentence = reason, "", sentence

    def _close(self) -> None:
        if self._open:
            self._open = False
            self._out.append(CloseSource(self.attempts))

    def _connect(self, event: Resolved, now_ns: int) -> None:
        self._enter("opening", f"{self._words.connect} {self._address}.")
        self.wake_ns = now_ns + OPENING_BOUND_NS

    def _await_picture(self, event: Opened, now_ns: int) -> None:
        self._codec, self._opened_ns = event.codec, now_ns
        self._reason = self._fault = ""
        connected = f"{self._words.connected} {self._address}"
        self._enter("waiting_for_keyframe", f"{connected}; waiting for a whole picture.")
        self.wake_ns = now_ns + self._reopened_after_ns

    def _note_first_packets(self, event: PacketArrived, now_ns: int) -> None:
        self._packet_ns = now_ns
        self._wait_for_keyframe()

    def _wait_for_keyframe(self) -> None:
        bound_ns = FIRST_FRAME_BOUND_NS if self._reason else LATE_KEYFRAME_NS
        self.wake_ns = min(self._packet_ns + self._reopened_after_ns, self._opened_ns + bound_ns)

    def _go_live(self, event: FrameDecoded, now_ns: int) -> None:
        self._size, self._codec = (event.width, event.height), event.codec
        self._tries, self._reason, self._fault = 0, "", ""
        self._enter("live", "Live.")
        self.reconnects += self._was_live
        self._was_live = True
        self._live_ns = self._packet_ns = now_ns
        self.wake_ns = now_ns + self._stalled_after_ns

    def _note_size(self, event: FrameDecoded, now_ns: int) -> None:
        self._size, self._codec = (event.width, event.height), event.codec

    def _note_packet(self, event: PacketArrived, now_ns: int) -> None:
        self._packet_ns = now_ns

    def _judge_loss(self, event: LossMeasured, now_ns: int) -> None:
        bound = DEGRADED_BELOW if self.state == "degraded" else DEGRADED_ABOVE
        if event.loss > bound:
            self._reason = "packet_loss"
            self._enter("degraded", LOSSY.format(event.loss))
            # Whole hundredths: what wavers below that is no news.
            self._loss = round(event.loss, 2)
        elif self.state == "degraded":
            self._reason = ""
            self._enter("live", "Live.")

    def _stall_if_silent(self, event: Tick, now_ns: int) -> None:
        self._packet_ns = max(self._packet_ns, event.last_packet_ns)
        self.wake_ns = self._packet_ns + self._stalled_after_ns
        if now_ns >= self.wake_ns:
            self._reason, self._stalled_ns = "stalled", self._packet_ns
            silent, most = (bound / _S for bound in (self._stalled_after_ns, self._reopened_after_ns))
            told = f"{self._address} has sent nothing for {silent:g} s; after {most:g} s it is opened anew."
            self._enter("stalled", told)
            self.wake_ns = self._stalled_ns + self._reopened_after_ns

    def _live_again_after_two(self, event: PacketArrived, now_ns: int) -> None:
        # One packet alone proves nothing: FFmpeg's parser holds the last one back until its timeout.
        if self._packet_ns > self._stalled_ns and now_ns - self._packet_ns < self._stalled_after_ns:
            self._reason = ""
            self._enter("live", "Live.")
            self.wake_ns = now_ns + self._stalled_after_ns
        self._packet_ns = now_ns

    def _back_off_after(self, event: Failed, now_ns: int) -> None:
        self._back_off(event.reason, event.sentence, now_ns)

    def _back_off(self, reason: str, sentence: str, now_ns: int) -> None:
        retry = retry_for(reason)
        if not retry.waits_s:
            self._rest(retry.state, reason, sentence)
            return
        if retry is not self._retry:
            self._retry, self._failures = retry, 0
        if self._live_ns:
            # Each second of pictures forgives one failure, so ten make up for all.
            self._failures = max(0, self._failures - (now_ns - self._live_ns) // _S)
        longest_s = retry.waits_s[min(self._failures, len(retry.waits_s) - 1)]
        if self._longest_retry_s is not None:
            longest_s = min(longest_s, self._longest_retry_s)
        wait_s = longest_s * (1.0 - JITTER * self._chance())
        self._failures = min(self._failures + 1, len(retry.waits_s))
        self._close()
        self.state, self._loss = retry.state, 0.0
        self._reason, self._fault = reason, sentence
        self._sentence = f"{sentence} Next attempt in {wait_s:.{1 if wait_s < 10 else 0}f} s."
        self.wake_ns = now_ns + int(wait_s * _S)

    def _attempt_if_due(self, event: Tick, now_ns: int) -> None:
        if now_ns >= self.wake_ns:
            self._attempt(now_ns)

    def _give_up_if_overdue(self, event: Tick, now_ns: int) -> None:
        if now_ns >= self.wake_ns:
            self._give_up(
                {"resolving": "name_no_answer", "opening": "no_answer"}.get(self.state, "stalled"), now_ns
            )

    def _tell_or_give_up_if_overdue(self, event: Tick, now_ns: int) -> None:
        if now_ns < self.wake_ns:
            return
        if not self._packet_ns:
            self._give_up("no_media", now_ns)
        elif now_ns >= self._packet_ns + self._reopened_after_ns:
            self._give_up("stalled", now_ns)
        elif now_ns >= self._opened_ns + FIRST_FRAME_BOUND_NS:
            self._give_up("no_keyframe", now_ns)
        else:
            # Opened anew, it would have to be waited for from the beginning.
            self._reason = "no_keyframe"
            self._sentence = LATE.format(self._address, LATE_KEYFRAME_NS / _S)
            self._wait_for_keyframe()

    def _give_up(self, reason: str, now_ns: int) -> None:
        sentence = OVERDUE[reason].format(self._address, self._reopened_after_ns / _S)
        self._back_off(reason, sentence, now_ns)

    def _nothing(self, event: Event, now_ns: int) -> None:
        pass


LOSSY = (
    "{:.0%} of the packets are lost, and pictures that need them are left out: "
    "is the network overloaded, is there Wi-Fi in between?"
)
LATE = "{} sends, but no whole picture came for {:g} s: set the camera to more key frames. Waiting on."
OVERDUE = {
    "name_no_answer": "The name server did not tell the address of {} within 5 s: is the network up?",
    "no_answer": "{} did not start its stream within 10 s: restart the camera if that goes on.",
    "no_media": "{} is open, but no video comes: does it serve too many viewers, is a firewall in between?",
    "no_keyframe": "{} sends, but no whole picture came for 60 s: set the camera to more key frames.",
    "stalled": "{} has sent nothing for {:g} s: is the camera on, is the network up?",
}
IDLE: frozenset[StreamState] = frozenset({"starting", "stopped"})
OPEN: frozenset[StreamState] = HAS_PICTURES | {"resolving", "opening", "waiting_for_keyframe", "stalled"}
WAITING: frozenset[StreamState] = frozenset({"backing_off", "unauthorized", "not_found", "unsupported"})

TABLE: dict[tuple[StreamState, type[Event]], Callable[..., None]] = {
    ("starting", Begin): Session._begin,
    ("stopped", Begin): Session._begin,
    ("resolving", Resolved): Session._connect,
    ("opening", Opened): Session._await_picture,
    ("waiting_for_keyframe", PacketArrived): Session._note_first_packets,
    ("waiting_for_keyframe", FrameDecoded): Session._go_live,
    ("waiting_for_keyframe", Tick): Session._tell_or_give_up_if_overdue,
    ("stalled", FrameDecoded): Session._note_size,
    ("stalled", PacketArrived): Session._live_again_after_two,
    **{(state, FrameDecoded): Session._note_size for state in HAS_PICTURES},
    **{(state, PacketArrived): Session._note_packet for state in HAS_PICTURES},
    **{(state, LossMeasured): Session._judge_loss for state in HAS_PICTURES},
    **{(state, Tick): Session._stall_if_silent for state in HAS_PICTURES},
    **{(state, Tick): Session._give_up_if_overdue for state in ("resolving", "opening", "stalled")},
    **{(state, Tick): Session._attempt_if_due for state in WAITING},
    **{(state, Tick): Session._nothing for state in IDLE},
    **{(state, Failed): Session._back_off_after for state in OPEN},
    **{(state, Stop): Session._stop for state in OPEN | WAITING | IDLE},
}
