"""A widget that covers another and draws in its place, with OpenGL."""

import logging
import weakref
from collections.abc import Callable
from typing import cast

from qtpy.QtCore import QEvent, QObject, Qt, QTimer
from qtpy.QtGui import QPainter, QPaintEvent
from qtpy.QtOpenGLWidgets import QOpenGLWidget
from qtpy.QtWidgets import QWidget

from camgraph.qt.gl.drawing import PlanesDrawer
from camgraph.qt.gl.support import gl_problem, tell_fallback, tell_renderer
from camgraph.qt.video.scene import Scene
from camgraph.qt.video.view import Affine, Size
from camgraph.ring.frame import Frame

_log = logging.getLogger(__name__)


class GlSurface(QOpenGLWidget):
    """Covers `host`, below its other children, and has `paint` paint there, until `leave`.

    The mouse is the host's, and the pictures of `scene` are drawn here. `on_failure` is called, from the
    event loop, when OpenGL has failed. All are referred to weakly, the callbacks being methods: they own
    this. Nothing is raised in Qt's callbacks: an exception there would end the program.
    """

    def __init__(
        self,
        host: QWidget,
        scene: Scene,
        paint: Callable[[QPainter], None],
        on_failure: Callable[[], None],
    ) -> None:
        super().__init__(host)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._paint, self._on_failure = weakref.WeakMethod(paint), weakref.WeakMethod(on_failure)
        self._drawer: PlanesDrawer | None = None
        self._failure = ""
        self._scene = weakref.ref(scene)
        self._failed = QTimer(self)
        self._failed.setSingleShot(True)
        self._failed.timeout.connect(self._tell)
        self.setGeometry(host.rect())
        host.installEventFilter(self)
        # A frame is painted here only: what is painted below would be uploaded each time.
        scene.changed.disconnect(host.update)
        scene.changed.connect(self.update)
        scene.paint_planes_by(self._draw)
        self.lower()
        self.show()

    def leave(self) -> None:
        """Have the scene painted into its own widget, as before; this is deleted."""
        scene, host = self._scene(), cast(QWidget, self.parent())
        if scene is not None:
            scene.changed.disconnect(self.update)
            scene.changed.connect(host.update)
            scene.paint_planes_by(None)
        host.removeEventFilter(self)
        self._release()
        self.hide()
        self.deleteLater()

    def _draw(self, painter: QPainter, frame: Frame, to_tile: Affine, source: Size, tile: Size) -> None:
        if self._drawer is None:
            return
        if max(frame.width, frame.height) > self._drawer.max_side_px:
            self._fail(f"pictures of {frame.width}x{frame.height} are too large for it")
            return
        painter.beginNativePainting()
        try:
            self._drawer.draw(frame, to_tile, source, tile)
        except Exception as error:
            _log.exception("OpenGL")
            self._fail(str(error))
        finally:
            painter.endNativePainting()

    def initializeGL(self) -> None:  # noqa: D102, N802
        # Comes again, with another context, when the widget goes into another window.
        try:
            context = self.context()
            context.aboutToBeDestroyed.connect(self._release)
            self._drawer = PlanesDrawer(context)
            tell_renderer(self._drawer.renderer)
        except Exception as error:
            self._fail(str(error))

    def paintGL(self) -> None:  # noqa: D102, N802
        paint = self._paint()
        if self._failure or paint is None:
            return
        painter = QPainter(self)
        try:
            paint(painter)
        except Exception:
            _log.exception("OpenGL")
            self._fail("painting has failed")
        finally:
            painter.end()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: D102, N802
        if self.visibleRegion().isEmpty():
            return  # Qt would paint it all the same, scrolled out or covered as it is.
        super().paintEvent(event)
        if not self.isValid():
            self._fail("Qt has no context for the widget")

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: D102, N802
        if event.type() == QEvent.Type.Resize and isinstance(watched, QWidget):
            self.setGeometry(watched.rect())
        elif event.type() == QEvent.Type.DeferredDelete:
            # Afterwards it would be too late; the window, and its memory, may live much longer.
            self._release()
        return False

    def _release(self) -> None:
        drawer, self._drawer = self._drawer, None
        if drawer is None:
            return
        try:
            self.makeCurrent()
            drawer.release()
            self.doneCurrent()
        except RuntimeError:
            # The window is being deleted: PySide6 has forgotten the widget already, and all goes anyway.
            _log.debug("OpenGL", exc_info=True)
        except Exception:
            _log.exception("OpenGL")

    def _fail(self, reason: str) -> None:
        if not self._failure:
            self._failure = reason
            self._failed.start(0)

    def _tell(self) -> None:
        if (on_failure := self._on_failure()) is not None:
            tell_fallback(self._failure)
            on_failure()


def surface_for(
    host: QWidget, scene: Scene, paint: Callable[[QPainter], None], on_failure: Callable[[], None]
) -> GlSurface | None:
    """Return what draws for a widget with OpenGL; None where that can't be had: the log tells why."""
    if problem := gl_problem():
        tell_fallback(problem)
        return None
    return GlSurface(host, scene, paint, on_failure)
