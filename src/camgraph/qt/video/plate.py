"""Letters over a picture, on a plate that keeps them readable; made once for as long as they are the same."""

from qtpy.QtCore import QRect, Qt
from qtpy.QtGui import QColor, QFontMetrics, QImage, QPainter

from camgraph.qt.video.view import Size

_PLATE = QColor(0, 0, 0, 160)
_LETTERS = QColor("#ffffff")
_LETTER_PX = 12
_MARGIN_PX = 4


class Plate:
    """Lines of text as an image; what is too wide is elided, lines that do not fit are left out."""

    def __init__(self) -> None:
        self._key: object = None
        self._image = QImage()

    def image(self, lines: tuple[str, ...], tile: Size, scale: float, painter: QPainter) -> QImage:
        """Return the image for a tile of so many device pixels; it may be of no size."""
        key = lines, tile, scale
        if key != self._key:
            self._key, self._image = key, _drawn(lines, tile, scale, painter)
        return self._image


def _drawn(lines: tuple[str, ...], tile: Size, scale: float, painter: QPainter) -> QImage:
    font = painter.font()
    font.setPixelSize(round(_LETTER_PX * scale))
    metrics = QFontMetrics(font)
    margin, height = round(_MARGIN_PX * scale), metrics.height()
    fitting = lines[: max(0, (tile[1] - margin) // height)]
    room = tile[0] - 2 * margin
    texts = [metrics.elidedText(line, Qt.TextElideMode.ElideRight, room) for line in fitting]
    if not any(texts) or room <= 0:
        return QImage()
    width = max(metrics.horizontalAdvance(text) for text in texts) + 2 * margin
    image = QImage(width, len(texts) * height + margin, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(_PLATE)
    on_image = QPainter(image)
    on_image.setFont(font)
    on_image.setPen(_LETTERS)
    for number, text in enumerate(texts):
        place = QRect(margin, margin // 2 + number * height, width - margin, height)
        on_image.drawText(place, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)
    on_image.end()
    return image
