"""What is done when something happens to a window."""

from functools import partial

from camgraph.present.display import Display, Event, Served
from camgraph.present.timers import Timers
from camgraph.present.window import Window
from camgraph.present.windows import Windows
from camgraph.x11.events import Covered, Destroyed, Exposed, Moved, Resized

SETTLED_S = 0.1
"""A window keeps a size for so long before pictures of that size are asked for."""
AGAIN_S = 0.1
"""A toolkit that is exposed paints its background, maybe after us: then all is drawn once more."""


class Reactions:
    """Draws again, or something else, or nothing any more."""

    def __init__(self, hearing: Display, windows: Windows, timers: Timers) -> None:
        """`hearing` tells what happens."""
        self._hearing, self._windows, self._timers = hearing, windows, timers

    def react(self) -> None:
        """React to all that has happened; raises BrokenError when the server is gone."""
        self._hearing.flush()
        moved = True
        while moved:
            moved = False
            for event in self._hearing.events():
                moved = moved or isinstance(event, Moved)
                self._react_to(event)
            if moved:
                # Once, however many; with the answers more may have come.
                self._windows.look_again()

    def _react_to(self, event: Event) -> None:
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
            case Covered(is_covered=is_covered):
                self._windows.cover(window, is_covered)
            case Destroyed():
                self._windows.destroyed(window)

    def _settle(self, window: Window) -> None:
        self._windows.refresh(window)
        # Toolkits paint after a resize, too.
        window.redraw()
