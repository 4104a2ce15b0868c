"""The life of a process that is watched: a state machine that knows no process, socket or clock.

The supervisor's, by the program that owns the site; media processes' and back ends', by the supervisor. It is
drawn in docs/design/supervision.md, from `TABLE`.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from camgraph.base.errors import InternalError

LifeState = Literal["new", "starting", "running", "backing_off", "ending", "ended"]

BACK_OFF_S = (0.0, 0.2, 0.5, 0.5, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Waits before the next start, by the failures that are not forgiven; the last one is kept. Each second of
running forgives one: only what dies at once, again and again, is waited for longer than a keyframe."""
OUT_OF_MEMORY_BACK_OFF_S = 0.5
"""How long one that was killed for memory waits at least: what took the memory may still have it."""
_STORY_LENGTH = 50


@dataclass(frozen=True)
class Begin:
    """The process is wanted."""


@dataclass(frozen=True)
class Launched:
    """It was started."""

    pid: int


@dataclass(frozen=True)
class LaunchFailed:
    """It could not be started."""


@dataclass(frozen=True)
class Exited:
    """It has ended, and was reaped."""

    out_of_memory: bool = False
    """The kernel killed it to free memory."""
    how: str = ""
    """How it ended, in words: for the story of too many crashes."""


@dataclass(frozen=True)
class Stop:
    """It is wanted no longer."""

    grace_s: float


@dataclass(frozen=True)
class Tick:
    """A time that a `WakeAt` named has come."""


@dataclass(frozen=True)
class Launch:
    """Start the process, then say Launched or LaunchFailed."""


@dataclass(frozen=True)
class Signal:
    """Send SIGTERM, or SIGKILL."""

    kill: bool


@dataclass(frozen=True)
class WakeAt:
    """Say Tick at this time."""

    due_ns: int


Event = Begin | Launched | LaunchFailed | Exited | Stop | Tick
Instruction = Launch | Signal | WakeAt


class Crash(NamedTuple):
    """An end that nobody had asked for."""

    at_ns: int
    lived_ns: int
    how: str


class ProcessLife:
    """Feed events to `handle`, do what it returns. `story` holds the last transitions."""

    def __init__(self, *, restart: bool, crashes: int = 0, within_s: float = 60.0) -> None:
        """`crashes` within so many seconds end one that is to be restarted for good (0: nothing does)."""
        self.state: LifeState = "new"
        self.starts = 0
        self.next_start_ns = 0
        """When the next start is due, while backing off."""
        self.story: deque[tuple[int, LifeState, str, LifeState]] = deque(maxlen=_STORY_LENGTH)
        self.crashes: deque[Crash] = deque(maxlen=crashes)
        """The last ones, while they are not older than the time in which they are counted."""
        self.crashed_too_often = False
        self._restart = restart
        self._within_ns = int(within_s * 1e9)
        self._failures = 0
        self._since_ns = 0
        self._kill_ns = 0

    def handle(self, event: Event, now_ns: int) -> list[Instruction]:
        """Take one event; return what is to be done, in order. Raises InternalError if it can't be."""
        before = self.state
        row = TABLE.get((before, type(event)))
        if row is None:
            raise InternalError(f"{event} in state {before}; story: {list(self.story)}")
        instructions = row.action(self, event, now_ns)
        if self.state not in row.then:
            raise InternalError(f"{event} led from {before} to {self.state}, not to {row.then}")
        self.story.append((now_ns, before, type(event).__name__, self.state))
        return instructions

    def _launch(self, _event: Event, now_ns: int) -> list[Instruction]:
        self.state = "starting"
        self.starts += 1
        self._since_ns = now_ns
        return [Launch()]

    def _run(self, _event: Event, now_ns: int) -> list[Instruction]:
        self.state = "running"
        self._since_ns = now_ns
        return []

    def _lost(self, event: Event, now_ns: int) -> list[Instruction]:
        if not self._restart:
            return self._end(event, now_ns)
        if isinstance(event, Exited) and self._crashed(event.how, now_ns):
            self.crashed_too_often = True
            return self._end(event, now_ns)
        if self.state == "running":
            self._failures = max(0, self._failures - (now_ns - self._since_ns) // 1_000_000_000)
        delay_s = BACK_OFF_S[min(self._failures, len(BACK_OFF_S) - 1)]
        if isinstance(event, Exited) and event.out_of_memory:
            delay_s = max(delay_s, OUT_OF_MEMORY_BACK_OFF_S)
        self._failures = min(self._failures + 1, len(BACK_OFF_S))
        self.state = "backing_off"
        self.next_start_ns = now_ns + int(delay_s * 1e9)
        return [WakeAt(self.next_start_ns)]

    def _crashed(self, how: str, now_ns: int) -> bool:
        """Count a crash; tell whether there were too many."""
        if not self.crashes.maxlen:
            return False
        self.crashes.append(Crash(now_ns, now_ns - self._since_ns, how))
        while self.crashes[0].at_ns < now_ns - self._within_ns:
            self.crashes.popleft()
        return len(self.crashes) == self.crashes.maxlen

    def _launch_if_due(self, event: Event, now_ns: int) -> list[Instruction]:
        return self._launch(event, now_ns) if now_ns >= self.next_start_ns else [WakeAt(self.next_start_ns)]

    def _terminate(self, event: Event, now_ns: int) -> list[Instruction]:
        assert isinstance(event, Stop)
        self.state = "ending"
        self._kill_ns = now_ns + int(event.grace_s * 1e9)
        return [Signal(kill=False), WakeAt(self._kill_ns)]

    def _kill_if_due(self, _event: Event, now_ns: int) -> list[Instruction]:
        return [Signal(kill=True)] if now_ns >= self._kill_ns else []

    def _end(self, _event: Event, _now_ns: int) -> list[Instruction]:
        self.state = "ended"
        return []

    def _nothing(self, _event: Event, _now_ns: int) -> list[Instruction]:
        return []


class Row(NamedTuple):
    """What an event does in a state, and where that can lead: states, and when (empty: always)."""

    action: Callable[[ProcessLife, Event, int], list[Instruction]]
    then: dict[LifeState, str]


_LOST: dict[LifeState, str] = {"backing_off": "to be restarted", "ended": "not to be restarted"}
_CRASHED: dict[LifeState, str] = {**_LOST, "ended": "not restarted, or too many crashes"}

TABLE: dict[tuple[LifeState, type[Event]], Row] = {
    ("new", Begin): Row(ProcessLife._launch, {"starting": ""}),
    ("new", Stop): Row(ProcessLife._end, {"ended": ""}),
    ("starting", Launched): Row(ProcessLife._run, {"running": ""}),
    ("starting", LaunchFailed): Row(ProcessLife._lost, _LOST),
    ("running", Exited): Row(ProcessLife._lost, _CRASHED),
    ("running", Stop): Row(ProcessLife._terminate, {"ending": ""}),
    ("running", Tick): Row(ProcessLife._nothing, {"running": ""}),
    ("backing_off", Tick): Row(ProcessLife._launch_if_due, {"starting": "due", "backing_off": "early"}),
    ("backing_off", Stop): Row(ProcessLife._end, {"ended": ""}),
    ("ending", Exited): Row(ProcessLife._end, {"ended": ""}),
    ("ending", Stop): Row(ProcessLife._nothing, {"ending": ""}),
    ("ending", Tick): Row(ProcessLife._kill_if_due, {"ending": ""}),
    ("ended", Stop): Row(ProcessLife._nothing, {"ended": ""}),
    ("ended", Tick): Row(ProcessLife._nothing, {"ended": ""}),
}
