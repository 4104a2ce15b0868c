"""A frame around the widget that has the keyboard's attention."""

from qtpy.QtCore import Qt
from qtpy.QtGui import QColor, QFocusEvent, QPainter, QPalette, QPen

from camgraph.qt.video.view import Size

_LINE_PX = 3
_BY_KEYBOARD = (
    Qt.FocusReason.TabFocusReason,
    Qt.FocusReason.BacktabFocusReason,
    Qt.FocusReason.ShortcutFocusReason,
)


def by_keyboard(event: QFocusEvent, before: bool) -> bool:
    """Tell whether the focus came by the keyboard; `before`: what was told the last time.

    Who clicks knows where. Who comes from another window, or closes a menu, finds it as it was.
    """
    if event.reason() in (Qt.FocusReason.ActiveWindowFocusReason, Qt.FocusReason.PopupFocusReason):
        return before
    return event.reason() in _BY_KEYBOARD


def draw_frame(painter: QPainter, tile: Size, scale: float, palette: QPalette) -> None:
    """Draw the frame along the edges of a tile, in device pixels, dark within bright for any picture."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    bright = round(_LINE_PX * scale)
    for color, width, inset in (
        (palette.color(QPalette.ColorRole.Highlight), bright, 0),
        (QColor(0, 0, 0), round(scale), bright),
    ):
        pen = QPen(color, width)
        pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
        painter.setPen(pen)
        edge = inset + width // 2
        painter.drawRect(edge, edge, tile[0] - 2 * inset - width, tile[1] - 2 * inset - width)
