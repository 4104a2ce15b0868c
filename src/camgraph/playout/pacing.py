"""When each frame is due: at its time on a line, plus a delay that suits the frames of all that share it.

Pure: times are passed in, in ns. A *line* is what tells the distances of a stream's frames: the camera's
timestamps, or the times of capture, or those of arrival. Where a line begins does not matter, unless several
streams share a delay. A frame's *transit* goes from its time on the line to its publication.
"""

from weakref import WeakSet

from camgraph.playout.transit import Transits

IN_TIME = 0.98
"""The share of frames that a delay suits."""
MARGIN_NS = 2_000_000
"""A frame is there when it is published; taking it and painting it takes a moment more."""
SLOWER, FASTER = 0.1, 0.05
"""How much of the time that passes a delay grows, or shrinks: 4 and 2 ms from frame to frame at 25 fps."""
EARLY_NS = 100_000_000
"""No network brings frames so much earlier than the luckiest one: the line's clock was set."""
LATE_NS = 10_000_000_000
"""No network holds frames up for so long."""
BEGINNING_NS = 1_000_000_000
"""So long a stream catches up with itself, and its delay changes at once; then half of that is forgotten."""
AGREED_NS = 10_000_000
"""So long what all want together is taken for what they wanted: with many, asking costs the most."""
STALLED_NS = 1_000_000_000
"""After a stall a stream catches up within that time, or it takes longer from now on."""
LIVE_NS = 2_000_000_000
"""Who had no frame for so long holds nobody up."""


class Pacing:
    """A delay, of one stream or of all that are to be in step.

    It is the least that suits `IN_TIME` of the frames of the slowest member, at most `longest_ns` more than
    the quickest frame of the quickest member takes; with `longest_ns` None it does not follow the transits.
    It is never less than `least_ns`. It changes slowly, so that nobody sees it.
    """

    def __init__(self, *, least_ns: int | None = None, longest_ns: int | None = None) -> None:
        self.longest_ns = longest_ns
        self._least_ns = least_ns
        self._members: WeakSet[Pace] = WeakSet()
        self._delay_ns: int | None = None
        self._reached_ns = 0
        self._asked_ns = 0
        self._wishes: tuple[int, int | None, bool] = (0, None, False)

    def join(self) -> "Pace":
        """Have one stream more, until it leaves, or is gone."""
        if not self._members:
            # Not when the last one left: what it had in hand is still shown.
            self._delay_ns = None
        pace = Pace(self)
        self._members.add(pace)
        self._asked_ns = 0
        return pace

    def leave(self, pace: "Pace") -> None:
        """Have one stream less; leaving twice does nothing."""
        self._members.discard(pace)
        self._asked_ns = 0

    @property
    def delay_ns(self) -> int:
        """From a frame's time on the line to when it is due, now."""
        return self._delay_ns or 0

    def set_back(self, pace: "Pace", by_ns: int) -> None:
        """The clock of a stream was set back; where there is no other, the delay belongs to its line."""
        if all(member is pace for member in self._members) and self._delay_ns is not None:
            self._delay_ns += by_ns
            self._reached_ns -= by_ns

    def delay_at(self, line_ns: int, now_ns: int) -> int:
        """Return the delay of a frame; frames are asked for in order, more or less."""
        if len(self._members) == 1 or not 0 <= now_ns - self._asked_ns < AGREED_NS:
            self._asked_ns, self._wishes = now_ns, self._ask(now_ns)
        wanted, ceiling, begins = self._wishes
        delay = self._delay_ns
        if delay is None:
            self._reached_ns = line_ns
            delay = wanted
        elif begins:
            delay = wanted
        else:
            passed = min(max(0, line_ns - self._reached_ns), BEGINNING_NS)
            delay = min(max(wanted, delay - int(passed * FASTER)), delay + int(passed * SLOWER))
        if ceiling is not None:
            delay = min(delay, ceiling)
        self._reached_ns = max(self._reached_ns, line_ns)
        self._delay_ns = delay
        return delay

    def _ask(self, now_ns: int) -> tuple[int, int | None, bool]:
        """Return the delay that is wanted, the most that is allowed, and whether a member begins."""
        live = [member for member in self._members if now_ns - member.heard_ns <= LIVE_NS]
        needs = [need for member in live if (need := member.needed_ns) is not None]
        if self._least_ns is not None:
            needs.append(self._least_ns)
        wanted = max(needs, default=self.delay_ns)
        if self.longest_ns is None:
            return wanted, None, False
        quickest = [lowest for member in live if (lowest := member.lowest_ns) is not None]
        if not quickest:
            return wanted, None, False
        ceiling = min(quickest) + self.longest_ns + max(member.hold_ns for member in live)
        return min(wanted, ceiling), ceiling, any(member.begins for member in live)


