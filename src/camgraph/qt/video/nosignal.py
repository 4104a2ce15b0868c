"""The picture of a stream that shows none: its name, its state in words, and the reason."""

from qtpy.QtCore import QRect, Qt
from qtpy.QtGui import QColor, QFontMetrics, QPainter

from camgraph.client.wording import Message

_BACKGROUND = QColor("#20242a")
_NAME = QColor("#ffffff")
_STATE = QColor("#ffb74d")
_SENTENCE = QColor("#c3c9d1")


def draw_message(painter: QPainter, width: int, height: int, message: Message, scale: float) -> None:
    """Draw a message that fills a tile of `width` × `height` device pixels, whole or with its end elided."""
    painter.fillRect(0, 0, width, height, _BACKGROUND)
    size = max(9.0 * scale, min(16.0 * scale, height / 9))
    margin = round(size / 2)
    font = painter.font()
    font.setPixelSize(round(size))
    font.setBold(True)
    painter.setFont(font)
    metrics = painter.fontMetrics()
    lines = [(line, _NAME) for line in wrap(message.name, metrics, width - 2 * margin, 1)]
    lines += [(line, _STATE) for line in wrap(message.state, metrics, width - 2 * margin, 1)]
    font.setBold(False)
    room = max(0, (height - 2 * margin) // metrics.lineSpacing() - len(lines))
    painter.setFont(font)
    metrics = painter.fontMetrics()
    lines += [(line, _SENTENCE) for line in wrap(message.sentence, metrics, width - 2 * margin, room)]
    top = max(0, (height - len(lines) * metrics.lineSpacing()) // 2)
    for number, (line, color) in enumerate(lines):
        font.setBold(color is not _SENTENCE)
        painter.setFont(font)
        painter.setPen(color)
        place = QRect(margin, top + number * metrics.lineSpacing(), width - 2 * margin, metrics.height())
        painter.drawText(place, Qt.AlignmentFlag.AlignCenter, line)


def wrap(text: str, metrics: QFontMetrics, width: int, lines: int) -> list[str]:
    """Break text into at most `lines` lines of `width` px; what is too much ends in an ellipsis.

    It is broken between words, and within one that is wider than a line.
    """
    wrapped: list[str] = []
    rest = " ".join(text.split())
    while rest and len(wrapped) < lines - 1:
        end = _fitting(rest, metrics, width)
        wrapped.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    if rest and lines > 0:
        wrapped.append(metrics.elidedText(rest, Qt.TextElideMode.ElideRight, width))
    return wrapped


def _fitting(text: str, metrics: QFontMetrics, width: int) -> int:
    """Return how much of the text fits into one line: whole words if there is one, at least a letter."""
    end = len(text)
    while end > 1 and metrics.horizontalAdvance(text[:end].rstrip()) > width:
        space = text.rfind(" ", 0, end - 1)
        end = space + 1 if space >= 0 else end - 1
    return end
