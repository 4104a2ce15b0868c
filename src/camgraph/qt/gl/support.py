"""Whether this program can draw with OpenGL at all."""

import logging
from functools import cache

from qtpy.QtGui import QGuiApplication, QOpenGLContext

_log = logging.getLogger(__name__)

_WITHOUT = {"linuxfb", "minimal", "minimalegl", "offscreen", "vnc"}


@cache
def gl_problem() -> str:
    """Return why OpenGL can't draw into windows; empty: it can. There has to be Qt's application already."""
    platform = QGuiApplication.platformName()
    if platform in _WITHOUT:
        return f"Qt's platform {platform!r} has no OpenGL for widgets"
    if not QOpenGLContext().create():
        return "the display gives no OpenGL context"
    return ""


@cache
def tell_fallback(reason: str) -> None:
    """Log, once for each reason, that pictures are drawn another way."""
    _log.warning("video is drawn without OpenGL: %s", reason)


@cache
def tell_renderer(name: str) -> None:
    """Log, once, what draws: a processor that plays the graphics card takes 20 to 50 ms for each picture."""
    _log.info("OpenGL draws by %s", name)
