"""Pictures of one reader, for all the windows that show the same."""

import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple, Protocol

from camgraph.base.errors import InternalError
from camgraph.graph.spec import FrameRequest
from camgraph.playout.schedule import Schedule, waiting_frames
from camgraph.present.display import Display, is_past
from camgraph.present.placing import Size
from camgraph.ring.frame import Frame
from camgraph.ring.reader import Reader

_UNSERVED = 2
"""So many pictures may be on their way to the server; then no other is taken until it has read one."""
LEASES = _UNSERVED + 1
_SOON_NS = 100_000_000
"""Far fewer frames come in so long than a ring has slots beside those that are leased."""
_LAST_OFFSET = 0xFFFF_FFFF


class FeedKey(NamedTuple):
    """What windows must agree in to share pictures."""

    stream: str
    roi: tuple[int, int, int, int] | None
    size: Size
    delay_ms: int | None


def request_of(key: FeedKey) -> FrameRequest:
    """Return what is read for windows."""
    waiting = 0 if key.delay_ms is None else waiting_frames(key.delay_ms) + 1
    return FrameRequest(
        stream=key.stream,
        format="bgra",
        roi=key.roi,
        size=key.size,
        policy="latest" if key.delay_ms is None else "every",
        leases=LEASES + waiting,
    )


class Shower(Protocol):
    """A window, as a feed knows it."""

    late: int
    too_early: int
    skipped: int

    @property
    def is_still(self) -> bool:
        """Nothing moves in it: it waits for the first picture."""
        ...

    def show(self, feed: "Feed", picture: "Picture", tell: bool) -> int:
        """Draw a new picture; return the request's number if `Served` comes for it, else 0."""
        ...


class Picture:
    """A leased frame, and where the server finds it; kept while the server may read it, and while shown."""

    __slots__ = ("age_ms", "frame", "is_wanted", "offset", "segment", "size", "unserved")

    def __init__(self, frame: Frame, segment: int) -> None:
        self.frame = frame
        self.segment = segment
        """Where the server has the ring; 0: its pixels are to be sent."""
        self.offset = frame.offset if segment else 0
        self.size = (frame.width, frame.height)
        self.age_ms = (time.time_ns() - frame.capture_ns) / 1e6 if frame.capture_ns else None
        self.is_wanted = True
        self.unserved = 0

    def let_go(self) -> None:
        """Release the frame, if the server has read it; else when it has."""
        self.is_wanted = False
        if not self.unserved:
            self.frame.release()

    def served(self) -> None:
        """The server has read it."""
        self.unserved -= 1
        if not self.unserved and not self.is_wanted:
            self.frame.release()


