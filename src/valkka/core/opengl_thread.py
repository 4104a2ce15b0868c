"""Showing streams in windows by their id: the part of a program; what draws is a process of its own."""

import logging
import random
import threading
import weakref
from collections.abc import Mapping
from dataclasses import dataclass

from camgraph.base.errors import CamgraphError
from camgraph.present import Screen
from valkka.core.arguments import LARGEST_SLOT, a_or_none, number, text, whole
from valkka.core.constants import DEFAULT_OPENGLTHREAD_BUFFERING_TIME
from valkka.core.contexts import OpenGLFrameFifoContext
from valkka.core.plan import Planner, Way
from valkka.core.runtime import changed, runtime, settle
from valkka.core.thread import Receives

__all__ = ["OpenGLThread"]

_log = logging.getLogger("valkka.opengl")

SHORTEST_BUFFERING_MS = 100
LARGEST_ID = 2**31 - 1
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class _Context:
    """A slot that is shown in a window."""

    slot: int
    window: int
    boxes: tuple[Box, ...] = ()


class OpenGLThread(Receives):
    """Shows pictures in windows of an X display, `msbuftime` ms after they were taken.

    `gl_ctx` is kept for programs that tell it. `x_connection` names the display (empty: as the environment
    says).
    """

    def __init__(
        self,
        name: str,
        gl_ctx: OpenGLFrameFifoContext | None = None,
        msbuftime: int = DEFAULT_OPENGLTHREAD_BUFFERING_TIME,
        x_connection: str = "",
    ) -> None:
        super().__init__(name)
        where = "OpenGLThread"
        gl_ctx = a_or_none(where, "gl_ctx", gl_ctx, OpenGLFrameFifoContext)
        self.gl_ctx = gl_ctx or OpenGLFrameFifoContext()
        self._delay_ms = whole(where, "msbuftime", msbuftime, 0)
        if self._delay_ms < SHORTEST_BUFFERING_MS:
            _log.warning(
                "%r: a buffering time of %d ms may be short: pictures that take longer to arrive are late",
                self,
                self._delay_ms,
            )
        self._display = text(where, "x_connection", x_connection)
        self._static: str | None = None
        self._groups: dict[int, None] = {}
        self._contexts: dict[int, _Context] = {}
        self._screen: Screen | None = None
        self._made: set[int] = set()
        self._shown: dict[int, tuple[str | None, str | None]] = {}
        # Boxes come from the program's threads, what is shown from that which applies changes.
        self._drawing = threading.RLock()
        self._drawn: dict[int, tuple[Box, ...]] = {}

    def __del__(self) -> None:
        # Nobody could stop it later. Whatever this thread is at: another one closes.
        screen = getattr(self, "_screen", None)
        if screen is not None:
            runtime.finally_call(screen.close)

    def createWindow(self, map: bool = True, show: bool = False) -> int:
        """Make a window of 600×600 px, and return its id (0: it can't be made); `map` has it appear."""
        if self._screen is None:
            _log.error("%r makes no windows: it does not run", self)
            return 0
        try:
            window = self._screen.create_window(mapped=bool(map))
        except CamgraphError as error:
            _log.error("%r makes no window: %s", self, error)
            return 0
        self._made.add(window)
        return window

    def makeCurrent(self, window_id: int) -> bool:
        """Tell whether the window is known."""
        window = whole("OpenGLThread.makeCurrent", "window_id", window_id)
        return window in self._groups or window in self._made

    def getVsyncAtStartup(self) -> int:
        """Return 0: nothing here waits for the screen."""
        return 0

    def newRenderGroupCall(self, window_id: int) -> bool:
        """Take up a window; False: it is taken already, or is none."""
        window = whole("OpenGLThread.newRenderGroupCall", "window_id", window_id)
        if window <= 0 or window in self._groups:
            return False
        self._groups[window] = None
        return True

    def delRenderGroupCall(self, window_id: int) -> bool:
        """Let go of a window; False: it was not taken."""
        window = whole("OpenGLThread.delRenderGroupCall", "window_id", window_id)
        if window not in self._groups:
            return False
        self._forget_window(window)
        changed()
        return True

    def newRenderContextCall(self, slot: int, window_id: int, z: int = 0) -> int:
        """Show a slot in a window, and return what `delRenderContextCall` takes; 0: it can't be shown."""
        where = "OpenGLThread.newRenderContextCall"
        slot, window = whole(where, "slot", slot), whole(where, "window_id", window_id)
        whole(where, "z", z)
        if not 1 <= slot <= LARGEST_SLOT or window not in self._groups:
            why = "tell the window first" if 1 <= slot <= LARGEST_SLOT else f"slots are 1 to {LARGEST_SLOT}"
            _log.error("%r can't show slot %d in window %d: %s", self, slot, window, why)
            return 0
        id_ = 0
        while not id_ or id_ in self._contexts:
            id_ = random.randint(1, LARGEST_ID)
        self._contexts[id_] = _Context(slot, window)
        changed()
        return id_

    def delRenderContextCall(self, id: int) -> bool:
        """Show it no longer; False: it was not shown."""
        if self._contexts.pop(whole("OpenGLThread.delRenderContextCall", "id", id), None) is None:
            return False
        changed()
        return True

    def addRectangleCall(self, id: int, left: float, right: float, top: float, bottom: float) -> None:
        """Draw a box into what is shown: shares of its width and height, from the bottom left."""
        where = "OpenGLThread.addRectangleCall"
        box = (
            number(where, "left", left),
            number(where, "right", right),
            number(where, "top", top),
            number(where, "bottom", bottom),
        )
        context = self._contexts.get(whole(where, "id", id))
        if context is not None:
            self._set_boxes(id, context, (*context.boxes, box))

    def clearObjectsCall(self, id: int) -> None:
        """Remove all boxes."""
        context = self._contexts.get(whole("OpenGLThread.clearObjectsCall", "id", id))
        if context is not None:
            self._set_boxes(id, context, ())

    def setStaticTexFile(self, fname: str) -> None:
        """Show this picture (raw YUV 4:2:0 of 1280×720 px) where there is nothing else to be shown."""
        self._static = text("OpenGLThread.setStaticTexFile", "fname", fname)
        changed()

    def infoCall(self) -> None:
        """Print what is shown where."""
        print(
            f"OpenGLThread: {self.name}: {len(self._groups)} windows, {len(self._contexts)} render contexts"
        )
        for id_, context in self._contexts.copy().items():
            stream = self._shown.get(context.window, (None, None))[0]
            print(f"  context {id_}: slot {context.slot} in window {context.window}: {stream or 'no signal'}")

    def receive(self, way: Way, planner: Planner) -> Way | None:
        if way.kind == "pictures" and self._running:
            planner.show(self.label, way)
        return None

    def show(self, routes: Mapping[int, str]) -> None:
        """Show these streams, by slot, where they are wanted."""
        screen = self._screen
        if screen is None or not self._running:
            return
        wanted = {it.window: it for it in self._contexts.copy().values()}
        try:
            for window in [window for window in self._shown.copy() if window not in wanted]:
                self._forget_shown(window)
                screen.hide(window)
            for context in wanted.values():
                self._show(screen, context, routes.get(context.slot))
        except CamgraphError as error:
            _log.error("%r can't show: %s", self, error)

    def waitStopCall(self) -> None:
        """Return when it has stopped; the windows that it has made are gone then."""
        settle()
        if not self._running:
            screen, self._screen = self._screen, None
            self._made.clear()
            if screen is not None:
                screen.close()

    def forget_in_child(self) -> None:
        """In a forked child: it does not run, and has no windows."""
        super().forget_in_child()
        self._drawing = threading.RLock()
        self._forget_all()
        self._screen = None
        self._made.clear()

    def _start(self) -> None:
        left, self._screen = self._screen, None
        if left is not None:
            # It was stopped, and nobody has waited for that.
            left.close()
        screen = Screen(runtime.site, self._display or None)
        try:
            # Windows will be told of: the first picture need not wait for what draws it.
            screen.prepare()
        except CamgraphError as error:
            screen.close()
            raise RuntimeError(f"{self!r} can't be started: {error}") from error
        forget_window = weakref.WeakMethod(self._on_gone)
        screen.on_gone(lambda window: (forget_window() or _nobody)(window))
        self._screen = screen
        runtime.add_screen(self)

    def _stop(self) -> None:
        self._forget_all()

    def _show(self, screen: Screen, context: _Context, stream: str | None) -> None:
        window, what = context.window, (stream, self._static)
        with self._drawing:
            if self._shown.get(window) != what:
                try:
                    screen.show(
                        stream,
                        window,
                        fit="cover",
                        delay_ms=self._delay_ms,
                        boxes=context.boxes,
                        no_signal_picture=self._static,
                    )
                except ValueError as error:
                    _log.error("%r can't show slot %d in window %d: %s", self, context.slot, window, error)
                self._shown[window], self._drawn[window] = what, context.boxes
            # They may be another context's, or have been changed meanwhile.
            self._draw(screen, window)

    def _set_boxes(self, id_: int, context: _Context, boxes: tuple[Box, ...]) -> None:
        self._contexts[id_] = _Context(context.slot, context.window, boxes)
        screen = self._screen
        if screen is not None:
            try:
                with self._drawing:
                    self._draw(screen, context.window)
            except CamgraphError as error:
                _log.error("%r can't draw into window %d: %s", self, context.window, error)

    def _draw(self, screen: Screen, window: int) -> None:
        boxes: tuple[Box, ...] = ()
        for context in self._contexts.copy().values():
            if context.window == window:
                boxes = context.boxes
        if window in self._shown and self._drawn.get(window) != boxes:
            self._drawn[window] = boxes
            screen.boxes(window, boxes)

    def _on_gone(self, window: int) -> None:
        _log.info("%r: window %d is gone", self, window)
        self._forget_window(window)
        self._forget_shown(window)

    def _forget_window(self, window: int) -> None:
        self._groups.pop(window, None)
        for id_ in [id_ for id_, context in self._contexts.copy().items() if context.window == window]:
            self._contexts.pop(id_, None)

    def _forget_shown(self, window: int) -> None:
        self._shown.pop(window, None)
        self._drawn.pop(window, None)

    def _forget_all(self) -> None:
        self._groups.clear()
        self._contexts.clear()
        self._shown.clear()
        self._drawn.clear()


def _nobody(_window: int) -> None:
    """Hear of a window that was shown in by a thread that nobody has any more."""
