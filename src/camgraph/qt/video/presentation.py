"""When a widget shows the pictures of a stream (public)."""

from dataclasses import dataclass
from typing import Literal

from camgraph.playout.pacing import Pace, Pacing
from camgraph.playout.schedule import MOST_WAITING, waiting_frames
from camgraph.qt import arguments

LONGEST_MS = 2000
"""No picture waits longer: as many wait as a reader may hold."""
FIRST_MS = 150
"""What a delay that adapts seldom needs more of: room for more is made when it does."""
_MS = 1_000_000

Line = Literal["camera", "capture", "arrival"]
"""What tells the distances of pictures: the camera's timestamps, the times of capture, or of arrival."""


@dataclass(frozen=True)
class Now:
    """Each picture as soon as it comes: the least latency, and all the network's jitter."""


@dataclass(frozen=True)
class Smooth:
    """Pictures in the camera's own rhythm, as late as the jitter lately needs and no later.

    No picture is kept waiting for more than `longest_ms` (1 to 2000) longer than the network's quickest one.
    """

    longest_ms: int = 500

    def __post_init__(self) -> None:
        check_ms("longest_ms", self.longest_ms, 1)


@dataclass(frozen=True)
class Fixed:
    """Each picture `delay_ms` (0 to 2000) after it was taken; one that comes later still, as it comes.

    By the wall clock; where nobody knows when the picture was taken, after its arrival.
    """

    delay_ms: int

    def __post_init__(self) -> None:
        check_ms("delay_ms", self.delay_ms, 0)


class InStep:
    """Pictures of several cameras that were taken at one moment are shown at one moment.

    All widgets that are given the same object are in step, in whatever windows they are. They show what the
    slowest of their cameras lets them, but nothing waits more than `longest_ms` (1 to 2000) longer than what
    the quickest camera's quickest picture took. A camera that is away holds up nobody. To be used in the
    thread of the GUI.
    """

    def __init__(self, longest_ms: int = 500) -> None:
        check_ms("longest_ms", longest_ms, 1)
        self._longest_ms = longest_ms
        self._pacing = Pacing(longest_ns=longest_ms * _MS)

    def __repr__(self) -> str:
        return f"<InStep longest_ms={self._longest_ms}>"

    @property
    def longest_ms(self) -> int:
        """What was asked for."""
        return self._longest_ms


Presentation = Now | Smooth | Fixed | InStep


class Hold:
    """Asks that pictures wait for somebody who has to say something of them, `longest_ms` at the most."""

    def __init__(self, longest_ms: int) -> None:
        check_ms("up_to_ms", longest_ms, 1)
        self.longest_ms = longest_ms
        self._needed_ms = 0.0

    @property
    def needed_ms(self) -> float:
        """How long after its arrival a picture may be shown at the earliest; to be set at any time."""
        return self._needed_ms

    @needed_ms.setter
    def needed_ms(self, needed_ms: float) -> None:
        self._needed_ms = min(max(0.0, needed_ms), self.longest_ms)


class Timing:
    """When the pictures of one stream are due: for all the readers of a player, which ends it by `leave`."""

    def __init__(self, line: Line, pace: Pace, longest_ms: int, hold: Hold | None) -> None:
        self.line = line
        self.pace = pace
        self.hold = hold
        hold_ms = 0 if hold is None else hold.longest_ms
        first_ms = min(longest_ms, FIRST_MS) if pace.adapts else longest_ms
        self.room = waiting_frames(min(first_ms + hold_ms, LONGEST_MS)) + 1
        """So many pictures wait at the most."""
        self._most = min(2 * waiting_frames(min(longest_ms + hold_ms, LONGEST_MS)), MOST_WAITING) + 1

    @property
    def delay_ms(self) -> float:
        """How long pictures are kept waiting, see `WidgetStatistics`."""
        return self.pace.buffer_ns / _MS

    def widen(self) -> bool:
        """Have more room, for a longer delay or more pictures a second; False: there is none."""
        before, self.room = self.room, max(self.room, min(2 * self.room, self._most))
        return self.room > before

    def leave(self) -> None:
        """Have no share in anything any more."""
        self.pace.leave()


def timing_of(presentation: Presentation, hold: Hold | None = None) -> Timing | None:
    """Return when pictures are due; None: as they come."""
    match presentation:
        case Smooth(longest_ms):
            return Timing("camera", Pacing(longest_ns=longest_ms * _MS).join(), longest_ms, hold)
        case Fixed(delay_ms):
            return Timing("capture", Pacing(least_ns=delay_ms * _MS).join(), delay_ms, hold)
        case InStep(longest_ms=longest_ms, _pacing=pacing):
            return Timing("capture", pacing.join(), longest_ms, hold)
    return None if hold is None else Timing("arrival", Pacing(least_ns=0).join(), 0, hold)


def checked(presentation: Presentation) -> Presentation:
    """Return it; raise TypeError for what is none."""
    if not isinstance(presentation, Presentation):
        raise TypeError(f"a presentation is Now(), Smooth(), Fixed() or InStep(), not {presentation!r}")
    return presentation


def check_ms(name: str, value_ms: int, least_ms: int) -> None:
    """Raise ValueError, TypeError unless that is a time for which pictures can wait."""
    if not least_ms <= arguments.number(name, value_ms) <= LONGEST_MS:
        raise ValueError(f"{name} is {least_ms} to {LONGEST_MS} ms, not {value_ms}")
