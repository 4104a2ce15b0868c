"""What a widget is to show of a live stream: the picture to draw, or what to tell instead."""

import logging
import time
from collections.abc import Callable

import msgspec
from qtpy.QtCore import QObject, QTimer, Signal

from camgraph.base.errors import CamgraphError, ClosedError
from camgraph.base.pixels import PixelFormat
from camgraph.client.sentences import sentence_counting
from camgraph.client.streams import LiveStream
from camgraph.client.wording import Message, message_of
from camgraph.control.messages import HAS_PICTURES, StreamStatus
from camgraph.graph.values import MAX_FPS
from camgraph.qt.ending import when_destroyed
from camgraph.qt.video.frames import FrameFeed, Picture
from camgraph.qt.video.presentation import Hold, Now, Presentation, Timing, timing_of
from camgraph.qt.video.relay import SiteRelay
from camgraph.qt.video.statistics import FrameCounts
from camgraph.qt.video.timed import feed_of, reading
from camgraph.qt.video.view import Size, View

_log = logging.getLogger(__name__)

SILENT_S = 2.0
SETTLED_MS = 150
MOVED_MS = 50
PATIENCE_MS = 1000
RESTS_MS = 200
BEYOND = 0.25
RETRY_MS = 1000
AGAIN_MS = 100
MISSED_PAINTS = 2
"""So many pictures in a row that were never painted raise a doubt: one may have met the next on its way."""
_DAY_S = 86400


