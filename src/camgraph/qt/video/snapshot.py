"""What a widget shows, as an image."""

from typing import TYPE_CHECKING

from qtpy.QtGui import QImage, QPainter

if TYPE_CHECKING:
    from camgraph.qt.video.widget import VideoWidget


def seen(widget: "VideoWidget") -> QImage:
    """Return what the widget shows now, in device pixels, with what is drawn over the picture."""
    scale = widget.devicePixelRatioF()
    width, height = round(widget.width() * scale), round(widget.height() * scale)
    image = QImage(width, height, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    try:
        painter.setFont(widget.font())
        widget._scene.paint(painter, width, height, scale)
    finally:
        painter.end()
    image.setDevicePixelRatio(scale)
    return image
