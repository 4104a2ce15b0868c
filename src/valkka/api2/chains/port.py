"""Places where pictures go."""

__all__ = ["BitmapPort", "ViewPort"]

from typing import Any, ClassVar

from valkka.api2.tools import parameterInitCheck


class ViewPort:
    """A window, and the X screen it is on."""

    parameter_defs: ClassVar[dict[str, Any]] = {"window_id": (int, 0), "x_screen_num": (int, 0)}

    window_id: int
    x_screen_num: int

    def __init__(self, **kwargs: Any) -> None:
        parameterInitCheck(self.parameter_defs, kwargs, self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.window_id:#x} on screen {self.x_screen_num}>"

    def getWindowId(self) -> int:
        """Return the window's id."""
        return self.window_id

    def setWindowId(self, window_id: int) -> None:
        """Say which window it is."""
        self.window_id = window_id

    def getXScreenNum(self) -> int:
        """Return the number of the X screen."""
        return self.x_screen_num

    def setXScreenNum(self, x_screen_num: int) -> None:
        """Say on which X screen it is."""
        self.x_screen_num = x_screen_num


class BitmapPort(ViewPort):
    """A place of a size, in px."""

    parameter_defs: ClassVar[dict[str, Any]] = {
        **ViewPort.parameter_defs,
        "width": (int, 0),
        "height": (int, 0),
    }

    width: int
    height: int

    def getWidth(self) -> int:
        """Return the width."""
        return self.width

    def getHeight(self) -> int:
        """Return the height."""
        return self.height
