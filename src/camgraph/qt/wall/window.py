"""A main window that shows the wall of a site and closes the site with itself."""

from qtpy.QtCore import Signal
from qtpy.QtGui import QCloseEvent
from qtpy.QtWidgets import QMainWindow

from camgraph.client.site import Site
from camgraph.qt.wall.wall import VideoWall


class WallWindow(QMainWindow):
    """Owns its wall; the site is the caller's, and is closed when the window is.

    `closing` is emitted once, before anything is closed.
    """

    closing = Signal()

    def __init__(self, site: Site, title: str, size: tuple[int, int]) -> None:
        super().__init__()
        self.setWindowTitle(title)
        self._site = site
        self._closed = False
        self.wall = VideoWall(site.streams)
        self.setCentralWidget(self.wall)
        self.resize(*size)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        """Close the site, then the window."""
        if not self._closed:
            self._closed = True
            self.closing.emit()
            self._site.close()
        super().closeEvent(event)
