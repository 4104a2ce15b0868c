"""A window with a wall in it."""

from collections.abc import Iterable, Mapping

from qtpy.QtCore import QEvent, QRect, Qt, QTimer, Signal
from qtpy.QtGui import QAction, QCloseEvent, QGuiApplication, QKeyEvent, QKeySequence
from qtpy.QtWidgets import QMainWindow

from camgraph.client.streams import LiveStream
from camgraph.qt.wall.screens import fitted, on_a_screen
from camgraph.qt.wall.wall import VideoWall


class WallWindow(QMainWindow):
    """A window that is filled by `wall`, a `VideoWall` of the streams; F11 and Esc are for full screen.

    Does not close the site. Where its screen goes it comes to another one.
    """

    closing = Signal()
    """The window is being closed; emitted once, before it is."""

    def __init__(
        self,
        streams: Mapping[str, LiveStream] | Iterable[LiveStream],
        title: str = "",
        size: tuple[int, int] = (1280, 720),
    ) -> None:
        super().__init__()
        self.setWindowTitle(title)
        self._closed = False
        self._normal: QRect | None = None
        """Where it was before it had the whole screen."""
        self._was_maximized = False
        self.wall = VideoWall(streams)
        self.setCentralWidget(self.wall)
        self.full_screen_action = QAction(self.tr("Full Screen"), self)
        """For menus of the program."""
        self.full_screen_action.setCheckable(True)
        self.full_screen_action.setShortcut(QKeySequence(Qt.Key.Key_F11))
        self.full_screen_action.triggered.connect(self.set_full_screen)
        self.addAction(self.full_screen_action)
        self.wall.menu_actions.append(self.full_screen_action)
        self.resize(*size)
        self._coming_back = QTimer(self)
        self._coming_back.setSingleShot(True)
        self._coming_back.timeout.connect(self._come_back)
        application = QGuiApplication.instance()
        if isinstance(application, QGuiApplication):
            application.screenRemoved.connect(self._on_screen_removed)

    @property
    def full_screen(self) -> bool:
        """Whether it has a whole screen."""
        return self._normal is not None

    def set_full_screen(self, full_screen: bool) -> None:
        """Show it on the whole of the screen it is on, or as it was before."""
        self.full_screen_action.setChecked(full_screen)
        if full_screen == self.full_screen:
            return
        if full_screen:
            self._normal, self._was_maximized = self.normal_geometry, self.isMaximized()
            # Where X11 has no window manager nobody else gives it the size.
            self.setGeometry(self.screen().geometry())
            self.showFullScreen()
            return
        normal, self._normal = self.normal_geometry, None
        if self._was_maximized:
            self.showMaximized()
        else:
            self.showNormal()
            self.setGeometry(normal)

    @property
    def normal_geometry(self) -> QRect:
        """Where it is without its frame, or was before it was maximized or had the whole screen."""
        if self._normal is not None:
            return self._normal
        return self.normalGeometry() if self.isMaximized() else self.geometry()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: D102, N802
        if event.key() == Qt.Key.Key_Escape and self.full_screen:
            self.set_full_screen(False)
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:  # noqa: D102, N802
        super().changeEvent(event)
        if event.type() == QEvent.Type.WindowStateChange and self.full_screen and not self.isFullScreen():
            # By the window manager, or by the program.
            self._normal = None
            self.full_screen_action.setChecked(False)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: D102, N802
        if not self._closed:
            self._closed = True
            self.closing.emit()
        super().closeEvent(event)

    def _on_screen_removed(self, _screen: object) -> None:
        # Qt, and a window manager if there is one, come first.
        self._coming_back.start(0)

    def _come_back(self) -> None:
        """Be where somebody can see it."""
        screen = QGuiApplication.primaryScreen()
        if screen is None or on_a_screen(self.geometry()):
            return
        if self._normal is not None:
            self._normal = fitted(self._normal, screen.availableGeometry())
            self.setGeometry(screen.geometry())
        else:
            self.setGeometry(fitted(self.geometry(), screen.availableGeometry()))
