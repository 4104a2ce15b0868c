"""What the mouse and keys do in a widget: tools, of which the first that takes an event has it."""

from typing import TYPE_CHECKING, cast

from qtpy.QtCore import QObject
from qtpy.QtGui import QKeyEvent, QMouseEvent, QWheelEvent

if TYPE_CHECKING:
    from camgraph.qt.video.widget import VideoWidget


class Tool(QObject):
    """Takes events of a widget; each method tells whether it has taken it. By itself it takes none.

    Who takes a press gets the moves and the release after it.
    """

    def __init__(self, widget: "VideoWidget") -> None:
        super().__init__(widget)

    @property
    def widget(self) -> "VideoWidget":
        """The widget; not kept, or it would not end when the program forgets it."""
        return cast("VideoWidget", self.parent())

    def press(self, event: QMouseEvent) -> bool:
        """A button was pressed."""
        return False

    def move(self, event: QMouseEvent) -> bool:
        """The mouse was moved, with a button down or without."""
        return False

    def release(self, event: QMouseEvent) -> bool:
        """A button was released."""
        return False

    def let_go(self) -> None:
        """It had taken a press, and no release will come: the widget was hidden."""

    def double_click(self, event: QMouseEvent) -> bool:
        """A button was pressed for the second time."""
        return False

    def wheel(self, event: QWheelEvent) -> bool:
        """The wheel was turned."""
        return False

    def key(self, event: QKeyEvent) -> bool:
        """A key was pressed while the widget has the focus."""
        return False
