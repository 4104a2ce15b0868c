"""A program's end of one presenter: what all its screens want, told again to each that is started."""

import logging
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

from camgraph.base.errors import CamgraphError
from camgraph.client.site import Site
from camgraph.present.display import Display
from camgraph.present.placing import Box
from camgraph.present.presenter import Presenter
from camgraph.present.wishes import WindowStatistics, Wish
from camgraph.process.front import FrontEnd

_log = logging.getLogger(__name__)

_links: dict[Site, dict[str, "Link"]] = {}
_making = threading.RLock()
"""A finalizer may close a screen anywhere."""


class Link:
    """The wishes of a program for one display of one site; the presenter is started with the first."""

    def __init__(self, site: Site, display: str) -> None:
        self._site, self._display = site, display
        self._lock = threading.RLock()
        self._wishes: dict[int, Wish] = {}
        self._listeners: dict[int, Callable[[int], None]] = {}
        self._front: FrontEnd | None = None
        self._screens = 0
        self._forget_site = site.on_close(self._on_site_close)

    @classmethod
    def join(cls, site: Site, display: str) -> "Link":
        """Return the link that all screens of a site and a display share; `leave` it at the end."""
        with _making:
            links = _links.setdefault(site, {})
            link = links.get(display)
            if link is None:
                link = links[display] = cls(site, display)
            link._screens += 1
            return link

    def leave(self) -> None:
        """End the presenter with the last screen, without waiting for it."""
        with _making:
            self._screens -= 1
            if self._screens:
                return
            self._drop()
        self._forget_site()
        with self._lock:
            front, self._front = self._front, None
        if front is not None:
            front.close(wait=False)

    def prepare(self) -> None:
        """Start the presenter, if it does not run; raises as `show`."""
        with self._lock:
            self._started()

    def show(self, window: int, wish: Wish, on_gone: Callable[[int], None]) -> None:
        """Have a window show something; raises MissingDependency, CannotStart, ClosedError."""
        with self._lock:
            # Before anything is kept: where there is no display, nothing was wanted.
            self._started()
            self._wishes[window] = wish
            self._listeners[window] = on_gone
            self._tell()

    def outline(self, window: int, boxes: tuple[Box, ...], wish: Wish) -> None:
        """Draw boxes over what a window shows; `wish` has them, too."""
        with self._lock:
            if window in self._wishes:
                self._wishes[window] = wish
                if self._front is not None:
                    cast(Any, self._front).outline(window, boxes)

    def hide(self, window: int) -> None:
        """Have a window show nothing; does nothing for one that is not known."""
        with self._lock:
            self._listeners.pop(window, None)
            if self._wishes.pop(window, None) is not None:
                with suppress(CamgraphError):
                    self._tell()

    def counts(self, timeout: float) -> dict[int, WindowStatistics]:
        """Return the numbers of all windows; empty: nothing is shown."""
        with self._lock:
            front = self._front
        if front is None:
            return {}
        found: dict[int, WindowStatistics] = cast(Any, front).counts().result(timeout)
        return found

    def _drop(self) -> None:
        known = _links.get(self._site, {})
        if known.get(self._display) is self:
            del known[self._display]
        if not known:
            _links.pop(self._site, None)

    def _on_site_close(self) -> None:
        # The site ends the presenter itself.
        self._front = None
        with _making:
            self._drop()

    def _started(self) -> None:
        if self._front is not None and self._front.alive:
            return
        # Here as well as there: the program is told at once, and by an exception.
        Display(self._display).close()
        authority = os.environ.get("XAUTHORITY")
        front: Any = self._site.spawn(Presenter, self._site.name, self._display, authority)
        self._front = front
        front.gone.connect(self._on_gone)
        front.display_lost.connect(self._on_display_lost)
        front.ready.connect(lambda: self._tell_again(front))
        front.exited.connect(lambda how: self._on_exited(front, how))

    def _tell(self) -> None:
        if self._front is not None:
            cast(Any, self._front).desire(dict(self._wishes))

    def _tell_again(self, front: FrontEnd) -> None:
        """Another process runs, and knows nothing."""
        with self._lock, suppress(CamgraphError):
            if self._front is front:
                self._tell()

    def _on_gone(self, window: int) -> None:
        with self._lock:
            self._wishes.pop(window, None)
            listener = self._listeners.pop(window, None)
        if listener is not None:
            listener(window)

    def _on_exited(self, front: FrontEnd, how: str) -> None:
        """Start another one when nobody here wanted that: a SIGTERM of somebody's has ended it."""
        with self._lock:
            if self._front is not front:
                return
            self._front = None
            if self._wishes:
                _log.warning("the presenter has ended: %s; another one is started", how)
                with suppress(CamgraphError, OSError):
                    self._started()
                    self._tell()

    def _on_display_lost(self, reason: str) -> None:
        _log.error("nothing is shown any more: %s", reason)
        with self._lock:
            self._front = None
            windows = list(self._wishes)
        for window in windows:
            self._on_gone(window)


def _in_child() -> None:
    global _making
    _making = threading.RLock()  # Another thread may have held it.


os.register_at_fork(after_in_child=_in_child)