class Pace:
    """The frames of one stream: when each is due."""

    def __init__(self, pacing: Pacing) -> None:
        self.hold_ns = 0
        """For how long after its arrival each frame is held for somebody who has to say something of it."""
        self.heard_ns = 0
        """When a frame was published last."""
        self.begins = True
        """Whether it is in its first second."""
        self._pacing = pacing
        self._transits = Transits()
        self._held = Transits()
        """As transits, but to the end of `hold_ns`."""
        self._began_ns = 0
        self._settled = False
        self._stalled_ns = 0
        """Since when frames are too late for any delay; 0: they are not."""
        self._restarts = False

    def due_ns(self, line_ns: int, arrival_ns: int, publish_ns: int) -> int:
        """Return when a frame is due that has this time on the line, and came and was published then."""
        if self.adapts:
            self._follow(line_ns, publish_ns)
        if not self.hold_ns:
            self._held.clear()
        elif not self._stalled_ns:
            self._held.add(publish_ns, arrival_ns + self.hold_ns - line_ns)
        self.heard_ns = publish_ns
        return line_ns + self._pacing.delay_at(line_ns, publish_ns)

    @property
    def adapts(self) -> bool:
        """Whether the delay follows the transits."""
        return self._pacing.longest_ns is not None

    @property
    def needed_ns(self) -> int | None:
        """The delay that suits most frames; None: any does."""
        needs = [it.within_ns(IN_TIME) + MARGIN_NS for it in (self._transits, self._held) if it]
        return max(needs, default=None)

    @property
    def lowest_ns(self) -> int | None:
        """The transit of the quickest frame; None: nobody looks."""
        return self._transits.lowest_ns if self._transits else None

    @property
    def buffer_ns(self) -> int:
        """How long the quickest frame is kept waiting; of a delay that does not adapt, all of it."""
        return max(0, self._pacing.delay_ns - (self.lowest_ns or 0))

    def restart(self) -> None:
        """The line begins anew with the next frame; what is known of the network stays."""
        self._restarts = True

    def leave(self) -> None:
        """Have no share in the delay any more; leaving twice does nothing."""
        self._pacing.leave(self)

    def _follow(self, line_ns: int, publish_ns: int) -> None:
        """Learn how long a frame took, and notice that the line's clock was set."""
        transit_ns = publish_ns - line_ns
        self._began_ns = self._began_ns or publish_ns
        if self._settled:
            self.begins = False
        elif publish_ns - self._began_ns >= BEGINNING_NS:
            # With this frame the delay changes at once for the last time.
            self._settled = True
            for transits in (self._transits, self._held):
                transits.forget(self._began_ns + BEGINNING_NS // 2)
        if (lowest_ns := self.lowest_ns) is None:
            # What it stalled in comparison with was of the beginning.
            self._stalled_ns = 0
        else:
            late_ns = transit_ns - lowest_ns
            self._see_if_stalled(late_ns, transit_ns, publish_ns)
            if self._restarts or not -EARLY_NS <= late_ns <= LATE_NS or self._stalls_for_good(publish_ns):
                self._stalled_ns = 0
                self._transits.shift(late_ns)
                self._held.shift(late_ns)
                self._pacing.set_back(self, late_ns)
        self._restarts = False
        if not self._stalled_ns:
            self._transits.add(publish_ns, transit_ns)

    def _see_if_stalled(self, late_ns: int, transit_ns: int, publish_ns: int) -> None:
        """Notice that the network stood still: what it then brings at once says nothing of its jitter."""
        if late_ns > (self._pacing.longest_ns or 0):
            self._stalled_ns = self._stalled_ns or publish_ns
        elif transit_ns <= self._pacing.delay_ns:
            self._stalled_ns = 0

    def _stalls_for_good(self, publish_ns: int) -> bool:
        return self._stalled_ns > 0 and publish_ns - self._stalled_ns > STALLED_NS
