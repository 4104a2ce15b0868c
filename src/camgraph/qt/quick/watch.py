"""Which items of a window can be seen: looked at soon after something may have moved."""

import weakref
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, QPointF, QRectF, Qt, QTimer
from qtpy.QtGui import QWindow
from qtpy.QtQuick import QQuickItem, QQuickRenderControl, QQuickWindow

if TYPE_CHECKING:
    from camgraph.qt.quick.item import VideoItem

AGAIN_MS = 100
"""How long after a frame was drawn it is looked again."""


class WindowWatch(QObject):
    """Has the items of a window look whether they are seen; it goes with the window."""

    def __init__(self, window: QQuickWindow) -> None:
        super().__init__(window)
        self._items: weakref.WeakSet[VideoItem] = weakref.WeakSet()
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._look)
        # What scrolls, or comes to the screen, has frames drawn; what is minimised has none drawn any more.
        window.afterAnimating.connect(self.look_again)
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

    def look_now(self) -> None:
        """Look in this turn of the event loop, when all that changes has changed."""
        self._soon.start(0)

    def look_again(self) -> None:
        """Look when some time has passed."""
        if not self._soon.isActive():
            self._soon.start(AGAIN_MS)

    def _look(self) -> None:
        for item in list(self._items):
            try:
                item.look()
            except RuntimeError:  # QML has deleted it.
                self._items.discard(item)


def is_seen(item: QQuickItem, window: QQuickWindow) -> bool:
    """Tell whether some of an item is within its window, what clips it, and the screen."""
    # PyQt6 returns where in it, too.
    told: Any = QQuickRenderControl.renderWindowFor(window)
    shown = (told[0] if isinstance(told, tuple) else told) or window
    if not item.isVisible() or not window.isVisible() or not shown.isExposed():
        return False
    if shown.visibility() == QWindow.Visibility.Minimized:  # Not every platform hides it from itself.
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