class Feed:
    """Draws what one reader brings into windows; owns the reader. `picture` is the one that is shown."""

    def __init__(
        self,
        key: FeedKey,
        reader: Reader,
        display: Display,
        pause: Callable[["Feed", bool], None],
        wake_at: Callable[["Feed", float], None],
    ) -> None:
        """`pause` ends, or begins again, that `take` is called when the reader is readable; `wake_at` has
        `woken` called in so many seconds.
        """
        self.key = key
        self.reader = reader
        self.windows: list[Shower] = []
        self.picture: Picture | None = None
        self._display = display
        self._pause, self._wake_at = pause, wake_at
        self._schedule: Schedule[Frame] | None = None if key.delay_ms is None else Schedule(key.delay_ms)
        self._unserved: deque[tuple[int, Picture]] = deque()
        self._segments: dict[bytes, int] = {}
        """Where the server has the generations of the ring; 0: it can't."""
        self._lost = 0
        self._paused = False
        """The server has enough to read."""
        self._is_quiet = False
        """Soon it wakes anyway: what comes until then can wait in the ring."""
        self._is_listening = True
        self._wakes_for_ns: int | None = None
        """For which time `wake_at` was called."""

    @property
    def waits_for_server(self) -> bool:
        """Nothing is taken before the server has read more."""
        return self._paused

    @property
    def delay_ms(self) -> int | None:
        """The delay that is kept."""
        return None if self._schedule is None else self._schedule.delay_ms

    def take(self) -> None:
        """Take what has come, and draw what is due; raises BrokenError if nothing will come any more."""
        if self._paused:
            return
        if self._schedule is None:
            newest: Frame | None = None
            while (frame := self.reader.read_nowait()) is not None:
                if newest is not None:
                    newest.release()
                    self._count_skipped(1)
                newest = frame
            if newest is not None:
                self._show(newest)
            return
        now_ns, monotonic_ns = time.time_ns(), time.monotonic_ns()
        while not self._is_busy and (frame := self.reader.read_nowait()) is not None:
            captured_ns = frame.capture_ns or now_ns - (monotonic_ns - frame.arrival_ns)
            if self._is_first and not self._schedule.is_too_early(captured_ns, now_ns):
                # Better one that stands still until the next is due than none.
                self._show(frame)
            elif not self._schedule.offer(frame, captured_ns, now_ns):
                frame.release()
                for window in self.windows:
                    window.too_early += 1
            elif len(self._schedule) > self._schedule.room:
                self.show_due()
        self.show_due()

    def show_due(self) -> None:
        """Draw what is due now, and have this called again when the next one is."""
        if self._schedule is None or self._is_busy:
            return
        now_ns = time.time_ns()
        shown, passed = self._schedule.take(now_ns)
        for frame in passed:
            frame.release()
        for window in self.windows:
            window.late += len(passed)
        if shown is not None:
            self._show(shown)
        due_ns = self._schedule.next_due_ns
        self._is_quiet = due_ns is not None and due_ns - now_ns <= _SOON_NS
        self._listen()
        if due_ns is not None and due_ns != self._wakes_for_ns:
            self._wakes_for_ns = due_ns
            self._wake_at(self, max(0, due_ns - now_ns) / 1e9)

    def woken(self) -> None:
        """The time has come that `wake_at` was called for; raises as `take`."""
        self._wakes_for_ns = None
        self.take()

    def join(self, window: Shower) -> None:
        """Draw into a window as well."""
        self.count_lost()
        if window not in self.windows:
            self.windows.append(window)

    def show_to(self, window: Shower) -> None:
        """Draw what other windows show already, if they do, into one that has joined."""
        picture = self.picture
        if picture is not None:
            number = window.show(self, picture, tell=True)
            self.sent(number or self._display.ask_when_served(), picture)

    def served(self, number: int) -> bool:
        """The server has come so far; True: it has read all."""
        while self._unserved and is_past(self._unserved[0][0], number):
            self._unserved.popleft()[1].served()
        if self._paused and not self._is_busy:
            self._paused = False
            self._listen()
            self.show_due()
        return not self._unserved

    def count_lost(self) -> None:
        """Count what the reader has lost, and passed over, since this was called last."""
        numbers = self.reader.statistics()
        lost = numbers.late + numbers.behind + numbers.skipped
        self._count_skipped(lost - self._lost)
        self._lost = lost

    def drop_picture(self) -> None:
        """Give the memory of what is shown back to the ring."""
        picture, self.picture = self.picture, None
        if picture is not None:
            picture.let_go()

    def sent(self, number: int, picture: Picture) -> None:
        """The server reads a picture with that request."""
        picture.unserved += 1
        self._unserved.append((number, picture))

    def close(self) -> bool:
        """Release everything; True: but for what the server has not read yet, of which `served` tells."""
        self.drop_picture()
        self.windows.clear()
        if self._schedule is not None:
            for frame in self._schedule.clear():
                frame.release()
        for segment in self._segments.values():
            if segment:
                self._display.unshare(segment)
        self._segments.clear()
        self._paused = False
        self.reader.close()
        return bool(self._unserved)

    @property
    def _is_first(self) -> bool:
        return self.picture is None and all(window.is_still for window in self.windows)

    @property
    def _is_busy(self) -> bool:
        return len({id(picture) for _, picture in self._unserved}) >= _UNSERVED

    def _listen(self) -> None:
        listening = not self._paused and not self._is_quiet
        if listening != self._is_listening:
            self._is_listening = listening
            self._pause(self, not listening)

    def _show(self, frame: Frame) -> None:
        if frame.format != "bgra":
            raise InternalError(f"asked for bgra, the ring holds {frame.format}")
        picture = Picture(frame, self._segment_of(frame))
        self.drop_picture()
        self.picture = picture
        windows = list(self.windows)
        for window in windows[:-1]:
            window.show(self, picture, tell=False)
        for window in windows[-1:]:
            number = window.show(self, picture, tell=True)
            self.sent(number or self._display.ask_when_served(), picture)
        if self._is_busy:
            self._paused = True
            self._listen()

    def _segment_of(self, frame: Frame) -> int:
        segment = self._segments.get(frame.ring_id)
        if segment is None:
            for old in self._segments.values():
                if old:
                    # What was asked for before is served before.
                    self._display.unshare(old)
            segment = 0
            if self._display.shares_memory:
                segment = self._display.share(frame.open_memory())
            self._segments = {frame.ring_id: segment}
        return segment if frame.offset <= _LAST_OFFSET else 0

    def _count_skipped(self, count: int) -> None:
        for window in self.windows:
            window.skipped += count
