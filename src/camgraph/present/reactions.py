"""What is done when something happens to a window."""

from functools import partial

from camgraph.present.display import Destroyed, Event, Exposed, Mapped, Resized, Served
from camgraph.present.timers import Timers
from camgraph.present.window import Window
from camgraph.present.windows import Windows

SETTLED_S = 0.1
"""A window keeps a size for so long before pictures of that size are asked for."""
AGAIN_S = 0.1
"""A toolkit that is exposed paints its background, maybe after us: then all is drawn once more."""


class Reactions:
    """Draws again, or something else, or nothing any more."""

    def __init__(self, windows: Windows, timers: Timers) -> None:
        self._windows, self._timers = windows, timers

    def react(self, event: Event) -> None:
        """Something has happened to a window."""
        window = None if isinstance(event, Served) else self._windows.get(event.window)
        if window is None:
            return
        match event:
            case Exposed():
                window.redraw()
                self._timers.later("again", window, AGAIN_S, window.redraw)
            case Resized(width=width, height=height) if (width, height) != window.canvas.size:
                window.canvas.size = (width, height)
                window.redraw()
                self._timers.later("settled", window, SETTLED_S, partial(self._settle, window))
            case Mapped(is_mapped=is_mapped) if is_mapped != window.canvas.is_mapped:
                window.canvas.is_mapped = is_mapped
                self._windows.refresh(window)
            case Destroyed():
                self._windows.destroyed(window)

    def _settle(self, window: Window) -> None:
        self._windows.refresh(window)
        # Toolkits paint after a resize, too.
        window.redraw()