class Player(QObject):
    """Reads what is seen of a stream, at the size at which it is seen.

    A new size of the tile is asked for when it has stayed for `SETTLED_MS`. Another part of the picture is
    asked for at once, but every `MOVED_MS` at most and not before the last one has come, unless that takes
    `PATIENCE_MS`; while it moves on, until it rests for `RESTS_MS`, so much `BEYOND` each edge of the tile is
    read as well, for where it moves to.

    What was there stays until the first new picture is there. All in the thread of the GUI.
    """

    changed = Signal()
    """There is something else to paint."""
    unpainted = Signal()
    """Pictures come, and `painted` was not called after the last ones."""
    told = Signal()
    """There are pictures again, or none any more, or `message` and `status` are others."""

    def __init__(self, stream: LiveStream, parent: QObject) -> None:
        super().__init__(parent)
        self._stream = stream
        self._status = stream.status
        self._source = (0, 0)
        self._tile: Size | None = None
        self._view = View()
        self._max_fps: float | None = None
        self._planes = False
        self._presentation: Presentation = Now()
        self._hold: Hold | None = None
        self._timing: Timing | None = None
        self._shown: FrameFeed | None = None
        self._coming: FrameFeed | None = None
        self._problem = ""
        self._closed = False
        self._fresh = False
        self._missed = 0
        """Pictures since the last that was painted."""
        self._watching = False
        self._arrived_ns = 0
        self._counts = FrameCounts()
        self._asked_ns = 0
        self._settled = _single_shot(self, SETTLED_MS, self._ask)
        self._moved = _single_shot(self, MOVED_MS, self._ask)
        self._rests = _single_shot(self, RESTS_MS, self._rest)
        self._moves = False
        self._retry = _single_shot(self, RETRY_MS, self._ask)
        self._silence = _single_shot(self, self._silent_ms, self._check_silence)
        relay = SiteRelay.of(stream.site)
        relay.status_changed.connect(self._on_status)
        relay.closing.connect(self._on_closing)
        when_destroyed(self, relay.leave)
        self._on_status(stream.status)

    @property
    def source(self) -> tuple[int, int]:
        """Width and height in px of the camera's picture; (0, 0): not known yet."""
        return self._source

    @property
    def picture(self) -> Picture | None:
        """The picture to draw; None: draw `message` instead."""
        if self._status.state not in HAS_PICTURES or not self._fresh or self._shown is None:
            return None
        return self._shown.picture

    @property
    def awaits_first(self) -> bool:
        """Whether nothing is wrong, and no picture has come since this began to read."""
        return self._status.state in HAS_PICTURES and not self._problem and self._shown is None

    @property
    def roi(self) -> tuple[int, int, int, int] | None:
        """Which part of the camera's picture `picture` is; None: all of it."""
        return None if self._shown is None else self._shown.request.roi

    @property
    def status(self) -> StreamStatus:
        """The stream's state, as it was told last."""
        return self._status

    @property
    def message(self) -> Message:
        """What to tell while there is no picture."""
        if self._problem and self._status.state in HAS_PICTURES:
            return Message(self._stream.name, "not available", self._problem)
        seen = self._shown is not None and self._shown.seen
        message = message_of(self._status, seen=seen, silent_s=self._silent_ms / 1000)
        if not self.next_attempt_ns:
            return message
        return message._replace(sentence=sentence_counting(self._status, time.monotonic_ns()))

    @property
    def next_attempt_ns(self) -> int:
        """When the next attempt is due that `message` tells of (CLOCK_MONOTONIC); 0: it tells of none."""
        return 0 if self._status.state in HAS_PICTURES else self._status.next_attempt_ns

    @property
    def delay_ms(self) -> float:
        """How long pictures are kept waiting now, see `WidgetStatistics`."""
        return 0.0 if self._timing is None else self._timing.delay_ms

    def present(self, presentation: Presentation, hold: Hold | None) -> None:
        """Show pictures at such times, and hold them back for somebody who has to say something of them."""
        if (presentation, hold) != (self._presentation, self._hold):
            self._presentation, self._hold = presentation, hold
            self._leave_timing()
            self._ask()

    @property
    def misses(self) -> bool:
        """Whether a picture has come since `painted` was called last."""
        return self._missed > 0

    def painted(self) -> None:
        """Be told of each paint event."""
        self._missed = 0

    def counts(self) -> FrameCounts:
        """Return what became of the frames so far, but for those that were painted."""
        counts = FrameCounts()
        counts.add(self._counts)
        for feed in (self._shown, self._coming):
            if feed is not None:
                counts.add(feed.counts())
        return counts

    def show_in(self, tile: Size, view: View) -> None:
        """Read pictures for a tile of so many device pixels, as a view wants them.

        Asking for what is read already does nothing.
        """
        if self._closed or (tile == self._tile and view == self._view):
            return
        resized = tile != self._tile
        self._tile, self._view = tile, view
        if self._shown is None and self._coming is None:
            self._ask()
        elif resized:
            self._settled.start()
        else:
            self._moves = self._rests.isActive()
            self._rests.start()
            self._ask_soon()

    def limit(self, fps: float | None) -> None:
        """Read so many pictures a second at most; None: all that come."""
        if fps is not None and fps > MAX_FPS:
            fps = None
        if fps != self._max_fps:
            self._max_fps = fps
            if self._tile is not None:
                self._settled.start()

    def read_planes(self, planes: bool) -> None:
        """Read the camera's pictures as they are, in yuv420p and whole, or else as they are to be seen."""
        if planes != self._planes:
            self._planes = planes
            self._fresh = False
            self._drop_coming()
            self._drop_shown()
            self._ask()

    def stop(self) -> None:
        """Read nothing until the next `show_in`."""
        self._tile = None
        self._fresh = self._moves = False
        for timer in (self._settled, self._moved, self._rests, self._retry, self._silence):
            timer.stop()
        self._watching = False
        self._drop_coming()
        self._drop_shown()
        self._leave_timing()

    def _leave_timing(self) -> None:
        timing, self._timing = self._timing, None
        if timing is not None:
            timing.leave()

    def _rest(self) -> None:
        self._moves = False
        self._ask_soon()

    def _ask_soon(self) -> None:
        """Ask for what is wanted now: while the view is being changed that is something else each time."""
        if self._settled.isActive():
            return
        since_ms = (time.monotonic_ns() - self._asked_ns) // 1_000_000
        left_ms = (MOVED_MS if self._coming is None else PATIENCE_MS) - since_ms
        if left_ms > 0:
            self._moved.start(left_ms)
        else:
            self._ask()

    def _ask(self) -> None:
        """Read the part, at the size and rate, that is wanted now, if that is not done already."""
        if self._tile is None or self._closed or 0 in self._source:
            return
        roi, size = self._view.place(self._source, self._tile, BEYOND if self._moves else 0.0).wanted
        pixels: PixelFormat = "bgra"
        if self._planes:
            pixels, roi, size = "yuv420p", None, self._source
        timing = self._timing = self._timing or timing_of(self._presentation, self._hold)
        request = self._stream.frames(format=pixels, roi=roi, size=size, fps=self._max_fps, **reading(timing))
        if self._coming is not None and self._coming.reads(request, timing):
            return
        self._drop_coming()
        if self._shown is not None and self._shown.reads(request, timing):
            return
        self._asked_ns = time.monotonic_ns()
        try:
            reader = self._stream.site.read(request)
        except ClosedError:
            self._on_closing()
            return
        except (CamgraphError, OSError) as error:
            # Of the system: there may be no descriptor left. Whoever paints must not end for that.
            self._on_broken(str(error))
            return
        at_once = self._shown is None or self._shown.picture is None
        self._coming = feed_of(
            reader, request, self, self._on_picture, self._on_broken, self._ask, timing, at_once
        )

    def _drop_coming(self) -> None:
        feed, self._coming = self._coming, None
        self._end(feed)

    def _drop_shown(self) -> None:
        feed, self._shown = self._shown, None
        self._end(feed)

    def _end(self, feed: FrameFeed | None) -> None:
        if feed is not None:
            feed.close()
            self._counts.add(feed.counts())

    def _on_picture(self) -> None:
        if self._coming is not None and self._coming.seen:
            self._drop_shown()
            self._shown, self._coming = self._coming, None
            if self._moved.isActive():
                self._ask_soon()
        self._arrived_ns = time.monotonic_ns()
        self._problem = ""
        began, self._fresh = not self._fresh, True
        if not self._watching:
            self._watching = True
            self._silence.start(self._silent_ms)
        self.changed.emit()
        self._missed += 1
        if self._missed > MISSED_PAINTS:
            self.unpainted.emit()
        if began:
            self.told.emit()

    @property
    def _silent_ms(self) -> int:
        """How long no picture comes before that is told: of few pictures, two are missed."""
        return round(1000 * max(SILENT_S, 0 if self._max_fps is None else min(2 / self._max_fps, _DAY_S)))

    def _check_silence(self) -> None:
        if self._shown is not None:
            # Pictures that came while the GUI was busy elsewhere count.
            self._shown.take()
        left_ms = self._silent_ms - (time.monotonic_ns() - self._arrived_ns) // 1_000_000
        if left_ms > 0 or (self._shown is not None and self._shown.has_more):
            self._silence.start(max(left_ms, AGAIN_MS))
            return
        self._fresh = self._watching = False
        if self._shown is not None:
            self._shown.drop_picture()
        self.changed.emit()
        self.told.emit()

    def _on_status(self, status: StreamStatus) -> None:
        if status.stream != self._stream.name or self._closed:
            return
        self._status = status
        if status.state not in HAS_PICTURES:
            self._fresh = False
            if self._shown is not None:
                self._shown.drop_picture()
        if status.width and status.height and (status.width, status.height) != self._source:
            self._source = (status.width, status.height)
            self._ask()
        self.changed.emit()
        self.told.emit()

    def _on_broken(self, reason: str) -> None:
        """The ring can't be had, or not any more: the supervisor may be being replaced, so ask again."""
        _log.debug("stream %s: %s", self._stream.name, reason)
        self._problem = reason
        if self._shown is not None and self._shown.closed:
            self._drop_shown()
        if self._coming is not None and self._coming.closed:
            self._drop_coming()
        self._retry.start()
        self.changed.emit()
        self.told.emit()

    def _on_closing(self) -> None:
        self.stop()
        self._closed = True
        self._status = msgspec.structs.replace(
            self._status, state="stopped", reason="closed", sentence="The site is closed."
        )
        self.changed.emit()
        self.told.emit()


def _single_shot(parent: QObject, delay_ms: int, callback: Callable[[], None]) -> QTimer:
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(delay_ms)
    timer.timeout.connect(callback)
    return timer
