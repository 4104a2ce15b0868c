"""What keys do in a wall."""

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt

if TYPE_CHECKING:
    from camgraph.qt.wall.wall import VideoWall

_STEPS: dict[int, tuple[int, int]] = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}
_PAGES: dict[int, int] = {Qt.Key.Key_PageUp: -1, Qt.Key.Key_PageDown: 1}


def take_key(wall: "VideoWall", key: int) -> bool:
    """Do what a key is for; return whether it is for anything."""
    here = wall.focused_name
    if key in _STEPS:
        there = wall.neighbour(here, *_STEPS[key])
        if there is not None and wall.enlarged_name:
            wall.enlarge(there)
        elif there is not None:
            wall[there].setFocus(Qt.FocusReason.TabFocusReason)
        return there is not None
    if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and here:
        wall.toggle(here)
        return True
    if key == Qt.Key.Key_Escape and wall.enlarged_name:
        wall.reduce()
        return True
    if key in _PAGES and wall.pages > 1:
        wall.set_page(wall.page + _PAGES[key])
        return True
    return False
