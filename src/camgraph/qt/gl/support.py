"""Whether this program can draw with OpenGL at all."""

from functools import cache

from qtpy.QtGui import QGuiApplication, QOpenGLContext

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
