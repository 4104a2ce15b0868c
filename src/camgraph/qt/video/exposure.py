"""Whether anybody can see a widget: nothing is read for one that is covered or scrolled out."""

from typing import cast

from qtpy.QtCore import QObject, QTimer
from qtpy.QtWidgets import QWidget

from camgraph.qt.ending import when_destroyed
from camgraph.qt.video.covered import CoverOfOne
from camgraph.qt.video.scene import Scene

SURE_MS = 200
"""A widget that was not seen for that long is not seen: windows come and go while they are arranged."""


class Exposure(QObject):
    """Has a scene look while its widget is painted, and look away when that can't be seen.

    Qt tells of widgets that are hidden, and not of those that lie under others or are scrolled out: it just
    does not paint them. So it is looked at only when pictures are not followed by paint events; for each one
    nothing is done but to count, by the player. Under another program's window Qt goes on painting: there the
    X server is asked to tell. The paint event of a widget that comes back brings its pictures back.
    """

    def __init__(self, widget: QWidget, scene: Scene) -> None:
        super().__init__(widget)
        self._scene = scene
        self._looks = False
        self._doubt = QTimer(self)
        self._doubt.setSingleShot(True)
        self._doubt.setInterval(SURE_MS)
        self._doubt.timeout.connect(self._decide)
        self._covers = covers = CoverOfOne(self._on_cover)
        when_destroyed(self, covers.leave)
        scene.unpainted.connect(self._doubt_it)

    def painted(self, width: int, height: int) -> None:
        """Be told of each paint event, and of how many device pixels the widget has."""
        if self._looks or self._begins():
            self._scene.look(width, height)

    def hidden(self) -> None:
        """Be told that the widget, or its window, was hidden."""
        self._look_away()
        self._covers.leave()

    def _begins(self) -> bool:
        self._covers.enter(self._widget.window().windowHandle())
        self._looks = not self._covers.all
        return self._looks

    @property
    def _widget(self) -> QWidget:
        return cast(QWidget, self.parent())

    def _look_away(self) -> None:
        self._looks = False
        self._doubt.stop()
        self._scene.look_away()

    def _doubt_it(self) -> None:
        if self._looks and not self._doubt.isActive():
            self._doubt.start()

    def _on_cover(self) -> None:
        if self._covers.all:
            self._doubt.start()
        else:
            self._widget.update()

    def _decide(self) -> None:
        if self._covers.all or (self._scene.misses and not can_be_seen(self._widget)):
            self._look_away()


def can_be_seen(widget: QWidget) -> bool:
    """Tell whether Qt would paint a widget; other programs' windows may cover it all the same."""
    window = widget.window()
    handle = window.windowHandle()
    if window.isMinimized() or (handle is not None and not handle.isExposed()):
        return False
    return not widget.visibleRegion().isEmpty()
