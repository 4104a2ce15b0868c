"""The screen of an X display, as a program uses it: any stream in any window, by the window's id."""

import logging
import os
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self, get_args

from camgraph.base.errors import CannotStart, ClosedError
from camgraph.client.site import Site
from camgraph.present.link import Link
from camgraph.present.own import OwnWindows
from camgraph.present.placing import Box, Fit
from camgraph.present.wishes import NO_SIGNAL_AFTER_S, WindowStatistics, Wish
from camgraph.x11.xcb import QT_INSTEAD

_log = logging.getLogger(__name__)

_LONGEST_DELAY_MS = 60_000
_LONGEST_SILENCE_S = 3600.0
_LARGEST_ID = 0xFFFF_FFFF


class Screen:
    """Shows streams of a site in windows of an X11 display, whatever program or toolkit they belong to.

    A process of its own draws; it is started by `prepare` or the first `show`, started again if it dies, and
    shared by all screens of the site and the display. Windows that show the same stream at the same size
    share their pictures. Thread-safe. Closed with its ``with`` block, by `close`, or with the site.
    """

    def __init__(self, site: Site, display: str | None = None) -> None:
        """`display` is a name as DISPLAY has it (``:0``); None: what DISPLAY says. Nothing starts here."""
        self._site = site
        self._display = display
        self._lock = threading.RLock()
        self._link: Link | None = None
        self._own: OwnWindows | None = None
        self._wishes: dict[int, Wish] = {}
        self._gone_callbacks: list[Callable[[int], object]] = []
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def prepare(self) -> None:
        """Start what draws, for a program that will show something soon: else the first `show` waits for it.

        Does nothing if it runs. Raises as `show`.
        """
        with self._lock:
            self._check_open()
            self._joined().prepare()

    def show(
        self,
        stream: str | None,
        window: int,
        *,
        fit: Fit = "contain",
        delay_ms: int | None = None,
        boxes: Iterable[Box] = (),
        no_signal_picture: str | os.PathLike[str] | None = None,
        no_signal_after_s: float = NO_SIGNAL_AFTER_S,
    ) -> None:
        """Draw a stream into a window from now on, at the window's size, and return at once.

        Again for the same window: that is what it shows then. `stream` None: the picture for no signal.
        `fit`: all of the picture with black bars, as much of it as fills the window, or all of it stretched.
        `delay_ms`: each frame is shown so long after it was taken, which evens out what the network does;
        None: each as soon as it comes. `boxes`: see `boxes`. After `no_signal_after_s` seconds without a
        frame the window tells what is wrong, or has the `no_signal_picture`, a file of raw YUV 4:2:0 of
        1280x720 px.

        A stream that is not there yet is shown when it is. Raises MissingDependency and CannotStart where X11
        is not to be had, ClosedError.
        """
        wish = Wish(
            stream,
            fit,
            delay_ms,
            _checked_boxes(boxes),
            None if no_signal_picture is None else str(Path(no_signal_picture).absolute()),
            no_signal_after_s,
        )
        _check(wish, window)
        with self._lock:
            self._check_open()
            self._joined().show(window, wish, self._on_gone)
            self._wishes[window] = wish

    def boxes(self, window: int, boxes: Iterable[Box]) -> None:
        """Draw rectangles of green lines over what a window shows, until others replace them.

        Each is (left, right, top, bottom), as parts of the picture's width and height, from 0 to 1 and from
        its lower left corner. Does nothing for a window that shows nothing.
        """
        checked = _checked_boxes(boxes)
        with self._lock:
            self._check_open()
            wish = self._wishes.get(window)
            if wish is not None and self._link is not None:
                self._wishes[window] = wish = replace(wish, boxes=checked)
                self._link.outline(window, checked, wish)

    def hide(self, window: int) -> None:
        """Draw no more into a window, which is cleared; does nothing for one that shows nothing."""
        with self._lock:
            self._check_open()
            if self._wishes.pop(window, None) is not None and self._link is not None:
                self._link.hide(window)

    def create_window(self, width: int = 600, height: int = 600, *, mapped: bool = True) -> int:
        """Make a black window and return its id: to be shown in, or embedded by a toolkit.

        It belongs to this process, has no event mask, lets the mouse through to what it is embedded in, and
        lasts until `destroy_window`, `close`, or the end of the process. Raises MissingDependency and
        CannotStart where X11 is not to be had.
        """
        with self._lock:
            self._check_open()
            if self._own is None:
                self._own = OwnWindows(self._display_name())
            return self._own.create(width, height, mapped=mapped)

    def destroy_window(self, window: int) -> None:
        """Destroy a window that `create_window` has made; does nothing for others."""
        with self._lock:
            self._check_open()
            self.hide(window)
            if self._own is not None:
                self._own.destroy(window)

    def statistics(self, timeout: float = 2.0) -> dict[int, WindowStatistics]:
        """Return what became of the frames, by window. Empty while nothing is shown.

        Raises TimeoutError if the presenter does not answer within `timeout` seconds, BrokenError if it dies
        meanwhile, ClosedError.
        """
        with self._lock:
            self._check_open()
            link, mine = self._link, set(self._wishes)
        if link is None:
            return {}
        return {window: numbers for window, numbers in link.counts(timeout).items() if window in mine}

    def on_gone(self, callback: Callable[[int], object]) -> Callable[[], None]:
        """Call back with the id of a window that was shown in and is no more, in the site's thread.

        Returns a function that ends it.
        """
        with self._lock:
            self._gone_callbacks.append(callback)

        def forget() -> None:
            with self._lock:
                if callback in self._gone_callbacks:
                    self._gone_callbacks.remove(callback)

        return forget

    def close(self) -> None:
        """Draw no more, and destroy the windows that `create_window` has made; closing twice does nothing."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            link, self._link = self._link, None
            own, self._own = self._own, None
            windows = list(self._wishes)
            self._wishes.clear()
        if link is not None:
            for window in windows:
                link.hide(window)
            link.leave()
        if own is not None:
            own.close()

    def _joined(self) -> Link:
        if self._link is None:
            self._link = Link.join(self._site, self._display_name())
        return self._link

    def _display_name(self) -> str:
        name = self._display or os.environ.get("DISPLAY")
        if not name:
            raise CannotStart(f"windows by their id need X11, and DISPLAY is not set; {QT_INSTEAD}")
        return name

    def _on_gone(self, window: int) -> None:
        with self._lock:
            self._wishes.pop(window, None)
            callbacks = list(self._gone_callbacks)
        for callback in callbacks:
            try:
                callback(window)
            except (Exception, SystemExit):  # SystemExit would end the site's thread, and so the site.
                _log.exception("a callback of a window that is gone failed")

    def _check_open(self) -> None:
        if self._closed:
            raise ClosedError("the screen is closed")


def _check(wish: Wish, window: int) -> None:
    if not isinstance(window, int) or not 0 < window <= _LARGEST_ID:
        raise ValueError(f"{window!r} can't be the id of a window")
    if wish.fit not in get_args(Fit):
        raise ValueError(f"fit {wish.fit!r} is unknown; choose one of {', '.join(get_args(Fit))}")
    if wish.delay_ms is not None and not 0 <= wish.delay_ms <= _LONGEST_DELAY_MS:
        raise ValueError(f"delay_ms {wish.delay_ms!r} must be from 0 to {_LONGEST_DELAY_MS}, or None")
    if not 0 < wish.no_signal_after_s <= _LONGEST_SILENCE_S:
        raise ValueError(f"no_signal_after_s must be above 0 and at most {_LONGEST_SILENCE_S:.0f}")


def _checked_boxes(boxes: Iterable[Box]) -> tuple[Box, ...]:
    checked = []
    for box in boxes:
        left, right, top, bottom = (float(side) for side in box)
        checked.append((left, right, top, bottom))
    return tuple(checked)
