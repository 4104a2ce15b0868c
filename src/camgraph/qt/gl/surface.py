"""A widget that covers another and draws in its place, with OpenGL."""

import logging
from collections.abc import Callable

from qtpy.QtCore import QEvent, QObject, Qt, QTimer
from qtpy.QtGui import QOpenGLContext, QPainter, QPaintEvent
from qtpy.QtOpenGLWidgets import QOpenGLWidget
from qtpy.QtWidgets import QWidget

from camgraph.qt.gl.drawing import PlanesDrawer
from camgraph.qt.video.view import Affine, Size
from camgraph.ring.frame import Frame

_log = logging.getLogger(__name__)


class GlSurface(QOpenGLWidget):
    """Covers `host` below its other children, and has it paint by `paint`; the mouse is the host's.

    `on_failure` is called once, from the event loop, with the reason if OpenGL fails. Nothing is raised in
    Qt's callbacks: an exception there would end the program.
    """

    def __init__(
        self, host: QWidget, paint: Callable[[QPainter], None], on_failure: Callable[[str], None]
    ) -> None:
        super().__init__(host)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._paint, self._on_failure = paint, on_failure
        self._drawer: PlanesDrawer | None = None
        self._failed = False
        self.setGeometry(host.rect())
        host.installEventFilter(self)
        self.lower()
        self.show()

    def draw(self, painter: QPainter, frame: Frame, to_tile: Affine, source: Size, tile: Size) -> None:
        """Fill a tile with a yuv420p frame and black bars; called by `paint`."""
        if self._drawer is None:
            return
        if max(frame.width, frame.height) > self._drawer.max_side_px:
            self._fail(f"pictures of {frame.width}x{frame.height} are too large for it")
            return
        painter.beginNativePainting()
        try:
            self._drawer.draw(frame, to_tile, source, tile)
        finally:
            painter.endNativePainting()

    def initializeGL(self) -> None:  # noqa: D102, N802
        # Comes again, with another context, when the widget goes into another window.
        try:
            context = self.context()
            self._drawer = _made_for(context)
        except Exception as error:
            self._fail(str(error))

    def paintGL(self) -> None:  # noqa: D102, N802
        if self._failed:
            return
        painter = QPainter(self)
        try:
            self._paint(painter)
        except Exception as error:
            _log.exception("OpenGL")
            self._fail(str(error))
        finally:
            painter.end()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: D102, N802
        super().paintEvent(event)
        if not self.isValid():
            self._fail("Qt has no context for the widget")

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: D102, N802
        if event.type() == QEvent.Type.Resize and isinstance(watched, QWidget):
            self.setGeometry(watched.rect())
        return False

    def _fail(self, reason: str) -> None:
        if not self._failed:
            self._failed = True
            on_failure = self._on_failure
            QTimer.singleShot(0, lambda: on_failure(reason))


def _made_for(context: QOpenGLContext) -> PlanesDrawer:
    """Return a drawer that is released with its context, or before it."""
    drawer, surface = PlanesDrawer(context), context.surface()

    def release() -> None:
        try:
            if context.makeCurrent(surface):
                drawer.release()
                context.doneCurrent()
        except Exception:
            _log.exception("OpenGL")

    context.aboutToBeDestroyed.connect(release)
    return drawer
