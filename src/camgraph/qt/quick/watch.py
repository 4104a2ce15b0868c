"""Which items of a window can be seen: looked at soon after something may have moved."""

import time
import weakref
from typing import TYPE_CHECKING, Any, cast

from qtpy.QtCore import QObject, QPointF, QRectF, Qt, QTimer
from qtpy.QtGui import QWindow
from qtpy.QtQuick import QQuickItem, QQuickRenderControl, QQuickWindow

from camgraph.qt.ending import when_destroyed
from camgraph.qt.video.covered import CoverOfOne

if TYPE_CHECKING:
    from camgraph.qt.quick.item import VideoItem

AGAIN_MS = 100
"""How long after a frame was drawn it is looked again."""
UNDRAWN_NS = 500_000_000
"""A window that is asked to draw, and does not for so long, is not on the screen."""


class WindowWatch(QObject):
    """Has the items of a window look whether they are seen; it goes with the window."""

    def __init__(self, window: QQuickWindow) -> None:
        super().__init__(window)
        self._around: QWindow | None = None
        self._items: weakref.WeakSet[VideoItem] = weakref.WeakSet()
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._look)
        self._asked_ns = 0
        """Since when a frame is waited for; 0: it is not."""
        self._covers = covers = CoverOfOne(self.look_now)
        when_destroyed(self, covers.leave)
        window.afterAnimating.connect(self._on_frame)
        window.visibilityChanged.connect(self.look_now)
        window.screenChanged.connect(self.look_now)

    @classmethod
    def of(cls, window: QQuickWindow) -> "WindowWatch":
        """Return the watch of a window."""
        found = window.findChild(cls, options=Qt.FindChildOption.FindDirectChildrenOnly)
        return cls(window) if found is None else found

    def join(self, item: "VideoItem") -> None:
        """Have an item look."""
        self._items.add(item)
        self.look_now()

    def leave(self, item: "VideoItem") -> None:
        """Have it look no more."""
        self._items.discard(item)

    def ask(self) -> None:
        """Hear that an item has something else to draw."""
        self._asked_ns = self._asked_ns or time.monotonic_ns()
        self._look_again()

    def look_now(self) -> None:
        """Look in this turn of the event loop, when all that changes has changed."""
        self._soon.start(0)

    def _on_frame(self) -> None:
        # What scrolls, or comes to the screen, has frames drawn.
        self._asked_ns = 0
        self._look_again()

    def _look_again(self) -> None:
        if not self._soon.isActive():
            self._soon.start(AGAIN_MS)

    def _look(self) -> None:
        is_drawn = self._is_drawn()
        for item in list(self._items):
            try:
                item.look(is_drawn)
            except RuntimeError:  # QML has deleted it.
                self._items.discard(item)

    def _is_drawn(self) -> bool:
        if self._asked_ns and time.monotonic_ns() - self._asked_ns >= UNDRAWN_NS:
            return False
        # A QQuickWidget's own window is shown nowhere; PyQt6 returns where in the other it is, too.
        window = cast(QQuickWindow, self.parent())
        told: Any = QQuickRenderControl.renderWindowFor(window)
        around = told[0] if isinstance(told, tuple) else told
        if around is not self._around:
            self._covers.leave()
            self._around = around
            if around is not None:
                around.visibilityChanged.connect(self.look_now)
        shown = around or window
        if not _is_shown(shown) or (around is None and not window.isExposed()):
            self._covers.leave()
            return False
        self._covers.enter(shown)
        return not self._covers.all


def is_seen(item: QQuickItem, window: QQuickWindow) -> bool:
    """Tell whether some of an item is within its window, and what clips it; the window is shown."""
    if not item.isVisible():
        return False
    rect = QRectF(0, 0, item.width(), item.height())
    one = item
    while True:
        if one.opacity() == 0:
            return False
        if one.clip():
            rect = rect.intersected(QRectF(0, 0, one.width(), one.height()))
        parent = one.parentItem()
        if parent is None:
            break
        rect = one.mapRectToItem(parent, rect)
        one = parent
    return not rect.intersected(QRectF(QPointF(), window.size().toSizeF())).isEmpty()


def _is_shown(window: QWindow) -> bool:
    # Not every platform hides from a minimised window itself.
    return window.isVisible() and window.visibility() != QWindow.Visibility.Minimized
