"""Where windows are on the screens that there are."""

from qtpy.QtCore import QRect
from qtpy.QtGui import QGuiApplication, QScreen


def screen_named(name: str) -> QScreen | None:
    """Return a screen by its name, or else the primary one; None: there is none at all."""
    found = next((screen for screen in QGuiApplication.screens() if screen.name() == name), None)
    return found or QGuiApplication.primaryScreen()


def on_a_screen(window: QRect) -> bool:
    """Tell whether the middle of a window can be seen."""
    return any(screen.geometry().contains(window.center()) for screen in QGuiApplication.screens())


def fitted(window: QRect, area: QRect) -> QRect:
    """Return a window no larger than an area, and moved into it."""
    width, height = min(window.width(), area.width()), min(window.height(), area.height())
    left = min(max(window.x(), area.x()), area.x() + area.width() - width)
    top = min(max(window.y(), area.y()), area.y() + area.height() - height)
    return QRect(left, top, width, height)
