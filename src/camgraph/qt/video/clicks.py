"""A click on a widget."""

from qtpy.QtCore import Qt
from qtpy.QtGui import QMouseEvent

from camgraph.qt.video.tools import Tool


class Clicks(Tool):
    """Has the widget emit `clicked` and `double_clicked`, for the left button."""

    def press(self, event: QMouseEvent) -> bool:
        """Take the left button."""
        return event.button() == Qt.MouseButton.LeftButton

    def release(self, event: QMouseEvent) -> bool:
        """Emit, if it is released on the widget."""
        if event.button() != Qt.MouseButton.LeftButton:
            return False
        if self.widget.rect().contains(event.position().toPoint()):
            self.widget.clicked.emit(self.widget.stream_name)
        return True

    def double_click(self, event: QMouseEvent) -> bool:
        """Emit; it is a press as well."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.widget.double_clicked.emit(self.widget.stream_name)
        return False
