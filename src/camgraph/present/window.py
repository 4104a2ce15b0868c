"""One window: which pictures it shows, where they lie in it, and what it shows while there are none."""

import time
from typing import Protocol

from camgraph.base.geometry import Area
from camgraph.client.wording import Message
from camgraph.present.canvas import Canvas
from camgraph.present.display import Display
from camgraph.present.feed import Feed, Picture
from camgraph.present.nosignal import FilePictures, draw_message
from camgraph.present.placing import Place, Size, around, centred, lines_of
from camgraph.present.wishes import WindowStatistics, Wish


class Host(Protocol):
    """What a window needs of its presenter."""

    display: Display
    files: FilePictures

    def message_of(self, window: "Window") -> Message | None:
        """What to tell while there is no picture."""
        ...

    def source_of(self, window: "Window") -> Size:
        """Width and height of the camera's picture; (0, 0): not known."""
        ...

    def watch_silence(self, window: "Window") -> None:
        """Pictures come: see whether they go on."""
        ...

    def leave(self, feed: Feed, window: "Window") -> None:
        """A window needs the pictures of a feed no more."""
        ...


class Window:
    """Draws what its feeds bring. `feed` is shown; `coming` takes its place with its first picture."""

    def __init__(self, host: Host, canvas: Canvas, wish: Wish) -> None:
        self.canvas = canvas
        self.wish = wish
        self.feed: Feed | None = None
        self.coming: Feed | None = None
        self.late = self.too_early = self.skipped = self._shown = 0
        self.has_signal = False
        self.lies_under = False
        """Whether others lie over all of it."""
        self.last_ns = time.monotonic_ns()
        """When a picture came last, or another stream was wanted."""
        self._host = host
        self._bars_due = True
        self._age_ms: float | None = None
        self._size: Size = (0, 0)
        self._shared = False
        self._placed: tuple[Size, Size] = ((0, 0), (0, 0))
        self._place = Place(0, 0, 0, 0, 0, 0)
        self._lines: tuple[object, list[Area]] = (None, [])

    @property
    def id(self) -> int:
        """The window's id."""
        return self.canvas.window

    @property
    def is_still(self) -> bool:
        """Nothing moves in it."""
        return self.feed is None or not self.has_signal

    def show(self, feed: Feed, picture: Picture, tell: bool) -> int:
        """Draw a new picture; return the request's number if `Served` comes for it, else 0."""
        if feed is self.coming:
            old, self.feed, self.coming = self.feed, feed, None
            self._bars_due = True
            if old is not None:
                self._host.leave(old, self)
        elif feed is not self.feed:
            return 0
        if not self.has_signal:
            self.has_signal = self._bars_due = True
            self._host.watch_silence(self)
        self.last_ns = time.monotonic_ns()
        self._shown += 1
        self._age_ms = picture.age_ms
        return self._draw(picture, tell)

    def redraw(self) -> None:
        """Draw again what was there; the window has lost it, or has another size."""
        self._bars_due = True
        picture = None if self.feed is None else self.feed.picture
        if not self.has_signal:
            self.draw_no_signal()
        elif picture is not None and self.feed is not None:
            number = self._draw(picture, tell=True)
            self.feed.sent(number or self._host.display.ask_when_served(), picture)

    def lose_signal(self) -> None:
        """No picture has come for long."""
        self.has_signal = False
        feed = self.feed
        if feed is not None and not any(isinstance(it, Window) and it.has_signal for it in feed.windows):
            feed.drop_picture()
        self.draw_no_signal()

    def draw_no_signal(self) -> None:
        """Draw what tells that there is no picture."""
        if not self.canvas.can_draw:
            return
        path = self.wish.no_signal_picture
        if path is None or not self._host.files.draw(self.canvas, path):
            draw_message(self.canvas, self._host.message_of(self))

    def statistics(self) -> WindowStatistics:
        """Return the numbers of the moment."""
        feed = self.feed
        return WindowStatistics(
            stream=self.wish.stream,
            size=self.canvas.size,
            picture=self._size,
            shown=self._shown,
            late=self.late,
            too_early=self.too_early,
            skipped=self.skipped,
            delay_ms=None if feed is None else feed.delay_ms,
            age_ms=self._age_ms,
            sharing=0 if feed is None else len(feed.windows),
            shared_memory=self._shared,
            signal=self.has_signal,
        )

    def _draw(self, picture: Picture, tell: bool) -> int:
        canvas = self.canvas
        if not canvas.can_draw:
            return 0
        sizes = (picture.size, canvas.size)
        if sizes != self._placed:
            self._placed, self._place, self._size = sizes, centred(*sizes), picture.size
            self._bars_due = True
        place = self._place
        if self._bars_due:
            self._bars_due = False
            canvas.blacken(around(place, canvas.size))
        number = 0
        self._shared = bool(picture.segment) and canvas.takes_bgra
        if self._shared:
            number = canvas.put_shared(picture.segment, picture.offset, picture.size, place, tell)
        else:
            canvas.put(picture.frame.array, place)
        if self.wish.boxes:
            canvas.outline(self._outlines(picture.size))
        return number if tell else 0

    def _outlines(self, picture: Size) -> list[Area]:
        feed = self.feed
        source = self._host.source_of(self)
        roi = None if feed is None or feed.key.roi is None else Area(*feed.key.roi)
        key = (self.wish.boxes, self._placed, source, roi)
        if key != self._lines[0]:
            known = source if 0 not in source else picture
            self._lines = (key, lines_of(self.wish.boxes, self._place, picture, known, roi))
        return self._lines[1]
